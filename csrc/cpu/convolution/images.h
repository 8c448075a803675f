// Convolutions of float32 images in channels_last memory, and their transposes, by Winograd's minimal filtering. A thread
// takes a block of tiles: it transforms their windows, multiplies them with the transformed weights, and transforms the
// products back, all within its own cache. The weights are transformed once per call.
#pragma once

#include "filters.h"
#include "../simd/nontemporal.h"

namespace zoo {
namespace {

// How a convolution is cut: blocks of tiles, and where these are few, slices of columns.
struct Blocks {
  int64_t tiles, length, count;
  int64_t columns, slice, slices;
};

template <class Rows, class Columns>
ZOO_INLINE Blocks cut(int64_t tiles, int64_t depth, int64_t columns) {
  using P = Products<Rows, Columns>;
  const int64_t per_tile = int64_t(sizeof(float)) * (P::total * depth + P::count * columns);
  // At least three tiles of rows for products with AVX-512: weights are read from further away than L2 once per block.
  int64_t length = at_most(at_least(kBlockBytes / per_tile, 42), 252);
  int64_t count = ceil_divide(tiles, length);
  if (count > 2) count = (count + 2) / 4 * 4;  // the usual numbers of threads share them evenly
  length = ceil_divide(tiles, count);
  count = ceil_divide(tiles, length);
  const int64_t wanted = at_most(ceil_divide(8, count), at_least(columns / (4 * kPanel), 1));
  const int64_t slice = round_up(ceil_divide(columns, wanted), kPanel);
  return {tiles, length, count, columns, slice, ceil_divide(columns, slice)};
}

// Whether results go around the caches. Such stores are gathered to lines, a few at a time: not the halves of sixteen of them.
template <class L>
ZOO_INLINE bool around_caches(const float* to, int64_t count, int64_t channels) {
  return (L::outputs == 2 || ZOO_VECTOR_BYTES == 64) && use_nontemporal(to, count, channels);
}

// What one convolution reads and writes, and how.
struct Images {
  int64_t batch;
  const float* source;
  int64_t source_channels;
  float* target;
  int64_t target_channels;
  bool nontemporal;  // the target goes around the caches
};

// A thread's memory: a row of zeros, room for results that nobody wants, the block's windows and its products.
template <class Rows, class Columns>
ZOO_INLINE int64_t block_floats(const Blocks& blocks, int64_t depth) {
  return round_up(depth, lanes<float>) + blocks.slice + Windows<Rows, Columns>::floats(blocks.length, depth) +
         Products<Rows, Columns>::count * (blocks.length * blocks.slice + kGap);
}

// One block of tiles and one slice of columns of target = source * filters. `fresh`: the windows are not there yet.
template <class Rows, class Columns>
void convolve_block(
    const Axis& rows, const Axis& columns, const Images& images, const Filters<Rows, Columns>& filters,
    const Blocks& blocks, int64_t block, int64_t slice, bool fresh, float* memory) {
  using P = Products<Rows, Columns>;
  // Results go around the caches in whole vectors, dropped ones too, which must lie on a vector's boundary.
  float *const zeros = memory, *const dropped = zeros + round_up(filters.depth, lanes<float>);
  const Windows<Rows, Columns> windows{dropped + blocks.slice, blocks.length, filters.depth};
  float* const products = windows.data + Windows<Rows, Columns>::floats(blocks.length, filters.depth);
  const int64_t first = block * blocks.length, from = slice * blocks.slice;
  const int64_t count = at_most(images.batch * rows.tiles * columns.tiles - first, blocks.length);
  const int64_t to = at_most(from + blocks.slice, filters.columns), width = to - from;
  const int64_t step = blocks.length * width + kGap;  // from one product's matrix to the next
  if (count <= 0) return;
  if (fresh) {
    transform_windows(
        windows, rows, columns, images.source, images.source_channels, images.source_channels, first, count, zeros);
  }
  for (int q = 0; q < P::count; ++q) {
    for (int64_t column = from; column < to; column += kPanel) {
      panel_product(
          windows.of(q), windows.row(q), count, filters.panel(q, column), filters.width(column),
          P::phases(q) * filters.depth, products + q * step + column - from, width, P::longest, true);
    }
  }
  for (int64_t t = 0; t < count; ++t) {
    const Place place = place_of(first + t, rows, columns);
    struct {
      float* to[Rows::outputs][Columns::outputs];
    } p;
    for (int e = 0; e < Rows::outputs; ++e) {
      for (int f = 0; f < Columns::outputs; ++f) {
        const int64_t i = rows.target_origin + rows.target_step * (Rows::outputs * place.row + e);
        const int64_t j = columns.target_origin + columns.target_step * (Columns::outputs * place.column + f);
        const bool inside = i < rows.target_size && j < columns.target_size;
        const int64_t pixel = (place.image * rows.target_size + i) * columns.target_size + j;
        p.to[e][f] = inside ? images.target + pixel * images.target_channels + from : dropped;
      }
    }
    const float* product = products + t * width;
    const bool nontemporal = images.nontemporal;
    along_plane<float>(0, at_most(images.target_channels, to) - from, [=](int64_t k, auto values) ZOO_LAMBDA {
      Lanes m[Rows::points][Columns::points];
      for (int b = 0; b < Columns::points; ++b) {
        for (int a = 0; a < Rows::points; ++a) m[a][b] = load(product + (a * Columns::points + b) * step + k);
        result<Rows::outputs, Rows::points>(&m[0][b], Columns::points);
      }
      for (int e = 0; e < Rows::outputs; ++e) {
        result<Columns::outputs, Columns::points>(&m[e][0], 1);
        for (int f = 0; f < Columns::outputs; ++f) put(nontemporal, p.to[e][f] + k, m[e][f], values);
      }
    });
  }
}

// Calls body(block, number, slice, fresh, memory) for all blocks and slices of `numbers` convolutions, which share a
// source: a block's are computed one after the other, while that part of it is in the cache.
template <class F>
ZOO_INLINE void all_blocks(const Blocks& blocks, int64_t numbers, int64_t floats, int64_t depth, const F& body) {
  const int64_t per_block = numbers * blocks.slices;
  parallel(blocks.count * per_block, 1, [&](int64_t begin, int64_t end) {
    float* const memory = static_cast<float*>(scratch(floats * int64_t(sizeof(float)), kBlockScratch));
    for (int64_t i = 0; i < depth; ++i) memory[i] = 0;
    for (int64_t item = begin; item < end; ++item) {
      const int64_t slice = item % blocks.slices;
      body(item / per_block, item / blocks.slices % numbers, slice, item == begin || slice == 0, memory);
    }
    finish_nontemporal();
  });
}

ZOO_INLINE float* room_for_filters(int64_t floats) {
  return static_cast<float*>(scratch(floats * int64_t(sizeof(float)), kWeightScratch));
}

// y from x and the weights.
template <class L>
void convolution_forward(const Convolution& c, L) {
  const Axis rows = forward_axis(L::outputs, c.stride, c.top, c.x_height, c.y_height);
  const Axis columns = forward_axis(L::outputs, c.stride, c.left, c.x_width, c.y_width);
  const int64_t* step = c.weight_steps;
  const Taps taps{c.weight, c.kernel, c.x_channels, c.y_channels, step[1], step[0], step[2], step[3]};
  const int64_t depth = whole_vector(taps.depth), width = round_up(taps.columns, lanes<float>);
  const Filters<L, L> filters{room_for_filters(Filters<L, L>::floats(depth, width)), depth, width};
  staged_taps(taps, [&](const float* staged, int64_t column, int64_t from, int64_t length) {
    transform_staged(filters, rows, columns, c.kernel, staged, column, from, length);
  });
  const Images images{c.batch,      c.x,
                      c.x_channels, c.y,
                      c.y_channels, around_caches<L>(c.y, c.batch * c.y_height * c.y_width * c.y_channels, c.y_channels)};
  const Blocks blocks = cut<L, L>(c.batch * rows.tiles * columns.tiles, depth, width);
  all_blocks(
      blocks, 1, block_floats<L, L>(blocks, depth), depth,
      [&](int64_t block, int64_t, int64_t slice, bool fresh, float* memory) {
        convolve_block(rows, columns, images, filters, blocks, block, slice, fresh, memory);
      });
}

// x from y and the weights: each phase of x is a convolution of its own.
template <class L>
void convolution_transposed(const Convolution& c, L) {
  const int64_t* step = c.weight_steps;
  const Taps taps{c.weight, c.kernel, c.y_channels, c.x_channels, step[0], step[1], step[2], step[3]};
  const int64_t depth = whole_vector(taps.depth), width = round_up(taps.columns, lanes<float>);
  const auto each_phase = [&](float* memory, const auto& body) {
    each<L::phases>([&](auto r) {
      each<L::phases>([&](auto s) {
        constexpr int R = decltype(r)::value, S = decltype(s)::value;
        using F = Filters<Line<L::outputs, L::taps[R]>, Line<L::outputs, L::taps[S]>>;
        const Axis rows = transposed_axis(L::outputs, c.kernel, c.stride, c.top, c.x_height, c.y_height, R);
        const Axis columns = transposed_axis(L::outputs, c.kernel, c.stride, c.left, c.x_width, c.y_width, S);
        body(R * L::phases + S, rows, columns, F{memory, depth, width});
        memory += F::floats(depth, width);
      });
    });
  };
  float* const weights = room_for_filters(Filters<L, L>::floats(depth, width));  // as many products as forward
  staged_taps(taps, [&](const float* staged, int64_t column, int64_t from, int64_t length) {
    each_phase(weights, [&](int, const Axis& rows, const Axis& columns, const auto& filters) {
      transform_staged(filters, rows, columns, c.kernel, staged, column, from, length);
    });
  });
  int64_t tiles = 0;
  each_phase(weights, [&](int, const Axis& rows, const Axis& columns, const auto&) {
    tiles = at_least(c.batch * rows.tiles * columns.tiles, tiles);
  });
  if (tiles == 0) return;
  const Images images{c.batch,      c.y,
                      c.y_channels, c.x,
                      c.x_channels, around_caches<L>(c.x, c.batch * c.x_height * c.x_width * c.x_channels, c.x_channels)};
  using First = Line<L::outputs, L::taps[0]>;  // the phase with the most taps
  constexpr int kNumbers = L::phases * L::phases;
  const Blocks blocks = cut<First, First>(tiles, depth, width);
  all_blocks(
      blocks, kNumbers, block_floats<First, First>(blocks, depth), depth,
      [&](int64_t block, int64_t phase, int64_t slice, bool fresh, float* memory) {
        each_phase(weights, [&](int number, const Axis& rows, const Axis& columns, const auto& filters) {
          if (number == phase) convolve_block(rows, columns, images, filters, blocks, block, slice, fresh, memory);
        });
      });
}

}  // namespace
}  // namespace zoo
