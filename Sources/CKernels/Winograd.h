// Winograd's minimal filtering F(4×4, 3×3): sixteen outputs for 36 multiplications instead of 144.
//
// Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, section 4.1;
// the interpolation points are 0, ±1, ±2 and ∞.
#ifndef RESTORE_WINOGRAD_H
#define RESTORE_WINOGRAD_H

#include "CKernels.h"

#include <cstddef>
#include <cstdint>

namespace winograd {

/// Side of a tile of outputs, of the inputs it needs, and the points of a transformed tile.
constexpr int kTile = 4, kPatch = 6, kPoints = kPatch * kPatch;

/// What one build of the kernels for an instruction set offers.
struct Kernels {
  /// Floats of a vector: channels come in multiples of it.
  int width;
  /// Tiles, and channels of outputs, that the matrix product takes at once.
  int rows, panel;
  /// One panel's weights, of inputs×9×outputs.
  void (*pack)(const float *weight, int inputs, int outputs, bool rotated, int start, float *packed);
  /// Convolves tiles `first`..<`last` of all tiles of the batch.
  void (*run)(const ck_convolution_call &call, int inputs, int outputs, const float *packed, size_t first,
              size_t last, float *scratch);
  // The gradient of the weights: tiles of both sides to points, their products, and back.
  void (*gather_input)(const ck_convolution_call &call, int inputs, size_t first, size_t last, const float *zeros,
                       float *points, size_t apart);
  void (*gather_gradient)(const ck_convolution_call &call, int outputs, size_t first, size_t last,
                          const float *zeros, float *points, size_t apart);
  void (*correlate)(const float *gradients, const float *in, int tiles, int inputs, int outputs, float *sums,
                    bool adds);
  void (*finish_gradient)(const float *sums, size_t apart, int inputs, float *gradient);
};

/// Weights at the points, rounded: values·scale.
struct RoundedWeights {
  int inputs, outputs;
  /// The largest integer, of these and of what they are multiplied with.
  float limit;
  /// For each panel points×inputs/2×panel×2.
  const int16_t *values;
  /// For each panel points×panel.
  const float *scales;
};

/// What one build of the kernels with integers offers.
struct IntegerKernels {
  int width, rows, panel;
  /// As ``Kernels/run``.
  void (*run)(const ck_convolution_call &call, const RoundedWeights &weights, size_t first, size_t last,
              float *scratch);
};

/// Floats of scratch memory for so many tiles: zeros, their inputs, and a panel of their outputs.
inline size_t scratch_count(const Kernels &kernels, size_t tiles, int inputs) {
  return kPoints * tiles * size_t(inputs + kernels.panel) + size_t(inputs);
}

/// The same with integers: zeros, a tile's points, scales, a panel of outputs, and inputs of half the size.
inline size_t scratch_count(const IntegerKernels &kernels, size_t tiles, int inputs) {
  return (1 + kPoints) * size_t(inputs) + kPoints * tiles * (1 + size_t(kernels.panel) + size_t(inputs) / 2);
}

/// NULL where the compiler's target has no such processors.
const Kernels *avx2();
const Kernels *avx512();
const IntegerKernels *avx2_integers();
const IntegerKernels *vnni_integers();

} // namespace winograd
#endif
