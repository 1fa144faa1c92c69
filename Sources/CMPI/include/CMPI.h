// A C ABI over whichever MPI library the machine has, opened at run time: nothing of MPI is needed
// to build, and nothing is loaded before `cm_start`. Rules that hold for every function:
//   - a failing function returns a non-zero status and `cm_last_error()` then gives the message,
//     per thread; no C++ exception crosses this boundary, and MPI is told to return its errors;
//   - all but `cm_last_error` need a successful `cm_start` before, and are called by one thread at
//     a time (MPI_THREAD_SERIALIZED, where the library grants it; see `cm_thread_level`);
//   - counts are in bytes or elements and may exceed MPI's int.
#ifndef RESTORE_CMPI_H
#define RESTORE_CMPI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cm_request_s *cm_request;

/// The message of this thread's last failure; valid until the next failing call.
const char *cm_last_error(void);

/// Opens the first library of `names` that can be opened and starts MPI with it.
int cm_start(const char *const *names, size_t count);
/// As the library calls itself, such as "Open MPI v4.1.4, ...".
const char *cm_library(void);
int cm_rank(void);
int cm_size(void);
/// What other threads than the starting one may do: 0 or 1 nothing, 2 and 3 call, one at a time.
int cm_thread_level(void);
/// Whether buffers may lie in CUDA memory.
int cm_supports_cuda(void);

int cm_barrier(void);
/// Copies `count` bytes of the rank `root` to all.
int cm_broadcast(void *bytes, size_t count, int root);
/// Gathers `count` bytes of every rank in `all`, in the order of ranks.
int cm_all_gather(const void *bytes, size_t count, void *all);

/// Begins to replace `values` by their sums over all ranks; they stay where they are until the
/// request is finished. Every rank begins its sums in the same order.
int cm_sum_begin(float *values, size_t count, cm_request *request);
/// Lets MPI work, and sets `*done` when the sums are there.
int cm_sum_test(cm_request request, int *done);
int cm_sum_wait(cm_request request);
/// After `cm_sum_test` said done or `cm_sum_wait`.
void cm_request_free(cm_request request);

/// Sends bytes to another rank; may wait until it takes them.
int cm_send(const void *bytes, size_t count, int to);
/// Sets `*found` where a message of the rank `from` waits, and `*count` to its length.
int cm_probe(int from, int *found, size_t *count);
/// Takes the message that `cm_probe` found.
int cm_receive(void *bytes, size_t count, int from);

/// Ends every rank with an exit status. Returns only if MPI cannot do it.
void cm_abort(int status);
/// Ends MPI; every rank calls it, as its last call.
int cm_finish(void);

#ifdef __cplusplus
}
#endif
#endif
