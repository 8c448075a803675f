// The gradient of a convolution's weights by the same filtering: for each product a matrix of channels of x by channels of
// y, summed over all tiles. A thread takes a slice of both kinds of channels, whose sums stay in its cache, and walks the
// tiles; where there are few slices, the tiles are cut as well, and the parts are added in their order.
#pragma once

#include "filters.h"

namespace zoo {
namespace {

// The transformed gradients of a block of tiles, [product][panel][tile][channel in panel].
struct Gradients {
  float* data;
  int64_t tiles, channels;

  static int64_t floats(int products, int64_t tiles, int64_t channels) { return products * (tiles * channels + kGap); }
  int64_t step() const { return tiles * channels + kGap; }
  float* panel(int q, int64_t channel) const { return data + q * step() + tiles * channel; }
  int64_t width(int64_t channel) const { return at_most(channels - channel, kPanel); }
};

template <class Rows, class Columns>
void transform_gradients(
    const Gradients& to, const Axis& rows, const Axis& columns, const float* source, int64_t stride, int64_t channels,
    int64_t first, int64_t count, const float* zeros) {
  for (int64_t t = 0; t < count; ++t) {
    const Place place = place_of(first + t, rows, columns);
    struct {
      const float* from[Rows::outputs][Columns::outputs];
    } p;
    for (int e = 0; e < Rows::outputs; ++e) {
      for (int f = 0; f < Columns::outputs; ++f) {
        const int64_t i = Rows::outputs * place.row + e, j = Columns::outputs * place.column + f;
        const int64_t pixel = (place.image * rows.target_size + i) * columns.target_size + j;
        p.from[e][f] = i < rows.target_size && j < columns.target_size ? source + pixel * stride : zeros;
      }
    }
    along<float>(channels, [=, &to](int64_t k, auto values) ZOO_LAMBDA {
      Lanes g[Rows::points][Columns::points];
      for (int f = 0; f < Columns::outputs; ++f) {
        for (int e = 0; e < Rows::outputs; ++e) g[e][f] = load(p.from[e][f] + k, values);
        result_backward<Rows::outputs, Rows::points>(&g[0][f], Columns::points);
      }
      const int64_t panel = k / kPanel * kPanel;
      float* place = to.panel(0, panel) + t * to.width(panel) + k - panel;
      const int64_t step = to.step();
      for (int a = 0; a < Rows::points; ++a) {
        result_backward<Columns::outputs, Columns::points>(&g[a][0], 1);
        for (int b = 0; b < Columns::points; ++b) store(place + (a * Columns::points + b) * step, g[a][b]);
      }
    });
  }
}

// Where a gradient goes: as Taps, for writing.
struct TapsGradient {
  float* data;
  int kernel;
  int64_t x_step, y_step, row_step, tap_step;
};

// A vector of y's channels, of which `count` exist, and a run of x's, from [x channel][tap][y channel].
ZOO_INLINE void unstage_taps(const float* staged, const TapsGradient& to, int64_t count, int64_t length) {
  const int64_t taps = to.kernel * to.kernel, row = taps * lanes<float>;
  if (to.tap_step == 1 && to.x_step == taps) {
    return transpose_out(staged, lanes<float>, to.data, to.y_step, count, length * taps);
  }
  for (int64_t tap = 0; tap < taps; ++tap) {
    float* place = to.data + tap / to.kernel * to.row_step + tap % to.kernel * to.tap_step;
    transpose_out(staged + tap * lanes<float>, row, place, to.y_step, count, length);
  }
}

// The sums of a slice, [product][phase][channel of x][channel of y].
template <class Rows, class Columns>
struct SliceSums {
  using P = Products<Rows, Columns>;
  float* data;
  int64_t x_room, y_room;

  static int64_t floats(int64_t x_room, int64_t y_room) { return P::total * x_room * y_room + P::count * kGap; }
  float* of(int q) const { return data + P::before(q) * x_room * y_room + q * kGap; }
};

// From sums to taps.
template <class Rows, class Columns>
void write_taps(
    const SliceSums<Rows, Columns>& at, const Axis& rows, const Axis& columns, const TapsGradient& to, int64_t x_channels,
    int64_t y_channels) {
  using P = Products<Rows, Columns>;
  float staged[kRun * kLargestKernel * kLargestKernel * lanes<float>];
  const int64_t row = to.kernel * to.kernel * lanes<float>;
  for (int64_t k = 0; k < y_channels; k += lanes<float>) {
    for (int64_t first = 0; first < x_channels; first += kRun) {
      const int64_t length = at_most(x_channels - first, kRun);
      each<Rows::phases>([&](auto r) ZOO_LAMBDA {
        each<Columns::phases>([&](auto s) ZOO_LAMBDA {
          constexpr int R = decltype(r)::value, S = decltype(s)::value;
          constexpr int down = Rows::window(R), across = Columns::window(S);
          for (int64_t c = 0; c < length; ++c) {
            Lanes u[down][across];
            for (int b = 0; b < across; ++b) {
              for (int a = 0; a < down; ++a) {
                const int q = a * Columns::points + b;
                const float* from = at.of(q) + (P::phase(q, R, S) * at.x_room + first + c) * at.y_room + k;
                __builtin_prefetch(from + 2 * at.y_room);
                u[a][b] = load(from);
              }
              filter_backward<Rows::outputs, Rows::taps[R]>(&u[0][b], across);
            }
            for (int a = 0; a < Rows::taps[R]; ++a) {
              filter_backward<Columns::outputs, Columns::taps[S]>(&u[a][0], 1);
              for (int b = 0; b < Columns::taps[S]; ++b) {
                const int64_t i = rows.tap_origin[R] + a * rows.tap_step, j = columns.tap_origin[S] + b * columns.tap_step;
                store(staged + c * row + (i * to.kernel + j) * lanes<float>, u[a][b]);
              }
            }
          }
        });
      });
      const TapsGradient place{
          to.data + first * to.x_step + k * to.y_step, to.kernel, to.x_step, to.y_step, to.row_step, to.tap_step};
      unstage_taps(staged, place, at_most(y_channels - k, lanes<float>), length);
    }
  }
}

// How the sums are cut: slices of both kinds of channels, and parts of the tiles. By the size of the problem alone.
struct Sums {
  int64_t x_slice, y_slice, x_slices, y_slices, parts, part;
};

constexpr int64_t kSlice = 64;  // of channels: small enough for their sums to stay in L2

// With four outputs sums are three times as large and in L3 anyway: wider slices of y, for which the windows are transformed
// less often, where they leave work for several threads.
ZOO_INLINE Sums cut_sums(int outputs, int64_t tiles, int64_t x_channels, int64_t y_channels) {
  constexpr int64_t kUnits = 8, kFewUnits = 4;
  const int64_t parts = at_least(tiles / (outputs == 4 ? 128 : 256), 1);
  Sums s{};
  s.x_slice = s.y_slice = kSlice;
  s.x_slices = ceil_divide(x_channels, s.x_slice);
  if (outputs == 4 && s.x_slices * ceil_divide(y_channels, 2 * kSlice) * parts >= kFewUnits) s.y_slice = 2 * kSlice;
  s.y_slices = ceil_divide(y_channels, s.y_slice);
  const int64_t wanted = at_most(ceil_divide(kUnits, s.x_slices * s.y_slices), parts);
  s.part = ceil_divide(tiles, wanted);
  s.parts = at_least(ceil_divide(tiles, at_least(s.part, 1)), 1);
  return s;
}

// The weights' gradient from x and the gradient of y.
template <class L>
void convolution_weight(const Convolution& c, L) {
  using P = Products<L, L>;
  using W = Windows<L, L>;
  const Axis rows = forward_axis(L::outputs, c.stride, c.top, c.x_height, c.y_height);
  const Axis columns = forward_axis(L::outputs, c.stride, c.left, c.x_width, c.y_width);
  const int64_t tiles = c.batch * rows.tiles * columns.tiles;
  const int64_t size = c.x_channels * c.y_channels * c.kernel * c.kernel;
  const Sums cuts = cut_sums(L::outputs, tiles, c.x_channels, c.y_channels);
  float* const parts =
      cuts.parts > 1 ? static_cast<float*>(scratch(cuts.parts * size * int64_t(sizeof(float)), kWeightScratch)) : c.weight;
  const int64_t slices = cuts.x_slices * cuts.y_slices;
  const int64_t x_most = whole_vector(at_most(c.x_channels, cuts.x_slice));
  const int64_t y_most = round_up(at_most(c.y_channels, cuts.y_slice), lanes<float>);
  const int64_t sum_floats = SliceSums<L, L>::floats(x_most, y_most),
                per_tile = P::total * x_most + P::count * (y_most + kGap);
  const int64_t block = at_most(at_least((2 * kBlockBytes / int64_t(sizeof(float)) - sum_floats) / per_tile, 64), 256);
  const int64_t window_floats = W::floats(block, x_most), gradient_floats = Gradients::floats(P::count, block, y_most);
  parallel(slices * cuts.parts, 1, [&](int64_t begin, int64_t end) {
    float* const sums = static_cast<float*>(
        scratch((sum_floats + window_floats + gradient_floats + x_most + y_most) * int64_t(sizeof(float)), kBlockScratch));
    float *const window_memory = sums + sum_floats, *const gradient_memory = window_memory + window_floats;
    float* const zeros = gradient_memory + gradient_floats;
    for (int64_t i = 0; i < x_most + y_most; ++i) zeros[i] = 0;
    for (int64_t item = begin; item < end; ++item) {
      const int64_t slice = item % slices, part = item / slices;
      const int64_t x_first = slice / cuts.y_slices * cuts.x_slice, y_first = slice % cuts.y_slices * cuts.y_slice;
      const int64_t x_channels = at_most(c.x_channels - x_first, cuts.x_slice), x_room = whole_vector(x_channels);
      const int64_t y_channels = at_most(c.y_channels - y_first, cuts.y_slice), y_room = round_up(y_channels, lanes<float>);
      const W windows{window_memory, block, x_room};
      const SliceSums<L, L> at{sums, x_room, y_room};
      const Gradients gradients{gradient_memory, block, y_room};
      const int64_t start = part * cuts.part, last = at_most(start + cuts.part, tiles);
      if (start >= last) {
        for (int64_t i = 0; i < sum_floats; ++i) sums[i] = 0;
      }
      for (int64_t first = start; first < last; first += block) {
        const int64_t count = at_most(last - first, block);
        transform_windows(windows, rows, columns, c.x + x_first, c.x_channels, x_channels, first, count, zeros);
        transform_gradients<L, L>(gradients, rows, columns, c.y + y_first, c.y_channels, y_channels, first, count, zeros);
        for (int q = 0; q < P::count; ++q) {
          for (int64_t k = 0; k < y_room; k += kPanel) {
            const int64_t width = gradients.width(k);
            panel_product<true>(
                {windows.of(q), windows.row(q), 0, 1, count, gradients.panel(q, k), width, at.of(q) + k, y_room,
                 first > start},
                P::phases(q) * x_room, width);
          }
        }
      }
      const TapsGradient to{
          parts + part * size + x_first * c.weight_steps[1] + y_first * c.weight_steps[0],
          c.kernel,
          c.weight_steps[1],
          c.weight_steps[0],
          c.weight_steps[2],
          c.weight_steps[3]};
      write_taps(at, rows, columns, to, x_channels, y_channels);
    }
  });
  if (cuts.parts == 1) return;
  parallel(size, 1 << 14, [&](int64_t begin, int64_t end) {
    along<float>(end - begin, [=](int64_t i, auto values) ZOO_LAMBDA {
      vec<float> sum{};
      for (int64_t part = 0; part < cuts.parts; ++part) sum += load(parts + part * size + begin + i, values);
      store(c.weight + begin + i, sum, values);
    });
  });
}

}  // namespace
}  // namespace zoo
