// Images from images: each result is a row of windows times the weights. The transposed convolution's results fall into
// stride x stride phases, each of which sees other weights, and is a convolution with stride 1.
#pragma once

#include "multiply.h"
#include "taps.h"

namespace zoo {
namespace {

// Where the results of a Windows lie: result (i, j) of an image is pixel (i step + top, j step + left) of its own.
struct Target {
  uint16_t* image;
  int64_t height, width, channels;
  int64_t step, top, left;

  uint16_t* place(const Result& r) const {
    return image + ((r.image * height + r.i * step + top) * width + r.j * step + left) * channels;
  }
};

constexpr int64_t kRows = 16;  // of a tile
constexpr int64_t kMostTiles = 16;
constexpr int64_t kStepsAtOnce = 16;        // of a panel of weights that stays in the first-level cache
constexpr int64_t kBlockNumbers = 1 << 19;  // of windows that stay in the second-level cache

// The rows of a matrix of windows, 16 by 16, and which results they are for.
struct Tiles {
  const uint16_t* rows[kMostTiles];
  Result first[kMostTiles];
  int64_t count[kMostTiles];
  int64_t tiles = 0;

  void add(const uint16_t* from, const Result& r, int64_t results) {
    rows[tiles] = from;
    first[tiles] = r;
    count[tiles++] = results;
  }
};

ZOO_INLINE void store_results(
    const Target& t, const Windows& w, Result r, int64_t count, int64_t channel, const float* sums) {
  const int64_t width = at_most(t.channels - channel, kTile);
  for (int64_t m = 0; m < count; ++m, sums += kTile, next(w, r)) {
    bfloat16* to = reinterpret_cast<bfloat16*>(t.place(r) + channel);
    for (int64_t v = 0; v < width; v += lanes<float>) store(to + v, load(sums + v), width - v);
  }
}

// `places` are those of the steps in a row, whose rows lie `a_row` apart.
ZOO_SHARED void multiply_tiles(
    const Windows& w, const Target& t, const uint16_t* weights, const Multiplier& by, Tiles& a, int64_t a_row,
    const int64_t* places, int64_t steps) {
  alignas(64) float c[kMostTiles / 2 * kTileSquare];
  if (a.tiles % 2) a.add(a.rows[a.tiles - 1], {}, 0);
  by.begin();
  for (int64_t channel = 0; channel < t.channels; channel += kTile) {
    const uint16_t* panel = weights + channel * steps * kTile;
    for (int64_t step = 0; step < steps; step += kStepsAtOnce) {
      const int64_t some = at_most(kStepsAtOnce, steps - step);
      by.multiply({a.rows, places + step, a_row, panel + step * kTileSquare, c, a.tiles / 2, some, step == 0});
    }
    for (int64_t tile = 0; tile < a.tiles; ++tile)
      store_results(t, w, a.first[tile], a.count[tile], channel, c + tile * kRows * kTile);
  }
  by.end();
}

// Small images: the windows are written out, one after the other.
inline void convolve_gathered(const Windows& w, const Target& t, const uint16_t* weights, const Multiplier& by) {
  const int64_t steps = ceil_divide(w.length(), kTile), line = steps * kTile + kTile;  // no power of two
  const int64_t rows = at_least(1, at_most(4, kBlockNumbers / (line * kTile))) * kTile;
  const int64_t count = w.count(), tasks = ceil_divide(count, rows);
  parallel(tasks, 1, [&](int64_t begin, int64_t end) {
    uint16_t* a = static_cast<uint16_t*>(scratch((rows * line + kTile) * 2 + steps * 8 + 64));
    int64_t* places = reinterpret_cast<int64_t*>(a + round_up(rows * line + kTile, kTile));
    for (int64_t step = 0; step < steps; ++step) places[step] = step * kTile;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task * rows, some = at_most(rows, count - first);
      gather(w, first, some, 0, w.length(), a, line);
      for (int64_t m = 0; m < some; ++m) clear_numbers(a + m * line + w.length(), steps * kTile - w.length());
      Tiles tiles;
      for (int64_t m = 0; m < some; m += kRows) tiles.add(a + m * line, result_of(w, first + m), at_most(kRows, some - m));
      multiply_tiles(w, t, weights, by, tiles, line, places, steps);
    }
  });
}

// A line of an image from column `left` on, `width` pixels of `depth` numbers each, with zeros around and behind what there is.
ZOO_INLINE void copy_line(const Windows& w, int64_t image, int64_t i, int64_t width, int64_t depth, uint16_t* to) {
  const int64_t inside = i >= 0 && i < w.image_height ? w.image_width : 0;
  const int64_t first = at_most(at_least(-w.left, 0), width), last = at_least(at_most(inside - w.left, width), first);
  const uint16_t* from = w.image + ((image * w.image_height + i) * w.image_width + w.left + first) * w.channels;
  __builtin_memset(to, 0, size_t(first * depth) * sizeof(*to));
  to += first * depth;
  if (depth == w.channels) {
    __builtin_memcpy(to, from, size_t((last - first) * depth) * sizeof(*to));
    to += (last - first) * depth;
  } else {
    for (int64_t pixel = first; pixel < last; ++pixel, from += w.channels, to += depth) {
      for (int64_t k = 0; k < w.channels; ++k) to[k] = from[k];
      clear_numbers(to + w.channels, depth - w.channels);
    }
  }
  __builtin_memset(to, 0, size_t((width - last) * depth) * sizeof(*to));
}

// Large images: the windows of neighbours lie the same way apart in the image, or in a copy of some of its lines with zeros around.
inline void convolve_lines(
    const Windows& w, const Target& t, const uint16_t* weights, int64_t depth, const Multiplier& by) {
  const int64_t tiles_of_line = ceil_divide(w.width, kRows);
  const int64_t width = (tiles_of_line * kRows - 1) * w.stride + w.columns, line = width * depth;
  const int64_t of_tap = depth / kTile, steps = w.rows * w.columns * of_tap;
  // Lines of results at once, and how many tiles of them.
  const auto lines_for = [&](int64_t results) { return (results - 1) * w.stride + w.rows; };
  const int64_t at_once = at_most(tiles_of_line, kMostTiles);
  int64_t band = at_most(kMostTiles / at_once, w.height);
  while (band > 1 && lines_for(band) * line > kBlockNumbers) --band;
  const int64_t bands = ceil_divide(w.height, band);
  parallel(w.batch * bands, 1, [&](int64_t begin, int64_t end) {
    const int64_t room = lines_for(band) * line;
    uint16_t* a = static_cast<uint16_t*>(scratch(room * 2 + steps * 8 + 64));
    int64_t* places = reinterpret_cast<int64_t*>(a + round_up(room, kTile));
    for (int64_t step = 0; step < steps; ++step) {
      const int64_t tap = step / of_tap;
      places[step] = tap / w.columns * line + tap % w.columns * depth + step % of_tap * kTile;
    }
    for (int64_t task = begin; task < end; ++task) {
      const int64_t image = task / bands, top = task % bands * band, some = at_most(band, w.height - top);
      for (int64_t i = 0; i < lines_for(some); ++i)
        copy_line(w, image, top * w.stride + w.top + i, width, depth, a + i * line);
      for (int64_t from = 0; from < tiles_of_line; from += at_once) {
        Tiles tiles;
        for (int64_t i = 0; i < some; ++i) {
          for (int64_t tile = from; tile < at_most(from + at_once, tiles_of_line); ++tile) {
            const int64_t j = tile * kRows;
            tiles.add(a + i * w.stride * line + j * w.stride * depth, {image, top + i, j}, at_most(kRows, w.width - j));
          }
        }
        multiply_tiles(w, t, weights, by, tiles, w.stride * depth, places, steps);
      }
    }
  });
}

ZOO_INLINE void convolve(const ConvolutionBFloat16& c, const Windows& w, const Target& t, const Taps& taps) {
  // Where zeros between the channels of a pixel are not too many, and lines of results fill tiles.
  const int64_t whole = round_up(w.channels, kTile);
  const bool lines = w.width >= kRows - 2 && 2 * whole <= 3 * w.channels;
  const int64_t depth = lines ? whole : w.channels;
  const int64_t room = round_up(w.rows * w.columns * depth, kTile) * round_up(t.channels, kTile);
  uint16_t* weights = static_cast<uint16_t*>(scratch(room * 2, kWeightScratch));
  if (c.weight_storage == kFloat32) pack_weights<float>(w, taps, depth, t.channels, weights);
  else pack_weights<bfloat16>(w, taps, depth, t.channels, weights);
  if (lines) convolve_lines(w, t, weights, depth, multiplier_of(c));
  else convolve_gathered(w, t, weights, multiplier_of(c));
}

inline void convolve_bfloat16_forward(const ConvolutionBFloat16& c) {
  const Windows w{c.x,       c.batch,  c.x_height, c.x_width, c.x_channels, c.y_height,
                  c.y_width, c.kernel, c.kernel,   c.stride,  -c.top,       -c.left};
  const Target t{c.y, c.y_height, c.y_width, c.y_channels, 1, 0, 0};
  const int64_t taps = c.kernel * c.kernel;
  convolve(c, w, t, {c.weight, 0, 0, 1, c.kernel * c.x_channels, c.x_channels, 1, taps * c.x_channels});
}

// Pixels phase, phase + stride, ... of one direction of x: pixel i stride + phase has from y the `taps` ones from i + top on, by the
// weights first, first - stride, ...
struct Phase {
  int64_t count, taps, top, first;

  Phase(int64_t size, int64_t phase, int64_t kernel, int64_t stride, int64_t padding) {
    count = size > phase ? (size - phase + stride - 1) / stride : 0;
    const int64_t least = (phase + padding) % stride;
    taps = kernel > least ? (kernel - least + stride - 1) / stride : 0;
    first = least + (taps - 1) * stride;
    top = (phase + padding - first) / stride;  // which divides it
  }
};

inline void convolve_bfloat16_transposed(const ConvolutionBFloat16& c) {
  for (int64_t row = 0; row < c.stride; ++row) {
    for (int64_t column = 0; column < c.stride; ++column) {
      const Phase rows(c.x_height, row, c.kernel, c.stride, c.top);
      const Phase columns(c.x_width, column, c.kernel, c.stride, c.left);
      if (rows.count == 0 || columns.count == 0) continue;
      const Windows w{c.y,           c.batch,   c.y_height,   c.y_width, c.y_channels, rows.count,
                      columns.count, rows.taps, columns.taps, 1,         rows.top,     columns.top};
      const Target t{c.x, c.x_height, c.x_width, c.x_channels, c.stride, row, column};
      const int64_t taps = c.kernel * c.kernel;
      convolve(
          c, w, t,
          {c.weight, rows.first, columns.first, -c.stride, c.kernel * c.x_channels, c.x_channels, taps * c.x_channels, 1});
    }
  }
}

}  // namespace
}  // namespace zoo
