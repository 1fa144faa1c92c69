#include "Winograd.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx512vnni,fma"))),            \
                             apply_to = function)
namespace winograd {
namespace {
constexpr int kWidth = 16, kRows = 12, kColumns = 2;
#include "WinogradTransforms.h"
inline __attribute__((always_inline)) Integers dot(Integers sum, Integers left, Integers right) {
  return (Integers)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)left, (__m512i)right);
}
#include "WinogradIntegers.h"
const IntegerKernels kernels{kWidth, kRows, kColumns * kWidth, integers::run};
} // namespace
#pragma clang attribute pop

const IntegerKernels *vnni_integers() { return &kernels; }
} // namespace winograd
#else
namespace winograd {
const IntegerKernels *vnni_integers() { return nullptr; }
} // namespace winograd
#endif
