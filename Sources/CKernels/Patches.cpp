#include "CKernels.h"

#include "Threads.h"

#include <cstring>

namespace {

/// Calls `copy(row of the picture, pixel's channels)` for every run of `patch` floats of a row of patches.
template <typename Copy> void walk(const ck_patches &call, size_t index, Copy copy) {
  const size_t patch = call.patch, down = call.height / patch, across = call.width / patch;
  const size_t picture = index / down, row = index % down, plane = call.height * call.width;
  float *pixel = call.pixels + index * across * call.pixel_stride;
  float *first = call.picture + picture * call.channels * plane + row * patch * call.width;
  for (size_t column = 0; column < across; column++, pixel += call.pixel_stride, first += patch)
    for (size_t channel = 0; channel < call.channels; channel++)
      for (size_t y = 0; y < patch; y++)
        copy(first + channel * plane + y * call.width, pixel + (channel * patch + y) * patch);
}

/// With `patch` known to the compiler, a run is one move.
template <size_t patch> void copy_all(const ck_patches &call, bool to_pixels) {
  for_each(call.batch * (call.height / call.patch), call.batch * call.channels * call.height * call.width, [&](size_t index) {
    if (to_pixels)
      walk(call, index, [](float *row, float *pixel) { std::memcpy(pixel, row, patch * sizeof(float)); });
    else
      walk(call, index, [](float *row, float *pixel) { std::memcpy(row, pixel, patch * sizeof(float)); });
  });
}

int copy_patches(const ck_patches *call, bool to_pixels) {
  switch (call->patch) {
  case 1: copy_all<1>(*call, to_pixels); return 0;
  case 2: copy_all<2>(*call, to_pixels); return 0;
  case 4: copy_all<4>(*call, to_pixels); return 0;
  default: return 1;
  }
}

} // namespace

int ck_patches_to_pixels(const ck_patches *call) { return copy_patches(call, true); }

int ck_pixels_to_patches(const ck_patches *call) { return copy_patches(call, false); }
