#include "Library.h"

#include <dlfcn.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace {

// The same number in both interfaces.
constexpr int thread_serialized = 2;
// Elements of one call: counts are ints.
constexpr size_t largest_count = size_t(1) << 30;
constexpr int message_tag = 1;

template <typename Function> void find(void *library, const char *name, Function &function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr) throw Failure(std::string("the MPI library has no ") + name);
}

/// The values of the constants that mpi.h defines, and how requests are made.
template <typename Handle> struct Constants {
  Handle world, byte, real, sum, errors_return;
  void *in_place;
  void *status_ignore;
};

/// Functions of MPI whose handles (communicators, types, operations, requests) are `Handle`s.
template <typename Handle> struct Functions {
  int (*init)(int *, char ***, int, int *);
  int (*set_errhandler)(Handle, Handle);
  int (*comm_rank)(Handle, int *);
  int (*comm_size)(Handle, int *);
  int (*error_string)(int, char *, int *);
  int (*barrier)(Handle);
  int (*bcast)(void *, int, Handle, int, Handle);
  int (*allgather)(const void *, int, Handle, void *, int, Handle, Handle);
  int (*iallreduce)(const void *, void *, int, Handle, Handle, Handle, Handle *);
  int (*test)(Handle *, int *, void *);
  int (*wait)(Handle *, void *);
  int (*send)(const void *, int, Handle, int, int, Handle);
  int (*iprobe)(int, int, Handle, int *, void *);
  int (*get_count)(const void *, Handle, int *);
  int (*recv)(void *, int, Handle, int, int, Handle, void *);
  int (*abort)(Handle, int);
  int (*finalize)(void);

  explicit Functions(void *library) {
    find(library, "MPI_Init_thread", init);
    find(library, "MPI_Comm_set_errhandler", set_errhandler);
    find(library, "MPI_Comm_rank", comm_rank);
    find(library, "MPI_Comm_size", comm_size);
    find(library, "MPI_Error_string", error_string);
    find(library, "MPI_Barrier", barrier);
    find(library, "MPI_Bcast", bcast);
    find(library, "MPI_Allgather", allgather);
    find(library, "MPI_Iallreduce", iallreduce);
    find(library, "MPI_Test", test);
    find(library, "MPI_Wait", wait);
    find(library, "MPI_Send", send);
    find(library, "MPI_Iprobe", iprobe);
    find(library, "MPI_Get_count", get_count);
    find(library, "MPI_Recv", recv);
    find(library, "MPI_Abort", abort);
    find(library, "MPI_Finalize", finalize);
  }
};

template <typename Handle> class Implementation final : public Library {
public:
  Implementation(void *library, const Constants<Handle> &constants, std::string name)
      : functions(library), constants(constants) {
    version = std::move(name);
    // Autograd runs the backward pass of a GPU on a thread of its own, which begins sums.
    if (functions.init(nullptr, nullptr, thread_serialized, &thread_level) != 0)
      throw Failure("MPI_Init_thread failed");
    functions.set_errhandler(constants.world, constants.errors_return);
    check(functions.comm_rank(constants.world, &rank), "MPI_Comm_rank");
    check(functions.comm_size(constants.world, &size), "MPI_Comm_size");
    auto query = reinterpret_cast<int (*)()>(dlsym(library, "MPIX_Query_cuda_support"));
    supports_cuda = query != nullptr && query() == 1;
  }

  void barrier() override { check(functions.barrier(constants.world), "MPI_Barrier"); }

  void broadcast(void *bytes, int count, int root) override {
    check(functions.bcast(bytes, count, constants.byte, root, constants.world), "MPI_Bcast");
  }

  void all_gather(const void *bytes, int count, void *all) override {
    check(functions.allgather(bytes, count, constants.byte, all, count, constants.byte, constants.world),
          "MPI_Allgather");
  }

  Sum *sum(float *values, size_t count) override {
    auto sum = std::make_unique<Requests>(*this);
    for (size_t start = 0; start < count; start += largest_count) {
      Handle request;
      check(functions.iallreduce(constants.in_place, values + start, (int)std::min(largest_count, count - start),
                                 constants.real, constants.sum, constants.world, &request),
            "MPI_Iallreduce");
      sum->pending.push_back(request);
    }
    return sum.release();
  }

  void send(const void *bytes, int count, int to) override {
    check(functions.send(bytes, count, constants.byte, to, message_tag, constants.world), "MPI_Send");
  }

  bool probe(int from, int &count) override {
    // Room for either library's status.
    alignas(16) char status[256];
    int found = 0;
    check(functions.iprobe(from, message_tag, constants.world, &found, status), "MPI_Iprobe");
    if (found) check(functions.get_count(status, constants.byte, &count), "MPI_Get_count");
    return found != 0;
  }

  void receive(void *bytes, int count, int from) override {
    check(functions.recv(bytes, count, constants.byte, from, message_tag, constants.world, constants.status_ignore),
          "MPI_Recv");
  }

  void abort(int status) override { functions.abort(constants.world, status); }

  void finish() override { check(functions.finalize(), "MPI_Finalize"); }

private:
  /// One sum in as many requests as its length needs.
  struct Requests final : Sum {
    Implementation &owner;
    std::vector<Handle> pending;

    explicit Requests(Implementation &owner) : owner(owner) {}

    bool test() override {
      while (!pending.empty()) {
        int done = 0;
        owner.check(owner.functions.test(&pending.front(), &done, owner.constants.status_ignore), "MPI_Test");
        if (!done) return false;
        pending.erase(pending.begin());
      }
      return true;
    }

    void wait() override {
      for (; !pending.empty(); pending.erase(pending.begin()))
        owner.check(owner.functions.wait(&pending.front(), owner.constants.status_ignore), "MPI_Wait");
    }
  };

  void check(int code, const char *call) const {
    if (code == 0) return;
    // More than either library's MPI_MAX_ERROR_STRING.
    char text[8192];
    int length = 0;
    if (functions.error_string(code, text, &length) != 0) length = 0;
    throw Failure(std::string(call) + ": " + std::string(text, (size_t)std::max(0, length)));
  }

  const Functions<Handle> functions;
  const Constants<Handle> constants;
};

std::string version_of(void *library) {
  int (*get)(char *, int *);
  find(library, "MPI_Get_library_version", get);
  std::vector<char> text(1 << 14);
  int length = 0;
  if (get(text.data(), &length) != 0) length = 0;
  std::string name(text.data(), (size_t)std::max(0, length));
  return name.substr(0, name.find_first_of("\n\r"));
}

} // namespace

Library *start(void *library) {
  // Open MPI's handles are addresses of its global objects. Source: its mpi.h, versions 1.3 to 5.
  if (void *world = dlsym(library, "ompi_mpi_comm_world")) {
    auto symbol = [&](const char *name) {
      void *address;
      find(library, name, address);
      return address;
    };
    return new Implementation<void *>(
        library,
        {world, symbol("ompi_mpi_byte"), symbol("ompi_mpi_float"), symbol("ompi_mpi_op_sum"),
         symbol("ompi_mpi_errors_return"), reinterpret_cast<void *>(1), nullptr},
        version_of(library));
  }
  // MPICH's are numbers, which its ABI initiative (MPICH, Intel MPI, MVAPICH, Cray) keeps fixed.
  std::string version = version_of(library);
  for (const char *name : {"MPICH", "Intel", "MVAPICH", "CRAY"})
    if (version.find(name) != std::string::npos)
      return new Implementation<int>(
          library,
          {0x44000000, 0x4c00010d, 0x4c00040a, 0x58000003, 0x54000001, reinterpret_cast<void *>(-1),
           reinterpret_cast<void *>(1)},
          version);
  throw Failure("'" + version + "' is neither of Open MPI's nor of MPICH's binary interface");
}
