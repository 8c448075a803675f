// batch_norm_act in nhwc: channels_last images and 2-d input, memory [row][channel].
//
// Passes over memory. Forward: read x (statistics), read x, write y. Backward: read x and dy (sums), read x and dy, write
// dx. Each thread walks its chunks downwards in the second pass, so that what it read last in the first is still in its
// cache; where the thread's share of the tensor fits there, the second read never reaches memory.
#pragma once

#include "element.h"
#include "per_channel.h"
#include "../runtime/parallel.h"
#include "../simd/nontemporal.h"
#include "../simd/walk.h"

namespace zoo {
namespace {

constexpr int64_t kBlock = 64;  // rows per sum in T before it goes into a sum in double

ZOO_INLINE int64_t padded(int64_t channels) { return (channels + 31) / 32 * 32; }

// Adds n rows to the sums of (value - center) and of its square.
template <class S, class Fused, class T = compute_t<S>>
ZOO_INLINE void add_moments(const Fused& f, const S* x, int64_t n, int64_t channels, const T* center, T* sums, T* squares) {
  columns<T>(channels, [&](int64_t c, auto vectors, auto left) ZOO_LAMBDA {
    constexpr int count = decltype(vectors)::value;
    vec<T> k[count], sum[count] = {}, square[count] = {};
    for (int j = 0; j < count; ++j) k[j] = load(center + c + j * lanes<T>);
    for (int64_t r = 0; r < n; ++r) {
      for (int j = 0; j < count; ++j) {
        const vec<T> d = normalised_value<T>(f, load(x + r * channels + c + j * lanes<T>, left)) - k[j];
        sum[j] += d;
        square[j] += d * d;
      }
    }
    for (int j = 0; j < count; ++j) {
      store(sums + c + j * lanes<T>, sum[j]);
      store(squares + c + j * lanes<T>, square[j]);
    }
  });
}

// Moments of the rows [begin, end), which are at least one. Deviations are summed from a center close to the mean: first
// that of the first rows, then that of all blocks so far. A center that the data has since drifted away from costs no
// precision, because the drift is part of the variance.
template <class S, class Fused, class T = compute_t<S>>
ZOO_SHARED void row_moments(
    const Fused& f, const S* x, int64_t begin, int64_t end, int64_t channels, T* work, double* mean, double* squares) {
  const int64_t width = padded(channels), first = end - begin < 8 ? end - begin : 8;
  T *center = work, *sum = work + width, *square = sum + width;
  for (int64_t i = 0; i < 3 * width; ++i) work[i] = 0;
  add_moments(f, x + begin * channels, first, channels, center, sum, square);
  for (int64_t c = 0; c < width; ++c) center[c] = sum[c] / T(first);
  double count = 0;
  for (int64_t block = begin; block < end; block += kBlock) {
    const int64_t rows = block + kBlock < end ? kBlock : end - block;
    add_moments(f, x + block * channels, rows, channels, center, sum, square);
    const double n = double(rows), per_row = 1 / n;
    for (int64_t c = 0; c < channels; ++c) {
      const double offset = double(sum[c]) * per_row;
      join(count, mean[c], squares[c], n, double(center[c]) + offset, double(square[c]) - double(sum[c]) * offset);
      center[c] = T(mean[c]);
    }
    count += n;
  }
}

// The coefficients of a group lie one after the other, `width` apart: center, scale, shift (and slope, offset).
template <class S, class Fused, class T = compute_t<S>>
ZOO_INLINE void normalise_rows(
    const Fused& f, const S* x, S* y, int64_t n, int64_t channels, const T* coefficients, int64_t width, bool nontemporal) {
  const T *center = coefficients, *scale = center + width, *shift = scale + width;
  for (int64_t r = 0; r < n; ++r, x += channels, y += channels) {
    along<T>(channels, [=](int64_t c, auto values) ZOO_LAMBDA {
      const vec<T> v = load(x + c, values);
      put(nontemporal, y + c, forward_value<T>(f, v, load(center + c), load(scale + c), load(shift + c)), values);
    });
  }
}

// Sums over n rows of the gradient, and of the gradient times the distance from the center.
template <class S, class Fused, class T = compute_t<S>>
ZOO_INLINE void gradient_sums(
    const Fused& f, const S* g, const S* x, int64_t n, int64_t channels, const T* coefficients, int64_t width, T* sums) {
  columns<T>(channels, [&](int64_t c, auto vectors, auto left) ZOO_LAMBDA {
    constexpr int count = decltype(vectors)::value;
    vec<T> sum[count] = {}, product[count] = {};
    for (int64_t r = 0; r < n; ++r) {
      for (int j = 0; j < count; ++j) {
        const int64_t i = r * channels + c + j * lanes<T>;
        const T* at = coefficients + c + j * lanes<T>;
        const Behind<T> e =
            behind<T>(f, load(g + i, left), load(x + i, left), load(at), load(at + width), load(at + 2 * width));
        sum[j] += e.gradient;
        product[j] += e.gradient * e.distance;
      }
    }
    for (int j = 0; j < count; ++j) {
      store(sums + c + j * lanes<T>, sum[j]);
      store(sums + width + c + j * lanes<T>, product[j]);
    }
  });
}

template <class S, class Fused, class T = compute_t<S>>
ZOO_INLINE void gradient_rows(
    const Fused& f, const S* g, const S* x, S* dx, int64_t n, int64_t channels, const T* coefficients, int64_t width,
    bool nontemporal) {
  const T *center = coefficients, *scale = center + width, *shift = scale + width;
  const T *slope = shift + width, *offset = slope + width;
  for (int64_t r = 0; r < n; ++r, g += channels, x += channels, dx += channels) {
    along<T>(channels, [=](int64_t c, auto values) ZOO_LAMBDA {
      const vec<T> d = backward_value<T>(
          f, load(g + c, values), load(x + c, values), load(center + c), load(scale + c), load(shift + c), load(slope + c),
          load(offset + c));
      put(nontemporal, dx + c, d, values);
    });
  }
}

}  // namespace
}  // namespace zoo
