// The kernels in float32; included after WinogradTransforms.h, with kRows and kColumns (vectors) defined.
// kRows×kColumns accumulators fill the registers.

/// Where a matrix product finds its numbers: how far apart rows and columns of A, rows of B and of C are.
struct Strides {
  size_t a_row, a_column, b_row, c_row;
};

/// rows×(columns·kWidth) of C = A·B over `depth`, or of C += A·B.
template <int rows, int columns>
void product(const float *a, const float *b, float *c, int depth, Strides by, bool adds = false) {
  Vector sum[rows][columns];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++) sum[i][j] = adds ? load(c + i * by.c_row + j * kWidth) : Vector{};
  for (int k = 0; k < depth; k++) {
    Vector right[columns];
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++) right[j] = load(b + j * kWidth);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      Vector left = all(a[i * by.a_row]);
#pragma clang loop unroll(full)
      for (int j = 0; j < columns; j++) sum[i][j] = left * right[j] + sum[i][j];
    }
    a += by.a_column;
    b += by.b_row;
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++) store(c + i * by.c_row + j * kWidth, sum[i][j]);
}

/// The same for any number of rows up to kRows. What a row comes out as does not depend on how many
/// others are computed with it.
template <int columns, int rows = kRows>
inline void product_rows(int count, const float *a, const float *b, float *c, int depth, Strides by,
                         bool adds = false) {
  if (count == rows) return product<rows, columns>(a, b, c, depth, by, adds);
  if constexpr (rows > 1) product_rows<columns, rows - 1>(count, a, b, c, depth, by, adds);
}

/// One dimension of a filter's transform, Gg.
inline __attribute__((always_inline)) void filter_to_points(const Vector w[3], Vector out[6]) {
  const Vector ends = w[0] + w[2], outer = w[0] * (1.0f / 24) + w[2] * (1.0f / 6);
  out[0] = w[0] * 0.25f;
  out[1] = (ends + w[1]) * (-1.0f / 6);
  out[2] = (ends - w[1]) * (-1.0f / 6);
  out[3] = outer + w[1] * (1.0f / 12);
  out[4] = outer - w[1] * (1.0f / 12);
  out[5] = w[2];
}

/// Its transpose Gᵀm, for the gradient.
inline __attribute__((always_inline)) void filter_from_points(const Vector m[6], Vector out[3]) {
  const Vector one = (m[1] + m[2]) * (1.0f / 6), two = m[3] + m[4];
  out[0] = m[0] * 0.25f - one + two * (1.0f / 24);
  out[1] = (m[2] - m[1]) * (1.0f / 6) + (m[3] - m[4]) * (1.0f / 12);
  out[2] = two * (1.0f / 6) - one + m[5];
}

/// One dimension of a gradient's tile, Ay.
inline __attribute__((always_inline)) void gradient_to_points(const Vector y[4], Vector out[6]) {
  const Vector even = y[0] + y[2], odd = y[1] + y[3];
  const Vector far_even = y[0] + 4 * y[2], far_odd = 2 * y[1] + 8 * y[3];
  out[0] = y[0];
  out[1] = even + odd;
  out[2] = even - odd;
  out[3] = far_even + far_odd;
  out[4] = far_even - far_odd;
  out[5] = y[3];
}

/// GgGᵀ of the filters of a panel that begins at output `start`, in the order points×inputs×panel. `weight` is
/// inputs×9×outputs; `rotated` takes each filter turned by half a circle.
void pack(const float *weight, int inputs, int outputs, bool rotated, int start, float *packed) {
  const int panel = kColumns * kWidth, wide = outputs - start < panel ? outputs - start : panel;
  packed += size_t(start) * inputs * kPoints;
  for (int i = 0; i < inputs; i++)
    for (int o = 0; o < wide; o += kWidth) {
      const float *w = weight + size_t(i) * 9 * outputs + start + o;
      both_ways<3, 6>(
          filter_to_points,
          [&](int y, int x) { return load(w + size_t(rotated ? 8 - (y * 3 + x) : y * 3 + x) * outputs); },
          [&](int y, int x, Vector v) { store(packed + (size_t(y * 6 + x) * inputs + i) * wide + o, v); });
    }
}

/// Tiles `first`..<`last` to their points, `apart` floats from point to point.
void gather_input(const ck_convolution_call &call, int inputs, size_t first, size_t last, const float *zeros,
                  float *in, size_t apart) {
  for (size_t tile = first; tile < last; tile++) {
    const float *pixels[36];
    find_pixels(call, tile, zeros, pixels);
    transform_input(pixels, inputs, in + (tile - first) * inputs, apart);
  }
}

/// A panel of outputs, from channel `start` on: 36 matrix products, then pixels.
template <int columns>
void run_panel(const ck_convolution_call &call, int inputs, int start, const float *in, const float *packed,
               float *out, size_t first, size_t last) {
  const size_t tiles = last - first;
  constexpr int panel = columns * kWidth;
  for (int point = 0; point < kPoints; point++) {
    const float *a = in + point * tiles * inputs, *b = packed + size_t(point) * inputs * panel;
    float *c = out + point * tiles * panel;
    for (size_t tile = 0; tile < tiles; tile += kRows) {
      const int count = tiles - tile < kRows ? int(tiles - tile) : kRows;
      product_rows<columns>(count, a + tile * inputs, b, c + tile * panel, inputs,
                            {size_t(inputs), 1, panel, panel});
    }
  }
  write_panel<columns>(call, start, out, first, last);
}

void run(const ck_convolution_call &call, int inputs, int outputs, const float *packed, size_t first, size_t last,
         float *scratch) {
  float *zeros = scratch;
  float *in = zeros + inputs, *out = in + kPoints * (last - first) * inputs;
  for (int i = 0; i < inputs; i++) zeros[i] = 0;
  gather_input(call, inputs, first, last, zeros, in, (last - first) * inputs);
  int start = 0;
  for (; outputs - start >= kColumns * kWidth; start += kColumns * kWidth)
    run_panel<kColumns>(call, inputs, start, in, packed + size_t(start) * inputs * kPoints, out, first, last);
  if (start < outputs)
    run_panel<1>(call, inputs, start, in, packed + size_t(start) * inputs * kPoints, out, first, last);
}

/// Tiles of a gradient, outputs' side, to their points; the gradient is `call.output`.
void gather_gradient(const ck_convolution_call &call, int outputs, size_t first, size_t last, const float *zeros,
                     float *points, size_t apart) {
  const Grid grid(call);
  for (size_t tile = first; tile < last; tile++) {
    const size_t picture = tile / (grid.down * grid.across);
    const size_t row = tile / grid.across % grid.down, column = tile % grid.across;
    const float *pixels[16];
    for (int y = 0; y < 4; y++)
      for (int x = 0; x < 4; x++) {
        const size_t at_y = row * kTile + y, at_x = column * kTile + x;
        pixels[y * 4 + x] =
            at_y < call.height && at_x < call.width
                ? call.output + ((picture * call.height + at_y) * call.width + at_x) * call.output_stride
                : zeros;
      }
    float *out = points + (tile - first) * outputs;
    for (int channel = 0; channel < outputs; channel += kWidth)
      both_ways<4, 6>(
          gradient_to_points, [&](int y, int x) { return load(pixels[y * 4 + x] + channel); },
          [&](int y, int x, Vector v) { store(out + (y * 6 + x) * apart + channel, v); });
  }
}

/// A panel of ``correlate``.
template <int columns>
inline void correlate_panel(const float *gradients, const float *in, int tiles, int inputs, int outputs, float *sums,
                            bool adds) {
  for (int o = 0; o < outputs; o += kRows)
    product_rows<columns>(outputs - o < kRows ? outputs - o : kRows, gradients + o, in, sums + size_t(o) * inputs,
                          tiles, {1, size_t(outputs), size_t(inputs), size_t(inputs)}, adds);
}

/// At one point, the products of gradients (tiles×outputs) and inputs (tiles×inputs), summed over the tiles:
/// outputs×inputs.
void correlate(const float *gradients, const float *in, int tiles, int inputs, int outputs, float *sums, bool adds) {
  // So many tiles of a panel stay in the first cache.
  constexpr int most = 128;
  for (int tile = 0; tile < tiles; tile += most) {
    const float *a = gradients + size_t(tile) * outputs, *b = in + size_t(tile) * inputs;
    const int count = tiles - tile < most ? tiles - tile : most;
    const bool more = adds || tile > 0;
    int start = 0;
    for (; inputs - start >= kColumns * kWidth; start += kColumns * kWidth)
      correlate_panel<kColumns>(a, b + start, count, inputs, outputs, sums + start, more);
    if (start < inputs) correlate_panel<1>(a, b + start, count, inputs, outputs, sums + start, more);
  }
}

/// Sums at all points, outputs×inputs `apart`, to the gradient of one output's filters, 9×inputs.
void finish_gradient(const float *sums, size_t apart, int inputs, float *gradient) {
  for (int channel = 0; channel < inputs; channel += kWidth)
    both_ways<6, 3>(
        filter_from_points, [&](int y, int x) { return load(sums + (y * 6 + x) * apart + channel); },
        [&](int y, int x, Vector v) { store(gradient + (y * 3 + x) * size_t(inputs) + channel, v); });
}
