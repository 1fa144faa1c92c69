#include "CMPI.h"

#include "Library.h"

#include <dlfcn.h>

#include <algorithm>
#include <memory>

struct cm_request_s {
  std::unique_ptr<Sum> sum;
};

namespace {

thread_local std::string last_error;
// For the life of the process: MPI can be started once.
Library *library = nullptr;
constexpr size_t largest_part = size_t(1) << 30;

template <typename Body> int protect(Body body) {
  try {
    body();
    return 0;
  } catch (const std::exception &error) {
    last_error = error.what();
  } catch (...) {
    last_error = "unknown C++ exception";
  }
  return 1;
}

Library &started() {
  if (library == nullptr) throw Failure("MPI was not started");
  return *library;
}

/// Calls `body(offset, count)` for parts that an int can count.
template <typename Body> void in_parts(size_t count, Body body) {
  for (size_t start = 0; start < count; start += largest_part) body(start, (int)std::min(largest_part, count - start));
}

int counted(size_t count) {
  if (count > largest_part) throw Failure("a message is too long");
  return (int)count;
}

} // namespace

extern "C" {

const char *cm_last_error(void) { return last_error.c_str(); }

int cm_start(const char *const *names, size_t count) {
  return protect([&] {
    if (library != nullptr) throw Failure("MPI was started already");
    std::string reasons;
    for (size_t i = 0; i < count; i++) {
      // Global, because Open MPI's plugins look for its symbols.
      if (void *handle = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL)) {
        library = start(handle);
        return;
      }
      reasons += (i == 0 ? "" : "; ") + std::string(dlerror());
    }
    throw Failure(reasons);
  });
}

const char *cm_library(void) { return library == nullptr ? "" : library->version.c_str(); }

int cm_rank(void) { return library == nullptr ? 0 : library->rank; }

int cm_size(void) { return library == nullptr ? 1 : library->size; }

int cm_thread_level(void) { return library == nullptr ? 0 : library->thread_level; }

int cm_supports_cuda(void) { return library != nullptr && library->supports_cuda; }

int cm_barrier(void) {
  return protect([] { started().barrier(); });
}

int cm_broadcast(void *bytes, size_t count, int root) {
  return protect([&] {
    in_parts(count, [&](size_t start, int part) { started().broadcast((char *)bytes + start, part, root); });
  });
}

int cm_all_gather(const void *bytes, size_t count, void *all) {
  return protect([&] { started().all_gather(bytes, counted(count), all); });
}

int cm_sum_begin(float *values, size_t count, cm_request *request) {
  return protect([&] {
    auto made = std::make_unique<cm_request_s>();
    made->sum.reset(started().sum(values, count));
    *request = made.release();
  });
}

int cm_sum_test(cm_request request, int *done) {
  return protect([&] { *done = request->sum->test(); });
}

int cm_sum_wait(cm_request request) {
  return protect([&] { request->sum->wait(); });
}

void cm_request_free(cm_request request) { delete request; }

int cm_send(const void *bytes, size_t count, int to) {
  return protect([&] { started().send(bytes, counted(count), to); });
}

int cm_probe(int from, int *found, size_t *count) {
  return protect([&] {
    int length = 0;
    *found = started().probe(from, length);
    *count = (size_t)length;
  });
}

int cm_receive(void *bytes, size_t count, int from) {
  return protect([&] { started().receive(bytes, counted(count), from); });
}

void cm_abort(int status) {
  protect([&] { started().abort(status); });
}

int cm_finish(void) {
  return protect([] { started().finish(); });
}

} // extern "C"
