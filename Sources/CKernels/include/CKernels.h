// Convolutions for inference on the CPU, faster than a general library's because they know
// what they are for: 3×3, stride 1, one pixel of zeros around, float32, pixels × channels in
// memory (NHWC, "channels-last"), and the work around a convolution done in the same pass.
//
// Rules: no function throws, touches errno or keeps global state; pointers are borrowed.
#ifndef RESTORE_CKERNELS_H
#define RESTORE_CKERNELS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ck_convolution_s *ck_convolution;

typedef enum {
  CK_FORWARDS = 0,
  /// From the gradient of the outputs to that of the inputs.
  CK_BACKWARDS,
} ck_direction;

/// Whether there are kernels for these numbers of channels on this processor: multiples of 8 are needed.
/// Where not, a general library serves better.
int ck_convolution_fits(int inputs, int outputs);

/// Prepares a 3×3 convolution of `weight`, outputs×3×3×inputs in row-major order.
/// NULL where it does not fit or memory is short.
ck_convolution ck_convolution_create(const float *weight, int inputs, int outputs, ck_direction direction);

/// Whether this processor multiplies 16-bit integers faster than it does floats.
int ck_has_int16(void);
/// The same with weights, and what they are multiplied with, rounded to integers of 16 bits at most: so many that
/// sums of the products fit into 32 bits. Forwards only.
ck_convolution ck_convolution_create_int16(const float *weight, int inputs, int outputs);

void ck_convolution_free(ck_convolution convolution);

typedef struct {
  /// batch×height×width×inputs, pixels `input_stride` floats apart.
  const float *input;
  size_t input_stride;
  /// batch×height×width×outputs, pixels `output_stride` floats apart; must not overlap `input`.
  float *output;
  size_t output_stride;
  size_t batch, height, width;
  /// `outputs` numbers, or NULL.
  const float *bias;
  /// Whether the result goes through x·sigmoid(x).
  int silu;
  /// Added at the end, laid out as the output; may be the output itself; NULL for nothing.
  const float *addend;
  size_t addend_stride;
} ck_convolution_call;

/// Runs the convolution with as many threads as OpenMP is set to. The result does not depend on
/// their number. Returns non-zero, with nothing done, where memory is short.
int ck_convolution_run(ck_convolution convolution, const ck_convolution_call *call);

/// The gradient of the weights, outputs×3×3×inputs, written to `gradient`: `call` holds the convolution's
/// input and, as output, the gradient there, which is only read; nothing else of it is looked at. The result does
/// not depend on the number of threads. Returns non-zero, with nothing done, where it does not fit or memory is short.
int ck_convolution_weight_gradient(const ck_convolution_call *call, int inputs, int outputs, float *gradient);

typedef struct {
  /// batch×channels×height×width in row-major order; height and width are multiples of `patch`.
  float *picture;
  size_t batch, channels, height, width;
  /// 1, 2 or 4.
  size_t patch;
  /// batch×(height/patch)×(width/patch) pixels of channels·patch² channels, `pixel_stride` floats apart: the patches
  /// of patch×patch, channel by channel (pixel unshuffle; Shi et al. 2016).
  float *pixels;
  size_t pixel_stride;
} ck_patches;

/// Copies a picture to the pixels its patches become, or back. Return non-zero for another `patch`.
int ck_patches_to_pixels(const ck_patches *call);
int ck_pixels_to_patches(const ck_patches *call);

/// Whether this processor has products of bytes (VNNI), with which int8 pays.
int ck_has_int8(void);

typedef struct {
  const float *input;
  size_t count;
  /// `count` bytes: round(x/scale) + zero_point.
  unsigned char *output;
  /// Chosen so that the least and the largest number just fit; zero_point is from 1 to 255.
  float scale;
  int zero_point;
} ck_quantization;

/// Rounds numbers to bytes.
void ck_quantize(ck_quantization *call);

#ifdef __cplusplus
}
#endif
#endif
