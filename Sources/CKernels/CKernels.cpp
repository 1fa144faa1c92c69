#include "CKernels.h"

#include "Threads.h"
#include "Winograd.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>

namespace {

struct Free {
  void operator()(float *p) const { ::operator delete[](p, std::align_val_t(64)); }
};
using Floats = std::unique_ptr<float[], Free>;

Floats floats(size_t count) {
  return Floats(static_cast<float *>(::operator new[](count * sizeof(float), std::align_val_t(64), std::nothrow)));
}

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

/// Convolves with packed weights; false, with nothing done, where memory is short.
bool convolve(const winograd::Kernels &kernels, int inputs, int outputs, const float *packed,
              const ck_convolution_call &call) {
  // As many tiles at once as leave the inputs of a block and a panel of its outputs in a core's second cache.
  const size_t cache = 256 << 10, rows = size_t(kernels.rows), all = tiles(call);
  size_t block = cache / (winograd::kPoints * sizeof(float) * size_t(inputs + kernels.panel)) / rows * rows;
  if (block < rows) block = rows;
  const size_t blocks = (all + block - 1) / block;
  std::atomic<size_t> next{0};
  std::atomic<bool> done{false};
  on_threads(blocks, all * winograd::kPoints * size_t(inputs) * size_t(outputs) / 8, [&] {
    float *memory = scratch(winograd::scratch_count(kernels, block, inputs));
    if (!memory) return; // the other threads have the blocks
    done = true;
    for (size_t index = next++; index < blocks; index = next++)
      kernels.run(call, inputs, outputs, packed, index * block, std::min(all, (index + 1) * block), memory);
  });
  return done;
}

} // namespace

struct ck_convolution_s {
  const winograd::Kernels *kernels;
  int inputs, outputs;
  Floats packed;
};

int ck_convolution_fits(int inputs, int outputs) { return kernels(inputs, outputs) != nullptr; }

ck_convolution ck_convolution_create(const float *weight, int inputs, int outputs, ck_direction direction) {
  const winograd::Kernels *found = kernels(inputs, outputs);
  if (!found) return nullptr;
  const bool backwards = direction == CK_BACKWARDS;
  // Of the convolution that is run: backwards, its inputs are the outputs.
  const int from = backwards ? outputs : inputs, to = backwards ? inputs : outputs;
  Floats packed = floats(size_t(winograd::kPoints) * inputs * outputs);
  // from×9×to: backwards the weights lie like this already.
  Floats ordered;
  if (!backwards && !(ordered = floats(size_t(9) * inputs * outputs))) return nullptr;
  if (!packed) return nullptr;
  if (!backwards) {
    constexpr int strip = 16;
    for_each(size_t((inputs + strip - 1) / strip), 9 * size_t(inputs) * outputs, [&](size_t index) {
      const int first = int(index) * strip, last = std::min(inputs, first + strip);
      for (int o = 0; o < outputs; o++)
        for (int k = 0; k < 9; k++)
          for (int i = first; i < last; i++)
            ordered[(size_t(i) * 9 + k) * outputs + o] = weight[(size_t(o) * 9 + k) * inputs + i];
    });
  }
  for_each(panels(*found, to), winograd::kPoints * size_t(inputs) * outputs / 4, [&](size_t index) {
    found->pack(backwards ? weight : ordered.get(), from, to, backwards, int(index) * found->panel, packed.get());
  });
  return new (std::nothrow) ck_convolution_s{found, from, to, std::move(packed)};
}

void ck_convolution_free(ck_convolution convolution) { delete convolution; }

int ck_convolution_run(ck_convolution convolution, const ck_convolution_call *call) {
  return !convolve(*convolution->kernels, convolution->inputs, convolution->outputs, convolution->packed.get(), *call);
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
