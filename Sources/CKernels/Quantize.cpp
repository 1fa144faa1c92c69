#include "CKernels.h"

#include "Threads.h"

#include <atomic>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace {

/// Numbers that a thread takes at once.
constexpr size_t kBlock = 1 << 15;
/// Minima and maxima that are kept beside one another, so that the compiler fills registers with them.
constexpr size_t kLanes = 32;

#if defined(__x86_64__)
// Every processor with int8 dot products has AVX2.
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#endif

/// The least and the largest of some numbers and 0.
void range(const float *x, size_t count, float &least, float &largest) {
  float low[kLanes] = {}, high[kLanes] = {};
  size_t index = 0;
  for (; index + kLanes <= count; index += kLanes)
    for (size_t lane = 0; lane < kLanes; lane++) {
      const float value = x[index + lane];
      low[lane] = value < low[lane] ? value : low[lane];
      high[lane] = value > high[lane] ? value : high[lane];
    }
  for (; index < count; index++) {
    low[0] = x[index] < low[0] ? x[index] : low[0];
    high[0] = x[index] > high[0] ? x[index] : high[0];
  }
  least = largest = 0;
  for (size_t lane = 0; lane < kLanes; lane++) {
    least = low[lane] < least ? low[lane] : least;
    largest = high[lane] > largest ? high[lane] : largest;
  }
}

void quantize(const float *x, size_t count, float inverse, float zero, unsigned char *result) {
  for (size_t index = 0; index < count; index++) {
    float value = __builtin_rintf(x[index] * inverse) + zero;
    value = value > 0 ? value : 0; // NaN, too
    value = value < 255 ? value : 255;
    result[index] = (unsigned char)int(value);
  }
}

#if defined(__x86_64__)
#pragma clang attribute pop
#endif

/// Puts `value` in the place of one that it `beats`.
template <typename Beats> void settle(std::atomic<float> &place, float value, Beats beats) {
  float found = place.load();
  while (beats(value, found) && !place.compare_exchange_weak(found, value)) {}
}

} // namespace

int ck_has_int8(void) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2")) return 0;
  if (__builtin_cpu_supports("avx512vnni")) return 1;
  // AVX-VNNI: bit 4 of EAX of leaf 7, subleaf 1.
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
#else
  return 0;
#endif
}

void ck_quantize(ck_quantization *call) {
  const size_t blocks = (call->count + kBlock - 1) / kBlock;
  const auto size = [&](size_t block) {
    const size_t rest = call->count - block * kBlock;
    return rest < kBlock ? rest : kBlock;
  };
  std::atomic<float> low{0}, high{0};
  for_each(blocks, call->count, [&](size_t block) {
    float least, largest;
    range(call->input + block * kBlock, size(block), least, largest);
    settle(low, least, [](float a, float b) { return a < b; });
    settle(high, largest, [](float a, float b) { return a > b; });
  });
  const float span = high - low;
  // 0 is never the zero point: oneDNN packs weights otherwise for inputs without one.
  call->scale = span > 0 ? span / 254 : 1;
  call->zero_point = 1 + int(__builtin_rintf(-low / call->scale));
  const float inverse = 1 / call->scale, zero = float(call->zero_point);
  for_each(blocks, call->count, [&](size_t block) {
    quantize(call->input + block * kBlock, size(block), inverse, zero, call->output + block * kBlock);
  });
}
