// Images from images: each result is a row of windows times the weights. The transposed convolution's results fall into
// stride x stride phases, each of which sees other weights, and is a convolution with stride 1.
#pragma once

#include "../runtime/parallel.h"
#include "multiply.h"

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

// Which weights a window sees: those of kernel row first_row + row row_step, and of the columns alike. In memory, a tap of one channel
// of the windows for one of the results is at the sum of their numbers times these steps.
struct Taps {
  const void* data;
  int64_t first_row, first_column, tap_step;
  int64_t row_step, column_step, in_step, out_step;
};

// The weights as a Product's b for all results: [32 channels of the results][step], filled up with zeros.
template <class S>
ZOO_SHARED void pack_weights(const Windows& w, const Taps& taps, int64_t outputs, uint16_t* packed) {
  const int64_t length = w.length(), steps = (length + kTile - 1) / kTile, panels = (outputs + kTile - 1) / kTile;
  const S* weights = static_cast<const S*>(taps.data);
  // Of number k of a window, for the first of the results.
  const auto place = [&](int64_t k) {
    const int64_t tap = k / w.channels, channel = k % w.channels;
    const int64_t row = taps.first_row + tap / w.columns * taps.tap_step;
    const int64_t column = taps.first_column + tap % w.columns * taps.tap_step;
    return weights + row * taps.row_step + column * taps.column_step + channel * taps.in_step;
  };
  parallel(panels * steps, 8, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const int64_t first = n % steps * kTile, output = n / steps * kTile, some = lesser(kTile, length - first);
      uint16_t rows[kTileSquare + kTile] = {};
      const auto take = [&](uint16_t* to, const S* from, int64_t count) {
        for (int64_t v = 0; v < count; v += lanes<float>) {
          const u16x numbers = load_numbers(from + v, count - v);
          __builtin_memcpy(to + v, &numbers, sizeof(numbers));
        }
      };
      if (taps.out_step == 1) {
        for (int64_t k = 0; k < some; ++k)
          take(rows + k * kTile, place(first + k) + output, lesser(kTile, outputs - output));
        pack_pairs(rows, kTile, packed + n * kTileSquare);
        continue;
      }
      // A channel of the results after the other, of each what lies together: those of a tap. What is written too far is zeros.
      for (int64_t o = 0; o < kTile && output + o < outputs; ++o) {
        for (int64_t k = 0, run; k < some; k += run) {
          run = lesser(w.channels - (first + k) % w.channels, some - k);
          take(rows + o * kTile + k, place(first + k) + (output + o) * taps.out_step, run);
        }
      }
      pack_pairs_across(rows, kTile, packed + n * kTileSquare);
    }
  });
}

ZOO_INLINE void store_results(
    const Target& t, const Windows& w, Result r, int64_t count, int64_t channel, const float* sums) {
  const int64_t width = lesser(t.channels - channel, kTile);
  for (int64_t m = 0; m < count; ++m, sums += kTile, next(w, r)) {
    bfloat16* to = reinterpret_cast<bfloat16*>(t.place(r) + channel);
    for (int64_t v = 0; v < width; v += lanes<float>) store(to + v, load(sums + v), width - v);
  }
}

constexpr int64_t kStepsAtOnce = 16;        // of a panel of weights that stays in the first-level cache
constexpr int64_t kBlockNumbers = 1 << 19;  // of windows that stay in the second-level cache

inline void convolve_windows(const Windows& w, const Target& t, const uint16_t* weights, const Multiplier& by) {
  const int64_t steps = round_up(w.length(), kTile) / kTile, line = steps * kTile + kTile;  // no power of two
  const int64_t blocks = greater(1, lesser(4, kBlockNumbers / (line * kTile))), rows = blocks * kTile;
  const int64_t count = w.count(), tasks = (count + rows - 1) / rows;
  parallel(tasks, 1, [&](int64_t begin, int64_t end) {
    uint16_t* a = static_cast<uint16_t*>(scratch((rows * line + kTile) * 2 + rows * kTile * 4 + 64));
    float* c = reinterpret_cast<float*>(a + round_up(rows * line + kTile, kTile));
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task * rows, some = lesser(rows, count - first);
      gather(w, first, some, 0, w.length(), a, line);
      for (int64_t m = 0; m < some; ++m) clear_numbers(a + m * line + w.length(), steps * kTile - w.length());
      by.begin();
      for (int64_t channel = 0; channel < t.channels; channel += kTile) {
        const uint16_t* panel = weights + channel * steps * kTile;
        for (int64_t step = 0; step < steps; step += kStepsAtOnce) {
          by.multiply({
              a + step * kTile,
              line,
              kTile,
              kTile * line,
              panel + step * kTileSquare,
              c,
              (some + kTile - 1) / kTile,
              lesser(kStepsAtOnce, steps - step),
              step == 0,
          });
        }
        store_results(t, w, result_of(w, first), some, channel, c);
      }
      by.end();
    }
  });
}

ZOO_INLINE void convolve(const ConvolutionBFloat16& c, const Windows& w, const Target& t, const Taps& taps) {
  const int64_t room = round_up(w.length(), kTile) * round_up(t.channels, kTile);
  uint16_t* weights = static_cast<uint16_t*>(scratch(room * 2, kWeightScratch));
  if (c.weight_storage == kFloat32) pack_weights<float>(w, taps, t.channels, weights);
  else pack_weights<bfloat16>(w, taps, t.channels, weights);
  convolve_windows(w, t, weights, multiplier_of(c));
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
