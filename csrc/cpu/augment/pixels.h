// An image as rows of numbers in the compute type, whatever its storage and layout: one row of all channels at a time. Rows are
// whole vectors long; what lies beyond the image's width is 0 when it is read, and does not count.
#pragma once

#include "arguments.h"
#include "../simd/vector.h"

namespace zoo {
namespace {

// Four numbers: the channels of a pixel, of which some may be unused, or a pixel each of a channel.
template <class T>
struct Quad {
  typedef T type __attribute__((vector_size(4 * sizeof(T))));
};
template <class T>
using quad = typename Quad<T>::type;

typedef int32_t order_of_floats __attribute__((vector_size(16)));
typedef int64_t order_of_doubles __attribute__((vector_size(32)));
template <class T>
struct Order {
  using type = order_of_floats;
};
template <>
struct Order<double> {
  using type = order_of_doubles;
};

template <int A, int B, int C, int D, class T>
ZOO_INLINE quad<T> pick(T, quad<T> a, quad<T> b) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, A, B, C, D);
#else
  return __builtin_shuffle(a, b, typename Order<T>::type{A, B, C, D});
#endif
}

// to[i] is made of element i of each of the four.
template <class T>
ZOO_INLINE void transpose_quads(const quad<T>* from, quad<T>* to) {
  const quad<T> a = pick<0, 4, 1, 5>(T(), from[0], from[1]), b = pick<2, 6, 3, 7>(T(), from[0], from[1]);
  const quad<T> c = pick<0, 4, 1, 5>(T(), from[2], from[3]), d = pick<2, 6, 3, 7>(T(), from[2], from[3]);
  to[0] = pick<0, 1, 4, 5>(T(), a, c);
  to[1] = pick<2, 3, 6, 7>(T(), a, c);
  to[2] = pick<0, 1, 4, 5>(T(), b, d);
  to[3] = pick<2, 3, 6, 7>(T(), b, d);
}

// Pixels, `step` numbers (of which four count at most) from one to the next, to four rows. Beyond the last pixel there is room.
template <class T>
ZOO_INLINE void rows_of_pixels(const T* pixels, int64_t step, T* rows, int64_t stride, int64_t width) {
  for (int64_t i = 0; i < width; i += 4) {
    quad<T> from[4], to[4];
    for (int k = 0; k < 4; ++k) __builtin_memcpy(&from[k], pixels + (i + k) * step, sizeof(from[k]));
    transpose_quads<T>(from, to);
    for (int k = 0; k < 4; ++k) __builtin_memcpy(rows + k * stride + i, &to[k], sizeof(to[k]));
  }
}

// The way back. A pixel's numbers beyond `step` are overwritten by the next one's; beyond the last pixel there is room.
template <class T>
ZOO_INLINE void pixels_of_rows(const T* rows, int64_t stride, T* pixels, int64_t step, int64_t width) {
  for (int64_t i = 0; i < width; i += 4) {
    quad<T> from[4], to[4];
    for (int k = 0; k < 4; ++k) __builtin_memcpy(&from[k], rows + k * stride + i, sizeof(from[k]));
    transpose_quads<T>(from, to);
    for (int k = 0; k < 4; ++k) __builtin_memcpy(pixels + (i + k) * step, &to[k], sizeof(to[k]));
  }
}

template <class S>
ZOO_INLINE void widen_row(const S* from, compute_t<S>* to, int64_t count) {
  using T = compute_t<S>;
  for (int64_t i = 0; i < count; i += lanes<T>) store(to + i, load(from + i, count - i));
}
ZOO_INLINE void widen_row(const float* from, float* to, int64_t count) {
  __builtin_memcpy(to, from, count * sizeof(float));
}
ZOO_INLINE void widen_row(const double* from, double* to, int64_t count) {
  __builtin_memcpy(to, from, count * sizeof(double));
}

template <class S>
ZOO_INLINE void narrow_row(const compute_t<S>* from, S* to, int64_t count) {
  using T = compute_t<S>;
  for (int64_t i = 0; i < count; i += lanes<T>) store(to + i, load(from + i), count - i);
}
ZOO_INLINE void narrow_row(const float* from, float* to, int64_t count) {
  __builtin_memcpy(to, from, count * sizeof(float));
}
ZOO_INLINE void narrow_row(const double* from, double* to, int64_t count) {
  __builtin_memcpy(to, from, count * sizeof(double));
}

template <class T>
ZOO_INLINE void clear(T* from, T* end) {
  if (from < end) __builtin_memset(from, 0, size_t(end - from) * sizeof(T));
}

// Reads `row` of image n: channel c to rows + c * stride. `pixels` has room for a row of all channels, and some more.
template <class S>
ZOO_SHARED void read_row(const Augment& a, int64_t n, int row, compute_t<S>* rows, int64_t stride, compute_t<S>* pixels) {
  const int64_t channels = a.channels, width = a.width;
  const S* image = static_cast<const S*>(a.from) + n * channels * a.height * width;
  if (!a.nhwc) {
    for (int64_t c = 0; c < channels; ++c) widen_row(image + (c * a.height + row) * width, rows + c * stride, width);
  } else {
    widen_row(image + row * width * channels, pixels, width * channels);
    if (channels <= 4) {
      rows_of_pixels(pixels, channels, rows, stride, width);
    } else {
      for (int64_t c = 0; c < channels; ++c) {
        for (int64_t i = 0; i < width; ++i) rows[c * stride + i] = pixels[i * channels + c];
      }
    }
  }
  for (int64_t c = 0; c < channels; ++c) clear(rows + c * stride + width, rows + (c + 1) * stride);
}

// The way back: writes `row` of image n.
template <class S>
ZOO_SHARED void write_row(
    const Augment& a, int64_t n, int row, const compute_t<S>* rows, int64_t stride, compute_t<S>* pixels) {
  const int64_t channels = a.channels, width = a.width;
  S* image = static_cast<S*>(a.to) + n * channels * a.height * width;
  if (!a.nhwc) {
    for (int64_t c = 0; c < channels; ++c) narrow_row(rows + c * stride, image + (c * a.height + row) * width, width);
    return;
  }
  if (channels <= 4) {
    pixels_of_rows(rows, stride, pixels, channels, width);
  } else {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t i = 0; i < width; ++i) pixels[i * channels + c] = rows[c * stride + i];
    }
  }
  narrow_row(pixels, image + row * width * channels, width * channels);
}

}  // namespace
}  // namespace zoo
