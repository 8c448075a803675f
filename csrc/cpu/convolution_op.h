// Convolutions of float32 images in channels_last memory, and their transposes, by Winograd's minimal filtering. A thread
// takes a block of tiles: it transforms their windows, multiplies them with the transformed weights, and transforms the
// products back, all within its own cache. The weights are transformed once per call.
#pragma once

#include "convolution_filters.h"
#include "stream.h"

namespace zoo {
namespace {

// How a problem is cut: blocks of tiles, and where these are few, slices of columns.
struct Blocks {
  int64_t tiles, length, count;
  int64_t columns, slice, slices;
};

template <class Rows, class Columns>
ZOO_INLINE Blocks cut(int64_t tiles, int64_t depth, int64_t columns) {
  using P = Products<Rows, Columns>;
  const int64_t per_tile = int64_t(sizeof(float)) * (P::total * depth + P::count * columns);
  // Weights that no L2 holds are read from further away once per block, so the blocks are longer than L2 would like.
  const int64_t weights = int64_t(sizeof(float)) * P::total * depth * columns;
  const int64_t least = at_most(at_least(weights >> 16, 56), 252);
  int64_t length = at_most(at_least(kBlockBytes / per_tile, least), 252);
  int64_t count = ceil_divide(tiles, length);
  if (count > 2) count = (count + 2) / 4 * 4;  // the usual numbers of threads share them evenly
  length = ceil_divide(tiles, count);
  count = ceil_divide(tiles, length);
  const int64_t wanted = at_most(ceil_divide(8, count), at_least(columns / (4 * kPanel), 1));
  const int64_t slice = round_up(ceil_divide(columns, wanted), kPanel);
  return {tiles, length, count, columns, slice, ceil_divide(columns, slice)};
}

// target = source * filters over `batch` images. The block's windows, its products, and a row of zeros share one stretch of
// memory.
template <class Rows, class Columns>
void convolve_tiles(
    const Axis& rows, const Axis& columns, int64_t batch, const float* source, int64_t source_channels, float* target,
    int64_t target_channels, const Filters<Rows, Columns>& filters) {
  using P = Products<Rows, Columns>;
  const int64_t tiles = batch * rows.tiles * columns.tiles;
  if (tiles == 0) return;
  const Blocks blocks = cut<Rows, Columns>(tiles, filters.depth, filters.columns);
  const bool streamed = streams(target, batch * rows.target_size * columns.target_size * target_channels, target_channels);
  parallel(blocks.count * blocks.slices, 1, [&](int64_t begin, int64_t end) {
    const int64_t window_floats = Windows<Rows, Columns>::floats(blocks.length, filters.depth);
    const int64_t product_floats = P::count * blocks.length * blocks.slice;
    float* memory = static_cast<float*>(
        scratch((window_floats + product_floats + filters.depth + blocks.slice) * int64_t(sizeof(float)), kBlockScratch));
    float *products = memory + window_floats, *zeros = products + product_floats, *dropped = zeros + filters.depth;
    for (int64_t i = 0; i < filters.depth; ++i) zeros[i] = 0;
    for (int64_t item = begin; item < end; ++item) {
      const int64_t first = item / blocks.slices * blocks.length, from = item % blocks.slices * blocks.slice;
      const int64_t count = at_most(tiles - first, blocks.length), to = at_most(from + blocks.slice, filters.columns);
      const Windows<Rows, Columns> windows{memory, blocks.length, filters.depth};
      if (item == begin || from == 0) {
        transform_windows(windows, rows, columns, source, source_channels, source_channels, first, count, zeros);
      }
      const int64_t width = to - from;
      for (int q = 0; q < P::count; ++q) {
        for (int64_t column = from; column < to; column += kPanel) {
          panel_product(
              windows.of(q), windows.row(q), count, filters.panel(q, column), filters.width(column),
              P::phases(q) * filters.depth, products + q * blocks.length * width + column - from, width);
        }
      }
      for (int64_t t = 0; t < count; ++t) {
        const Place place = place_of(first + t, rows, columns);
        struct {
          float* to[2][2];
        } p;
        for (int e = 0; e < 2; ++e) {
          for (int f = 0; f < 2; ++f) {
            const int64_t i = rows.target_origin + rows.target_step * (2 * place.row + e);
            const int64_t j = columns.target_origin + columns.target_step * (2 * place.column + f);
            const bool inside = i < rows.target_size && j < columns.target_size;
            const int64_t pixel = (place.image * rows.target_size + i) * columns.target_size + j;
            p.to[e][f] = inside ? target + pixel * target_channels + from : dropped;
          }
        }
        const float* product = products + t * width;
        const int64_t step = blocks.length * width;
        along<float>(at_most(target_channels, to) - from, [=](int64_t k, auto values) ZOO_LAMBDA {
          Lanes m[Rows::points][Columns::points];
          for (int b = 0; b < Columns::points; ++b) {
            for (int a = 0; a < Rows::points; ++a) m[a][b] = load(product + (a * Columns::points + b) * step + k);
            result<Rows::points>(&m[0][b], Columns::points);
          }
          for (int e = 0; e < 2; ++e) {
            result<Columns::points>(&m[e][0], 1);
            for (int f = 0; f < 2; ++f) put(streamed, p.to[e][f] + k, m[e][f], values);
          }
        });
      }
    }
    finish_streams();
  });
}

ZOO_INLINE float* room_for_filters(int64_t floats) {
  return static_cast<float*>(scratch(floats * int64_t(sizeof(float)), kWeightScratch));
}

// y from x and the weights.
template <class L>
void convolution_forward(const Convolution& c, L) {
  const Axis rows = forward_axis(c.stride, c.top, c.x_height, c.y_height);
  const Axis columns = forward_axis(c.stride, c.left, c.x_width, c.y_width);
  const int64_t* step = c.weight_steps;
  const Taps taps{c.weight, c.kernel, c.x_channels, c.y_channels, step[1], step[0], step[2], step[3]};
  const int64_t depth = round_up(taps.depth, lanes<float>), width = round_up(taps.columns, lanes<float>);
  const Filters<L, L> filters{room_for_filters(Filters<L, L>::floats(depth, width)), depth, width};
  staged_taps(taps, [&](const float* staged, int64_t column, int64_t from, int64_t length) {
    transform_staged(filters, rows, columns, c.kernel, staged, column, from, length);
  });
  convolve_tiles(rows, columns, c.batch, c.x, c.x_channels, c.y, c.y_channels, filters);
}

// x from y and the weights: each phase of x is a convolution of its own.
template <class L>
void convolution_transposed(const Convolution& c, L) {
  const int64_t* step = c.weight_steps;
  const Taps taps{c.weight, c.kernel, c.y_channels, c.x_channels, step[0], step[1], step[2], step[3]};
  const int64_t depth = round_up(taps.depth, lanes<float>), width = round_up(taps.columns, lanes<float>);
  const auto phases = [&](float* memory, const auto& body) {
    each<L::phases>([&](auto r) {
      each<L::phases>([&](auto s) {
        constexpr int R = decltype(r)::value, S = decltype(s)::value;
        using F = Filters<Line<L::taps[R]>, Line<L::taps[S]>>;
        const Axis rows = transposed_axis(c.kernel, c.stride, c.top, c.x_height, c.y_height, R);
        const Axis columns = transposed_axis(c.kernel, c.stride, c.left, c.x_width, c.y_width, S);
        body(rows, columns, F{memory, depth, width});
        memory += F::floats(depth, width);
      });
    });
  };
  float* const memory = room_for_filters(Filters<L, L>::floats(depth, width));  // as many products as forward
  staged_taps(taps, [&](const float* staged, int64_t column, int64_t from, int64_t length) {
    phases(memory, [&](const Axis& rows, const Axis& columns, const auto& filters) {
      transform_staged(filters, rows, columns, c.kernel, staged, column, from, length);
    });
  });
  phases(memory, [&](const Axis& rows, const Axis& columns, const auto& filters) {
    convolve_tiles(rows, columns, c.batch, c.y, c.y_channels, c.x, c.x_channels, filters);
  });
}

}  // namespace
}  // namespace zoo
