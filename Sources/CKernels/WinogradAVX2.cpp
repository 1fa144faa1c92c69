#include "Winograd.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
namespace winograd {
namespace {
constexpr int kWidth = 8, kRows = 6, kColumns = 2;
#include "WinogradTransforms.h"
#include "WinogradKernels.h"
inline __attribute__((always_inline)) Integers dot(Integers sum, Integers left, Integers right) {
  return sum + (Integers)_mm256_madd_epi16((__m256i)left, (__m256i)right);
}
#include "WinogradIntegers.h"
const IntegerKernels integer_kernels{kWidth, kRows, kColumns * kWidth, integers::run};
const Kernels kernels{kWidth,       kRows,           kColumns * kWidth, pack,           run,
                      gather_input, gather_gradient, correlate,         finish_gradient};
} // namespace
#pragma clang attribute pop

const Kernels *avx2() { return &kernels; }
const IntegerKernels *avx2_integers() { return &integer_kernels; }
} // namespace winograd
#else
namespace winograd {
const Kernels *avx2() { return nullptr; }
const IntegerKernels *avx2_integers() { return nullptr; }
} // namespace winograd
#endif
