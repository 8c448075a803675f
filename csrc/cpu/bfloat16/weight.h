// The gradient of the weights: y's channels by windows of x, summed over all results.
#pragma once

#include "../runtime/parallel.h"
#include "multiply.h"

namespace zoo {
namespace {

constexpr int64_t kColumns = 256;            // numbers of the windows whose sums one task keeps in its cache
constexpr int64_t kPixelSteps = 8;           // times 32 results at once
constexpr int64_t kPackedNumbers = 1 << 23;  // of y's gradient, packed at once

// The sums of all of y's channels and of numbers [first, first + width) of the windows, over results [begin, end), which begin with
// a whole step and of which `packed` holds y's, [step][32 channels].
ZOO_SHARED void sum_products(
    const Windows& w, const uint16_t* packed, int64_t blocks, int64_t begin, int64_t end, int64_t first, int64_t width,
    const Multiplier& by, float* sums, bool clears) {
  const int64_t panels = ceil_divide(width, kTile), line = panels * kTile + kTile;
  const int64_t room = kPixelSteps * panels * kTileSquare;
  uint16_t* b = static_cast<uint16_t*>(scratch((room + kTile * line + kTile) * 2 + 2 * blocks * int64_t(sizeof(b))));
  uint16_t* rows = b + room;
  const uint16_t** tiles = reinterpret_cast<const uint16_t**>(rows + kTile * line + kTile);
  int64_t places[kPixelSteps];
  for (int64_t step = 0; step < kPixelSteps; ++step) places[step] = step * blocks * kTileSquare;
  for (int64_t from = begin; from < end; from += kPixelSteps * kTile) {
    const int64_t steps = at_most(kPixelSteps, ceil_divide(end - from, kTile));
    for (int64_t step = 0; step < steps; ++step) {
      const int64_t result = from + step * kTile, some = at_most(kTile, end - result);
      gather(w, result, some, first, first + width, rows, line);
      for (int64_t m = 0; m < some; ++m) clear_numbers(rows + m * line + width, panels * kTile - width);
      clear_numbers(rows + some * line, (kTile - some) * line);
      for (int64_t panel = 0; panel < panels; ++panel)
        pack_pairs(rows + panel * kTile, line, b + (panel * kPixelSteps + step) * kTileSquare);
    }
    for (int64_t tile = 0; tile < 2 * blocks; ++tile)
      tiles[tile] = packed + ((from - begin) / kTile * 2 * blocks + tile) * (kTileSquare / 2);
    by.begin();
    for (int64_t panel = 0; panel < panels; ++panel) {
      by.multiply({
          tiles,
          places,
          kTile,
          b + panel * kPixelSteps * kTileSquare,
          sums + panel * blocks * kTileSquare,
          blocks,
          steps,
          clears && from == begin,
      });
    }
    by.end();
  }
}

// Sums are kept as [part][columns / 32][y channels / 32][32][32]. How the work is cut hangs on the sizes alone.
inline void convolve_bfloat16_weight(const ConvolutionBFloat16& c) {
  const Windows w{c.x,       c.batch,  c.x_height, c.x_width, c.x_channels, c.y_height,
                  c.y_width, c.kernel, c.kernel,   c.stride,  -c.top,       -c.left};
  const Multiplier by = multiplier_of(c);
  const int64_t count = w.count(), length = w.length(), channels = c.y_channels;
  const int64_t blocks = ceil_divide(channels, kTile), panels = ceil_divide(length, kTile);
  const int64_t columns = at_most(kColumns, round_up((length + 1) / 2, kTile)), tasks = ceil_divide(length, columns);
  const int64_t at_once =
      at_least(kTile, at_most(round_up(count, kTile), kPackedNumbers / (blocks * kTile) / kTile * kTile));
  const int64_t parts = at_least(1, at_most(16 / tasks, at_once / (4 * kTile * kPixelSteps)));
  const int64_t part = round_up(ceil_divide(at_once, parts), kTile);
  const int64_t sums_room = panels * blocks * kTileSquare, packed_room = at_once * blocks * kTile;
  float* sums = static_cast<float*>(scratch(parts * sums_room * 4 + packed_room * 2, kWeightScratch));
  uint16_t* packed = reinterpret_cast<uint16_t*>(sums + parts * sums_room);
  float* gradient = static_cast<float*>(c.weight);
  for (int64_t begin = 0; begin < at_least(count, 1); begin += at_once) {
    const int64_t end = at_most(begin + at_once, count);
    parallel(ceil_divide(end - begin, kTile), 4, [&](int64_t first, int64_t last) {
      for (int64_t step = first; step < last; ++step) {
        const int64_t row = begin + step * kTile;
        for (int64_t block = 0; block < blocks; ++block)
          pack_transposed(
              c.y + row * channels + block * kTile, channels, end - row, channels - block * kTile,
              packed + (step * blocks + block) * kTileSquare);
      }
    });
    parallel(parts * tasks, 1, [&](int64_t first, int64_t last) {
      for (int64_t n = first; n < last; ++n) {
        const int64_t column = n % tasks * columns, from = n / tasks * part;
        float* own = sums + n / tasks * sums_room + column / kTile * blocks * kTileSquare;
        const int64_t until = at_most(begin + from + part, end);
        const int64_t width = at_most(columns, length - column);
        if (begin + from < until) {
          sum_products(w, packed + from * blocks * kTile, blocks, begin + from, until, column, width, by, own, begin == 0);
        } else if (begin == 0) {
          const int64_t room = ceil_divide(width, kTile) * blocks * kTileSquare;
          for (int64_t k = 0; k < room; ++k) own[k] = 0;
        }
      }
    });
  }
  parallel(channels, 1, [&](int64_t first, int64_t last) {
    for (int64_t k = first; k < last; ++k) {
      for (int64_t column = 0; column < length; column += kTile) {
        const float* from = sums + (column / kTile * blocks + k / kTile) * kTileSquare + k % kTile * kTile;
        for (int64_t v = 0; v < kTile && column + v < length; v += lanes<float>) {
          vec<float> sum = load(from + v);
          for (int64_t q = 1; q < parts; ++q) sum += load(from + q * sums_room + v);
          store(gradient + k * length + column + v, sum, length - column - v);
        }
      }
    }
  });
}

}  // namespace
}  // namespace zoo
