// An MPI that adds up numbers where they lie on a GPU: the MPI it is linked with, and the addresses of
// StandInCUDA.cpp. It tells when a rank ends how many sums were asked of it, and how many of device memory.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

// Handles are addresses in one MPI and integers in the other; as pointers either arrives as it came.
int PMPI_Iallreduce(const void *, void *, int, void *, void *, void *, void *);
int PMPI_Finalize(void);

static int sums, direct;

int MPIX_Query_cuda_support(void) { return 1; }

int MPI_Iallreduce(const void *in, void *out, int count, void *type, void *operation, void *ranks, void *request) {
  const uintptr_t distance = (uintptr_t)1 << 62;
  sums++;
  if ((uintptr_t)out >= distance) {
    direct++;
    out = (void *)((uintptr_t)out - distance);
  }
  return PMPI_Iallreduce(in, out, count, type, operation, ranks, request);
}

int MPI_Finalize(void) {
  fprintf(stderr, "stand-in MPI: %d sums, %d on the device\n", sums, direct);
  return PMPI_Finalize();
}
