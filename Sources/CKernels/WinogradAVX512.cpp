#include "Winograd.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,fma"))), apply_to = function)
namespace winograd {
namespace {
constexpr int kWidth = 16, kRows = 12, kColumns = 2;
#include "WinogradTransforms.h"
#include "WinogradKernels.h"
const Kernels kernels{kWidth,       kRows,           kColumns * kWidth, pack,           run,
                      gather_input, gather_gradient, correlate,         finish_gradient};
} // namespace
#pragma clang attribute pop

const Kernels *avx512() { return &kernels; }
} // namespace winograd
#else
namespace winograd {
const Kernels *avx512() { return nullptr; }
} // namespace winograd
#endif
