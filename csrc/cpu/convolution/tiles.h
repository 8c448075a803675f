// What the three directions of a convolution share: the geometry of one direction of the image, cut into tiles, and the
// transform of the images' windows.
#pragma once

#include "arguments.h"
#include "../gemm/tile.h"
#include "../runtime/parallel.h"
#include "../runtime/sizes.h"
#include "../simd/walk.h"
#include "winograd.h"

namespace zoo {
namespace {

constexpr int64_t kBlockBytes = 1 << 19;  // what a thread works on at a time: half of a core's L2

// Room for n values that are written a vector at a time, the last one overlapping the one before it.
ZOO_INLINE int64_t whole_vector(int64_t n) { return at_least(n, lanes<float>); }

// One direction of a convolution: output o of tile t, o = outputs t + e, is the sum over phases r and taps a of
//   source[source_step (o + a) + source_origin[r]] * kernel[tap_origin[r] + tap_step a]
// and lies at target_origin + target_step o; what lies outside of source or target is 0 or dropped.
struct Axis {
  int64_t source_size, source_step, source_origin[2];
  int64_t target_size, target_step, target_origin;
  int64_t tap_step, tap_origin[2];
  int64_t tiles;
};

// y from x: the phases of x are summed.
ZOO_INLINE Axis forward_axis(int outputs, int stride, int64_t padding, int64_t x_size, int64_t y_size) {
  Axis a{};
  a.source_size = x_size;
  a.source_step = stride;
  a.target_size = y_size;
  a.target_step = 1;
  a.tap_step = stride;
  for (int r = 0; r < stride; ++r) {
    a.source_origin[r] = r - padding;
    a.tap_origin[r] = r;
  }
  a.tiles = ceil_divide(y_size, outputs);
  return a;
}

// One phase of x from y: a convolution of y with the taps of that phase, last one first.
ZOO_INLINE Axis
transposed_axis(int outputs, int kernel, int stride, int64_t padding, int64_t x_size, int64_t y_size, int phase) {
  const int64_t taps = ceil_divide(kernel - phase, stride);
  const int64_t first = padding > phase ? ceil_divide(padding - phase, stride) : 0;  // of the phase's rows, in x
  Axis a{};
  a.source_size = y_size;
  a.source_step = 1;
  a.source_origin[0] = first - (taps - 1);
  a.target_size = x_size;
  a.target_step = stride;
  a.target_origin = stride * first + phase - padding;
  a.tap_step = -stride;
  a.tap_origin[0] = phase + stride * (taps - 1);
  a.tiles = x_size > a.target_origin ? ceil_divide(x_size - a.target_origin, stride * outputs) : 0;
  return a;
}

template <int N, class F>
ZOO_INLINE void each(const F& body) {
  if constexpr (N > 0) {
    each<N - 1>(body);
    body(Constant<N - 1>{});
  }
}

// The products of two directions: one matrix for each pair of points, over the channels of the phases that have it.
template <class Rows, class Columns>
struct Products {
  static constexpr int count = Rows::points * Columns::points;
  static constexpr int phases(int q) {
    return Rows::phases_at(q / Columns::points) * Columns::phases_at(q % Columns::points);
  }
  static constexpr int before(int q) {  // the phases of the products before q
    int sum = 0;
    for (int i = 0; i < q; ++i) sum += phases(i);
    return sum;
  }
  static constexpr int total = before(count);
  // The terms of a sum over channels, which are fewer the more a result weighs what the sums have lost.
  static constexpr int64_t longest = Rows::outputs == 2 ? kLongestSum : count == 25 ? 128 : 32;
  // Which of the product's phases this one is.
  static constexpr int phase(int q, int r, int s) { return r * Columns::phases_at(q % Columns::points) + s; }
};

// Rows and matrices are a little longer than their values: what lies a power of two apart shares few places in the nearest cache.
constexpr int64_t kGap = 16;

// The transformed windows of a block of tiles, [product][tile][phase][channel].
template <class Rows, class Columns>
struct Windows {
  using P = Products<Rows, Columns>;
  float* data;
  int64_t tiles, channels;  // room for as many; a vector of channels at least

  static int64_t floats(int64_t tiles, int64_t channels) {
    return tiles * P::total * channels + (tiles + 1) * P::count * kGap;
  }
  int64_t row(int q) const { return P::phases(q) * channels + kGap; }
  float* of(int q) const { return data + tiles * P::before(q) * channels + (tiles + 1) * q * kGap; }
};

// A tile's place.
struct Place {
  int64_t image, row, column;
};

ZOO_INLINE Place place_of(int64_t tile, const Axis& rows, const Axis& columns) {
  const int64_t in_image = rows.tiles * columns.tiles, rest = tile % in_image;
  return {tile / in_image, rest / columns.tiles, rest % columns.tiles};
}

// Transforms the windows of `count` tiles from number `first` on. `source` is at the first of `channels` channels, images
// have `stride` of them; `zeros` as many zeros, for what lies outside.
template <class Rows, class Columns>
void transform_windows(
    const Windows<Rows, Columns>& to, const Axis& rows, const Axis& columns, const float* source, int64_t stride,
    int64_t channels, int64_t first, int64_t count, const float* zeros) {
  using P = Products<Rows, Columns>;
  constexpr int64_t kAhead = 4 / Columns::outputs;  // pixels come from far away
  for (int64_t t = 0; t < count; ++t) {
    const Place place = place_of(first + t, rows, columns), then = place_of(first + t + kAhead, rows, columns);
    const int64_t pixels = rows.source_size * columns.source_size;
    const float* image = source + place.image * pixels * stride;
    each<Rows::phases>([&](auto r) ZOO_LAMBDA {
      each<Columns::phases>([&](auto s) ZOO_LAMBDA {
        constexpr int R = decltype(r)::value, S = decltype(s)::value;
        constexpr int down = Rows::window(R), across = Columns::window(S);
        struct {
          const float* from[down][across];
          float* to[down][across];
        } p;
        for (int a = 0; a < down; ++a) {
          const int64_t i = rows.source_step * (Rows::outputs * place.row + a) + rows.source_origin[R];
          const bool inside = i >= 0 && i < rows.source_size;
          for (int b = 0; b < across; ++b) {
            const int64_t j = columns.source_step * (Columns::outputs * place.column + b) + columns.source_origin[S];
            p.from[a][b] =
                inside && j >= 0 && j < columns.source_size ? image + (i * columns.source_size + j) * stride : zeros;
            const int q = a * Columns::points + b;
            p.to[a][b] = to.of(q) + t * to.row(q) + P::phase(q, R, S) * to.channels;
          }
        }
        const int64_t i = rows.source_step * Rows::outputs * then.row + rows.source_origin[R];
        const int64_t j = columns.source_step * Columns::outputs * then.column + columns.source_origin[S];
        const float* const ahead = source + (then.image * pixels + i * columns.source_size + j) * stride;
        const int64_t down_step = rows.source_step * columns.source_size * stride,
                      across_step = columns.source_step * stride;
        along_plane<float>(0, channels, [=](int64_t c, auto values) ZOO_LAMBDA {
          for (int a = 0; a < Rows::outputs; ++a) {
            for (int b = 0; b < Columns::outputs; ++b) __builtin_prefetch(ahead + a * down_step + b * across_step + c);
          }
          Lanes d[down][across], e[down][across];
          for (int b = 0; b < across; ++b) {
            for (int a = 0; a < down; ++a) d[a][b] = load(p.from[a][b] + c, values);
            window<Rows::outputs, Rows::taps[R]>(&d[0][b], across, &e[0][b]);
          }
          for (int a = 0; a < down; ++a) {
            window<Columns::outputs, Columns::taps[S]>(&e[a][0], 1, &d[a][0]);
            for (int b = 0; b < across; ++b) store(p.to[a][b] + c, d[a][b]);
          }
        });
      });
    });
  }
}

}  // namespace
}  // namespace zoo
