#ifndef RESTORE_CMPI_LIBRARY_H
#define RESTORE_CMPI_LIBRARY_H

#include <cstddef>
#include <stdexcept>
#include <string>

/// Why MPI cannot be used, or what it answered.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A sum that is under way.
struct Sum {
  virtual ~Sum() = default;
  virtual bool test() = 0;
  virtual void wait() = 0;
};

/// MPI as the rest sees it, whatever the types of the library's handles. All throw `Failure`.
struct Library {
  virtual ~Library() = default;

  std::string version;
  int rank = 0;
  int size = 1;
  int thread_level = 0;
  bool supports_cuda = false;

  virtual void barrier() = 0;
  virtual void broadcast(void *bytes, int count, int root) = 0;
  virtual void all_gather(const void *bytes, int count, void *all) = 0;
  virtual Sum *sum(float *values, size_t count) = 0;
  virtual void send(const void *bytes, int count, int to) = 0;
  virtual bool probe(int from, int &count) = 0;
  virtual void receive(void *bytes, int count, int from) = 0;
  virtual void abort(int status) = 0;
  virtual void finish() = 0;
};

/// Starts MPI with an opened library, of Open MPI's or MPICH's binary interface.
Library *start(void *handle);

#endif
