// The weights of a convolution, in the order in which products in bfloat16 take them.
#pragma once

#include "../runtime/parallel.h"
#include "pairs.h"

namespace zoo {
namespace {

// Which weights a window sees: those of kernel row first_row + row row_step, and of the columns alike. In memory, a tap of one channel
// of the windows for one of the results is at the sum of their numbers times these steps.
struct Taps {
  const void* data;
  int64_t first_row, first_column, tap_step;
  int64_t row_step, column_step, in_step, out_step;
};

// The weights as a Product's b for all results: [32 channels of the results][step], filled up with zeros. A step holds 32 numbers of the
// windows, in which each tap takes `depth`, of which its channels are the first.
template <class S>
ZOO_SHARED void pack_weights(const Windows& w, const Taps& taps, int64_t depth, int64_t outputs, uint16_t* packed) {
  const int64_t length = w.rows * w.columns * depth, steps = ceil_divide(length, kTile),
                panels = ceil_divide(outputs, kTile);
  const S* weights = static_cast<const S*>(taps.data);
  // Of number k of a window, for the first of the results.
  const auto place = [&](int64_t k) {
    const int64_t tap = k / depth, channel = k % depth;
    const int64_t row = taps.first_row + tap / w.columns * taps.tap_step;
    const int64_t column = taps.first_column + tap % w.columns * taps.tap_step;
    return weights + row * taps.row_step + column * taps.column_step + channel * taps.in_step;
  };
  parallel(panels * steps, 8, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const int64_t first = n % steps * kTile, output = n / steps * kTile, some = at_most(kTile, length - first);
      uint16_t rows[kTileSquare + kTile] = {};
      const auto take = [&](uint16_t* to, const S* from, int64_t count) {
        for (int64_t v = 0; v < count; v += lanes<float>) {
          const u16x numbers = load_numbers(from + v, count - v);
          __builtin_memcpy(to + v, &numbers, sizeof(numbers));
        }
      };
      if (taps.out_step == 1) {
        for (int64_t k = 0; k < some; ++k) {
          if ((first + k) % depth >= w.channels) continue;
          take(rows + k * kTile, place(first + k) + output, at_most(kTile, outputs - output));
        }
        pack_pairs(rows, kTile, packed + n * kTileSquare);
        continue;
      }
      // A channel of the results after the other, of each what lies together: those of a tap. What is written too far is zeros.
      for (int64_t o = 0; o < kTile && output + o < outputs; ++o) {
        for (int64_t k = 0, run; k < some; k += run) {
          const int64_t channel = (first + k) % depth;
          run = at_most(depth - channel, some - k);
          take(rows + o * kTile + k, place(first + k) + (output + o) * taps.out_step, at_most(run, w.channels - channel));
        }
      }
      pack_pairs_across(rows, kTile, packed + n * kTileSquare);
    }
  });
}

}  // namespace
}  // namespace zoo
