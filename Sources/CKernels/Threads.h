// Work shared out over the threads that libtorch computes with.
#ifndef RESTORE_CKERNELS_THREADS_H
#define RESTORE_CKERNELS_THREADS_H

#include <dlfcn.h>

#include <atomic>
#include <cstddef>

namespace {

/// libgomp's own pool, which libtorch keeps warm: a second pool would fight with it for the cores.
/// GOMP_parallel is the entry that GCC compiles `#pragma omp parallel` to.
struct OpenMP {
  void (*parallel)(void (*)(void *), void *, unsigned, unsigned);
  int (*threads)();

  static const OpenMP &shared() {
    static const OpenMP found{
        reinterpret_cast<decltype(parallel)>(dlsym(RTLD_DEFAULT, "GOMP_parallel")),
        reinterpret_cast<decltype(threads)>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"))};
    return found;
  }
};

/// Runs `body` on several threads at once, at most `most`, this one among them.
///
/// `operations` says about how much there is to do: waking the others costs as much as tens of thousands, and
/// far more where other programs use their cores.
template <typename Body> inline void on_threads(size_t most, size_t operations, Body body) {
  constexpr size_t worthwhile = 200'000;
  if (operations < worthwhile) return body();
  const OpenMP &openmp = OpenMP::shared();
  if (openmp.parallel && openmp.threads) {
    const size_t wanted = size_t(openmp.threads());
    const size_t count = wanted < most ? wanted : most;
    if (count > 1)
      return openmp.parallel([](void *context) { (*static_cast<Body *>(context))(); }, &body, unsigned(count), 0);
  }
  body();
}

/// Calls `body` with every index below `count`, some on other threads; which, is chance.
template <typename Body> inline void for_each(size_t count, size_t operations, Body body) {
  std::atomic<size_t> next{0};
  on_threads(count, operations, [&] {
    for (size_t index = next++; index < count; index = next++) body(index);
  });
}

} // namespace
#endif
