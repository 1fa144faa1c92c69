// Tiles of pictures to points and back, in terms of vectors of kWidth floats; included once for every instruction
// set, inside a namespace, with kWidth defined.

typedef float Vector __attribute__((vector_size(4 * kWidth), aligned(4)));
typedef int Integers __attribute__((vector_size(4 * kWidth)));

inline __attribute__((always_inline)) Vector load(const float *p) { return *(const Vector *)p; }
inline __attribute__((always_inline)) void store(float *p, Vector v) { *(Vector *)p = v; }
inline __attribute__((always_inline)) Vector all(float x) { return x - Vector{}; }

/// One dimension of an input tile's transform, Bᵀd.
inline __attribute__((always_inline)) void to_points(const Vector d[6], Vector out[6]) {
  Vector a = d[4] - 4 * d[2], b = d[3] - 4 * d[1];
  Vector c = d[4] - d[2], e = 2 * (d[3] - d[1]);
  out[0] = 4 * d[0] + (d[4] - 5 * d[2]);
  out[1] = a + b;
  out[2] = a - b;
  out[3] = c + e;
  out[4] = c - e;
  out[5] = 4 * d[1] + (d[5] - 5 * d[3]);
}

/// One dimension of an output tile's transform, Aᵀm.
inline __attribute__((always_inline)) void from_points(const Vector m[6], Vector out[4]) {
  Vector a = m[1] + m[2], b = m[1] - m[2];
  Vector c = m[3] + m[4], d = m[3] - m[4];
  out[0] = (m[0] + a) + c;
  out[1] = b + 2 * d;
  out[2] = a + 4 * c;
  out[3] = (b + 8 * d) + m[5];
}

/// eˣ to a unit in the last place or two, for x up to 88: 2ⁿ·eʳ with |r| ≤ ln 2/2.
inline __attribute__((always_inline)) Vector exponential(Vector x) {
  x = x < -87.0f ? all(-87.0f) : x;
  x = x > 88.0f ? all(88.0f) : x;
  const float magic = 12582912.0f; // 1.5·2²³: its sum is rounded to an integer
  Vector n = (x * 1.44269504f + magic) - magic;
  Vector r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  Vector p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + (r + 1.0f);
  Integers power = (__builtin_convertvector(n, Integers) + 127) << 23;
  return p * (Vector)power;
}

inline __attribute__((always_inline)) Vector silu(Vector x) { return x / (1.0f + exponential(-x)); }

/// A one-dimensional transform of `from` to `to` vectors, along the columns of a square, then along its rows.
/// `read(y, x)` gives the square's vectors, `write(y, x, vector)` takes the result's.
template <int from, int to, typename Transform, typename Read, typename Write>
inline __attribute__((always_inline)) void both_ways(Transform transform, Read read, Write write) {
  Vector half[to][from];
#pragma clang loop unroll(full)
  for (int x = 0; x < from; x++) {
    Vector column[from], points[to];
#pragma clang loop unroll(full)
    for (int y = 0; y < from; y++) column[y] = read(y, x);
    transform(column, points);
#pragma clang loop unroll(full)
    for (int y = 0; y < to; y++) half[y][x] = points[y];
  }
#pragma clang loop unroll(full)
  for (int y = 0; y < to; y++) {
    Vector points[to];
    transform(half[y], points);
#pragma clang loop unroll(full)
    for (int x = 0; x < to; x++) write(y, x, points[x]);
  }
}

/// A tile's 36 pixels, all channels, to its points, `tiles` rows of `inputs` apart.
void transform_input(const float *const pixels[36], int inputs, float *points, size_t apart) {
  for (int channel = 0; channel < inputs; channel += kWidth)
    both_ways<6, 6>(
        to_points, [&](int y, int x) { return load(pixels[y * 6 + x] + channel); },
        [&](int y, int x, Vector v) { store(points + (y * 6 + x) * apart + channel, v); });
}

/// A tile's points to its pixels, of which those beyond the picture are left out; a panel's channels from
/// `first` on.
template <int columns, bool activated, bool adds>
void transform_output(const ck_convolution_call &call, int first, const float *points, size_t apart, size_t pixel,
                      int high, int wide) {
  for (int column = 0; column < columns; column++) {
    const int channel = first + column * kWidth;
    Vector values[kTile][kTile];
    both_ways<6, 4>(
        from_points, [&](int y, int x) { return load(points + (y * 6 + x) * apart + column * kWidth); },
        [&](int y, int x, Vector v) { values[y][x] = v; });
    const Vector bias = call.bias ? load(call.bias + channel) : Vector{};
    for (int y = 0; y < high; y++)
      for (int x = 0; x < wide; x++) {
        const size_t at = pixel + size_t(y) * call.width + x;
        Vector value = values[y][x] + bias;
        if (activated) value = silu(value);
        if (adds) value += load(call.addend + at * call.addend_stride + channel);
        store(call.output + at * call.output_stride + channel, value);
      }
  }
}

/// The tiles of a picture, numbered row by row.
struct Grid {
  size_t down, across;
  explicit Grid(const ck_convolution_call &call)
      : down((call.height + kTile - 1) / kTile), across((call.width + kTile - 1) / kTile) {}
};

/// Where the 36 pixels that a tile needs lie; those beyond the picture are `zeros`.
void find_pixels(const ck_convolution_call &call, size_t tile, const float *zeros, const float *pixels[36]) {
  const Grid grid(call);
  const size_t picture = tile / (grid.down * grid.across);
  const size_t row = tile / grid.across % grid.down, column = tile % grid.across;
  for (int y = 0; y < 6; y++)
    for (int x = 0; x < 6; x++) {
      const size_t at_y = row * kTile + y - 1, at_x = column * kTile + x - 1; // -1 wraps to beyond
      pixels[y * 6 + x] =
          at_y < call.height && at_x < call.width
              ? call.input + ((picture * call.height + at_y) * call.width + at_x) * call.input_stride
              : zeros;
    }
}

/// A panel's points of tiles `first`..<`last`, tiles×panel at each point, to pixels.
template <int columns>
void write_panel(const ck_convolution_call &call, int start, const float *points, size_t first, size_t last) {
  const Grid grid(call);
  constexpr int panel = columns * kWidth;
  const size_t tiles = last - first;
  const auto write = call.silu ? (call.addend ? transform_output<columns, true, true>
                                              : transform_output<columns, true, false>)
                               : (call.addend ? transform_output<columns, false, true>
                                              : transform_output<columns, false, false>);
  for (size_t tile = first; tile < last; tile++) {
    const size_t picture = tile / (grid.down * grid.across);
    const size_t row = tile / grid.across % grid.down, column = tile % grid.across;
    const size_t high = call.height - row * kTile, wide = call.width - column * kTile;
    const size_t pixel = (picture * call.height + row * kTile) * call.width + column * kTile;
    write(call, start, points + (tile - first) * panel, tiles * panel, pixel, high < kTile ? int(high) : kTile,
          wide < kTile ? int(wide) : kTile);
  }
}
