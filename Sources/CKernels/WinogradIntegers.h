// The convolution with integers between the transforms; included after WinogradTransforms.h, with kRows and kColumns
// (vectors) defined, and `dot`, which adds to each lane of 32 bits the two products of its halves.
//
// What a tile has at a point, all channels, is rounded by a scale of its own, the weights at a point by one for each
// output. With `limit` as the largest integer of both no sum can exceed 32 bits, so sums are exact.
namespace integers {

inline __attribute__((always_inline)) Integers load_pairs(const int16_t *p) {
  Integers v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

/// rows×(columns·kWidth) of C = A·B over pairs of inputs, times the scales of A's rows and of B's columns. A's rows are
/// `a_row` integers apart; B is pairs×columns·kWidth×2, C's rows follow one another.
template <int rows, int columns>
void product(const int16_t *a, size_t a_row, const int16_t *b, float *c, int pairs, const float *row_scales,
             const float *column_scales) {
  constexpr int panel = columns * kWidth;
  Integers sum[rows][columns];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++) sum[i][j] = Integers{};
  for (int k = 0; k < pairs; k++) {
    Integers right[columns];
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++) right[j] = load_pairs(b + j * kWidth * 2);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      int pair;
      __builtin_memcpy(&pair, a + i * a_row, sizeof pair);
      const Integers left = pair - Integers{};
#pragma clang loop unroll(full)
      for (int j = 0; j < columns; j++) sum[i][j] = dot(sum[i][j], left, right[j]);
    }
    a += 2;
    b += panel * 2;
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++)
      store(c + i * panel + j * kWidth, __builtin_convertvector(sum[i][j], Vector) *
                                            (load(column_scales + j * kWidth) * row_scales[i]));
}

template <int columns, int rows = kRows>
inline void product_rows(int count, const int16_t *a, size_t a_row, const int16_t *b, float *c, int pairs,
                         const float *row_scales, const float *column_scales) {
  if (count == rows) return product<rows, columns>(a, a_row, b, c, pairs, row_scales, column_scales);
  if constexpr (rows > 1)
    product_rows<columns, rows - 1>(count, a, a_row, b, c, pairs, row_scales, column_scales);
}

/// Rounds numbers, a multiple of kWidth, to integers of at most `limit`; returns their scale.
inline float round_row(const float *x, int count, float limit, int16_t *rounded) {
  typedef short Shorts __attribute__((vector_size(2 * kWidth)));
  // Sizes of floats are in the order of their bits; those of NaN are above all others.
  Integers most{};
  for (int i = 0; i < count; i += kWidth) {
    const Integers size = (Integers)load(x + i) & 0x7fffffff;
    most = size > most ? size : most;
  }
  const int bits = __builtin_reduce_max(most);
  float largest;
  __builtin_memcpy(&largest, &bits, sizeof largest);
  const float inverse = largest > 0 ? limit / largest : 0;
  for (int i = 0; i < count; i += kWidth) {
    // 1.5·2²³: the sum's last bits are the integer.
    const Integers sum = (Integers)(load(x + i) * inverse + 12582912.0f);
    const Shorts low = __builtin_convertvector(sum, Shorts);
    __builtin_memcpy(rounded + i, &low, sizeof low);
  }
  return largest / limit;
}

template <int columns>
void run_panel(const ck_convolution_call &call, const RoundedWeights &weights, int start, const int16_t *in,
               const float *scales, float *out, size_t first, size_t last) {
  constexpr int panel = columns * kWidth;
  const size_t tiles = last - first, inputs = size_t(weights.inputs);
  const int16_t *values = weights.values + size_t(start) * inputs * kPoints;
  const float *column_scales = weights.scales + size_t(start) * kPoints;
  for (int point = 0; point < kPoints; point++)
    for (size_t tile = 0; tile < tiles; tile += kRows) {
      const int count = tiles - tile < kRows ? int(tiles - tile) : kRows;
      const size_t row = point * tiles + tile;
      product_rows<columns>(count, in + row * inputs, inputs, values + point * inputs * panel, out + row * panel,
                            int(inputs / 2), scales + row, column_scales + point * panel);
    }
  write_panel<columns>(call, start, out, first, last);
}

void run(const ck_convolution_call &call, const RoundedWeights &weights, size_t first, size_t last, float *scratch) {
  const size_t tiles = last - first, inputs = size_t(weights.inputs);
  float *zeros = scratch, *points = zeros + inputs, *scales = points + kPoints * inputs;
  float *out = scales + kPoints * tiles;
  int16_t *in = (int16_t *)(out + kPoints * tiles * kColumns * kWidth);
  for (size_t i = 0; i < inputs; i++) zeros[i] = 0;
  for (size_t tile = 0; tile < tiles; tile++) {
    const float *pixels[36];
    find_pixels(call, first + tile, zeros, pixels);
    transform_input(pixels, int(inputs), points, inputs);
    for (int point = 0; point < kPoints; point++) {
      const size_t row = point * tiles + tile;
      scales[row] = round_row(points + point * inputs, int(inputs), weights.limit, in + row * inputs);
    }
  }
  int start = 0;
  for (; weights.outputs - start >= kColumns * kWidth; start += kColumns * kWidth)
    run_panel<kColumns>(call, weights, start, in, scales, out, first, last);
  if (start < weights.outputs) run_panel<1>(call, weights, start, in, scales, out, first, last);
}

} // namespace integers
