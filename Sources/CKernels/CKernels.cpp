#include "CKernels.h"

#include "Threads.h"
#include "Winograd.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <new>

namespace {

struct Free {
  void operator()(void *p) const { ::operator delete[](p, std::align_val_t(64)); }
};
template <typename Number> using Numbers = std::unique_ptr<Number[], Free>;
using Floats = Numbers<float>;

/// NULL where memory is short.
template <typename Number> Numbers<Number> numbers(size_t count) {
  void *memory = ::operator new[](count * sizeof(Number), std::align_val_t(64), std::nothrow);
  return Numbers<Number>(static_cast<Number *>(memory));
}

Floats floats(size_t count) { return numbers<float>(count); }

/// The instruction set's kernels that fit, the widest first.
const winograd::Kernels *kernels(int inputs, int outputs) {
#if defined(__x86_64__)
  const auto fits = [&](const winograd::Kernels *kernels) {
    return kernels && inputs % kernels->width == 0 && outputs % kernels->width == 0;
  };
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      fits(winograd::avx512()))
    return winograd::avx512();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && fits(winograd::avx2()))
    return winograd::avx2();
#endif
  return nullptr;
}

/// Those with integers, and in `packing` the kernels whose panels of weights are theirs.
const winograd::IntegerKernels *integer_kernels(int inputs, int outputs, const winograd::Kernels *&packing) {
#if defined(__x86_64__)
  packing = kernels(inputs, outputs);
  if (packing && packing == winograd::avx512() && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vnni"))
    return winograd::vnni_integers();
  if (packing) packing = winograd::avx2();
  return packing ? winograd::avx2_integers() : nullptr;
#else
  return nullptr;
#endif
}

/// A thread's scratch memory, kept for its next convolution.
float *scratch(size_t count) {
  thread_local Floats memory;
  thread_local size_t held = 0;
  if (held < count) {
    memory = nullptr;
    memory = floats(count);
    held = memory ? count : 0;
  }
  return memory.get();
}

size_t panels(const winograd::Kernels &kernels, int outputs) {
  return size_t((outputs + kernels.panel - 1) / kernels.panel);
}

size_t tiles(const ck_convolution_call &call) {
  const auto up = [](size_t size) { return (size + winograd::kTile - 1) / winograd::kTile; };
  return call.batch * up(call.height) * up(call.width);
}

/// Calls `run(first, last, memory)` for blocks of tiles, on all threads; false, with nothing done, where memory is
/// short. Tiles hold `width` bytes for each input, and four for each output of a panel.
template <typename Kernels, typename Run>
bool in_blocks(const Kernels &kernels, const ck_convolution_call &call, int inputs, int outputs, size_t width,
               Run run) {
  // As many tiles at once as leave the inputs of a block and a panel of its outputs in a core's second cache.
  const size_t cache = 256 << 10, rows = size_t(kernels.rows), all = tiles(call);
  const size_t bytes = winograd::kPoints * (width * size_t(inputs) + sizeof(float) * size_t(kernels.panel));
  size_t block = cache / bytes / rows * rows;
  if (block < rows) block = rows;
  const size_t blocks = (all + block - 1) / block;
  std::atomic<size_t> next{0};
  std::atomic<bool> done{false};
  on_threads(blocks, all * winograd::kPoints * size_t(inputs) * size_t(outputs) / 8, [&] {
    float *memory = scratch(winograd::scratch_count(kernels, block, inputs));
    if (!memory) return; // the other threads have the blocks
    done = true;
    for (size_t index = next++; index < blocks; index = next++)
      run(index * block, std::min(all, (index + 1) * block), memory);
  });
  return done;
}

} // namespace

struct ck_convolution_s {
  int inputs, outputs;
  const winograd::Kernels *kernels;
  Floats packed;
  /// With these the weights are rounded, and `packed` holds their scales.
  const winograd::IntegerKernels *integers;
  Numbers<int16_t> rounded;
  float limit;
};

namespace {

/// Weights of outputs×3×3×inputs at the points; NULL where memory is short. Backwards `from` and `to` are the
/// outputs and the inputs.
Floats packed_weights(const winograd::Kernels &kernels, const float *weight, int from, int to, bool backwards) {
  Floats packed = floats(size_t(winograd::kPoints) * from * to);
  // from×9×to: backwards the weights lie like this already.
  Floats ordered;
  if (!backwards && !(ordered = floats(size_t(9) * from * to))) return nullptr;
  if (!packed) return nullptr;
  if (!backwards) {
    constexpr int strip = 16;
    for_each(size_t((from + strip - 1) / strip), 9 * size_t(from) * to, [&](size_t index) {
      const int first = int(index) * strip, last = std::min(from, first + strip);
      for (int o = 0; o < to; o++)
        for (int k = 0; k < 9; k++)
          for (int i = first; i < last; i++)
            ordered[(size_t(i) * 9 + k) * to + o] = weight[(size_t(o) * 9 + k) * from + i];
    });
  }
  for_each(panels(kernels, to), winograd::kPoints * size_t(from) * to / 4, [&](size_t index) {
    kernels.pack(backwards ? weight : ordered.get(), from, to, backwards, int(index) * kernels.panel, packed.get());
  });
  return packed;
}

/// A panel's weights at a point, inputs×wide, to inputs/2×wide×2 integers and `wide` scales.
void round_weights(const float *weight, int inputs, int wide, float limit, int16_t *values, float *scales) {
  for (int o = 0; o < wide; o++) {
    float largest = 0;
    for (int i = 0; i < inputs; i++) largest = std::max(largest, std::fabs(weight[size_t(i) * wide + o]));
    scales[o] = largest / limit;
    const float inverse = largest > 0 ? limit / largest : 0;
    for (int i = 0; i < inputs; i++)
      values[(size_t(i / 2) * wide + o) * 2 + i % 2] = int16_t(std::lrint(weight[size_t(i) * wide + o] * inverse));
  }
}

} // namespace

int ck_convolution_fits(int inputs, int outputs) { return kernels(inputs, outputs) != nullptr; }

ck_convolution ck_convolution_create(const float *weight, int inputs, int outputs, ck_direction direction) {
  const winograd::Kernels *found = kernels(inputs, outputs);
  if (!found) return nullptr;
  const bool backwards = direction == CK_BACKWARDS;
  // Of the convolution that is run: backwards, its inputs are the outputs.
  const int from = backwards ? outputs : inputs, to = backwards ? inputs : outputs;
  Floats packed = packed_weights(*found, weight, from, to, backwards);
  if (!packed) return nullptr;
  return new (std::nothrow) ck_convolution_s{from, to, found, std::move(packed), nullptr, nullptr, 0};
}

int ck_has_int16(void) {
#if defined(__x86_64__)
  return winograd::avx2_integers() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return 0;
#endif
}

ck_convolution ck_convolution_create_int16(const float *weight, int inputs, int outputs) {
  const winograd::Kernels *packing = nullptr;
  const winograd::IntegerKernels *found = integer_kernels(inputs, outputs, packing);
  if (!found) return nullptr;
  // So that `inputs` products fit into 32 bits.
  const float limit = std::floor(std::sqrt(float(std::numeric_limits<int>::max()) / float(inputs))) - 1;
  const Floats packed = packed_weights(*packing, weight, inputs, outputs, false);
  auto rounded = numbers<int16_t>(size_t(winograd::kPoints) * inputs * outputs);
  Floats scales = floats(size_t(winograd::kPoints) * outputs);
  if (!packed || !rounded || !scales) return nullptr;
  for_each(panels(*packing, outputs), winograd::kPoints * size_t(inputs) * outputs, [&](size_t index) {
    const int start = int(index) * packing->panel, wide = std::min(packing->panel, outputs - start);
    for (int point = 0; point < winograd::kPoints; point++) {
      const size_t at = size_t(start) * inputs * winograd::kPoints + size_t(point) * inputs * wide;
      round_weights(packed.get() + at, inputs, wide, limit, rounded.get() + at,
                    scales.get() + size_t(start) * winograd::kPoints + size_t(point) * wide);
    }
  });
  return new (std::nothrow)
      ck_convolution_s{inputs, outputs, packing, std::move(scales), found, std::move(rounded), limit};
}

void ck_convolution_free(ck_convolution convolution) { delete convolution; }

int ck_convolution_run(ck_convolution convolution, const ck_convolution_call *call) {
  const ck_convolution_s &it = *convolution;
  if (it.integers) {
    const winograd::RoundedWeights weights{it.inputs, it.outputs, it.limit, it.rounded.get(), it.packed.get()};
    return !in_blocks(*it.integers, *call, it.inputs, it.outputs, sizeof(int16_t),
                      [&](size_t first, size_t last, float *memory) {
                        it.integers->run(*call, weights, first, last, memory);
                      });
  }
  return !in_blocks(*it.kernels, *call, it.inputs, it.outputs, sizeof(float),
                    [&](size_t first, size_t last, float *memory) {
                      it.kernels->run(*call, it.inputs, it.outputs, it.packed.get(), first, last, memory);
                    });
}

int ck_convolution_weight_gradient(const ck_convolution_call *call, int inputs, int outputs, float *gradient) {
  const winograd::Kernels *found = kernels(inputs, outputs);
  if (!found) return 1;
  constexpr size_t points = winograd::kPoints;
  const size_t all = tiles(*call);
  // Enough tiles at once that sums are seldom written, few enough for the last cache.
  const size_t most = (size_t(16) << 20) / (points * sizeof(float) * size_t(inputs + outputs));
  const size_t block = std::min(all, std::max<size_t>(most, 64)), strip = 16;
  const size_t pair = size_t(inputs) * outputs, zeros = size_t(std::max(inputs, outputs));
  float *memory = scratch(zeros + points * (block * size_t(inputs + outputs) + pair));
  if (!memory) return 1;
  std::fill(memory, memory + zeros, 0.0f);
  float *in = memory + zeros, *out = in + points * block * inputs, *sums = out + points * block * outputs;
  for (size_t start = 0; start < all; start += block) {
    const size_t count = std::min(block, all - start);
    for_each((count + strip - 1) / strip, count * points * size_t(inputs + outputs) / 2, [&](size_t index) {
      const size_t first = index * strip, last = std::min(count, first + strip);
      found->gather_input(*call, inputs, start + first, start + last, memory, in + first * inputs, count * inputs);
      found->gather_gradient(*call, outputs, start + first, start + last, memory, out + first * outputs,
                             count * outputs);
    });
    for_each(points, count * points * pair / 8, [&](size_t point) {
      found->correlate(out + point * count * outputs, in + point * count * inputs, int(count), inputs, outputs,
                       sums + point * pair, start > 0);
    });
  }
  for_each(size_t(outputs), points * pair / 4, [&](size_t o) {
    found->finish_gradient(sums + o * inputs, pair, inputs, gradient + o * 9 * size_t(inputs));
  });
  return 0;
}
