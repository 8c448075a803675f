// What one result of a convolution is computed from: a window of an image, as one row of a matrix.
#pragma once

#include "../runtime/sizes.h"
#include "../simd/vector.h"
#include "arguments.h"

namespace zoo {
namespace {

// Result (i, j) of an image's height x width sees rows x columns pixels of the image, from pixel (i stride + top, j stride + left)
// on; those beyond the edge are 0. A row of the matrix is [row][column][channel].
struct Windows {
  const uint16_t* image;
  int64_t batch, image_height, image_width, channels;
  int64_t height, width;
  int64_t rows, columns, stride, top, left;

  int64_t count() const { return batch * height * width; }
  int64_t length() const { return rows * columns * channels; }
};

struct Result {
  int64_t image, i, j;
};

ZOO_INLINE Result result_of(const Windows& w, int64_t number) {
  return {number / (w.height * w.width), number / w.width % w.height, number % w.width};
}

ZOO_INLINE void next(const Windows& w, Result& r) {
  if (++r.j < w.width) return;
  r.j = 0;
  if (++r.i < w.height) return;
  r.i = 0;
  ++r.image;
}

// `from` may be read up to `end`; `to` may be written up to 32 numbers too far.
ZOO_INLINE void copy_numbers(const uint16_t* from, const uint16_t* end, int64_t count, uint16_t* to) {
  constexpr int64_t whole = 32;
  if (end - from >= round_up(count, whole)) {
    for (int64_t k = 0; k < count; k += whole) __builtin_memcpy(to + k, from + k, 2 * whole);
  } else {
    for (int64_t k = 0; k < count; ++k) to[k] = from[k];
  }
}

ZOO_INLINE void clear_numbers(uint16_t* to, int64_t count) {
  for (int64_t k = 0; k < count; ++k) to[k] = 0;
}

// Numbers `begin` to `end` of rows [first, first + count) of the matrix, `step` apart; up to 32 more may be written behind each.
ZOO_INLINE void gather(
    const Windows& w, int64_t first, int64_t count, int64_t begin, int64_t end, uint16_t* to, int64_t step) {
  const int64_t line = w.columns * w.channels, image_line = w.image_width * w.channels;
  const uint16_t* all = w.image + w.batch * w.image_height * image_line;
  Result r = result_of(w, first);
  for (int64_t done = 0; done < count;) {
    const int64_t some = at_most(count - done, w.width - r.j);  // of one line of results
    for (int64_t row = begin / line; row * line < end; ++row) {
      const int64_t from = at_least(begin - row * line, 0), until = at_most(end - row * line, line);
      uint16_t* place = to + done * step + row * line - begin;
      const int64_t i = r.i * w.stride + w.top + row;
      if (i < 0 || i >= w.image_height) {
        for (int64_t m = 0; m < some; ++m) clear_numbers(place + m * step + from, until - from);
        continue;
      }
      const uint16_t* source = w.image + (r.image * w.image_height + i) * image_line;
      for (int64_t m = 0; m < some; ++m, place += step) {
        const int64_t left = (r.j + m) * w.stride + w.left;
        if (left >= 0 && left + w.columns <= w.image_width) {
          copy_numbers(source + left * w.channels + from, all, until - from, place + from);
          continue;
        }
        // Numbers of the line that there are in the image.
        const int64_t in = left < 0 ? at_most(-left * w.channels, line) : 0;
        const int64_t out = at_least(at_most((w.image_width - left) * w.channels, line), in);
        const int64_t a = at_most(at_least(from, in), until), b = at_least(at_most(until, out), a);
        clear_numbers(place + from, a - from);
        copy_numbers(source + left * w.channels + a, all, b - a, place + a);
        clear_numbers(place + b, until - b);
      }
    }
    done += some;
    r.j += some - 1;
    next(w, r);
  }
}

}  // namespace
}  // namespace zoo
