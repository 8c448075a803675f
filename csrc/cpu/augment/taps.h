// Which pixels the pixels of an output row are made of, a vector of them at a time: zoo::taps (sampling.h), for all lanes.
#pragma once

#include "pixels.h"
#include "../../sampling.h"

namespace zoo {
namespace {

// Whole numbers, as many and as wide as the lanes of a vector.
template <class T>
struct Whole {
  using lane = int32_t;
  using type = i32x;
};
template <>
struct Whole<double> {
  using lane = int64_t;
  using type = i64x;
};
template <class T>
using whole = typename Whole<T>::type;
template <class T>
using whole_lane = typename Whole<T>::lane;

// Where the pixels of one output row lie in the input's planes, and what each of four weighs. What does not count is the pixel
// behind the last one, which is 0: it is multiplied with 0, and infinities do not spread.
template <class T>
struct RowOfTaps {
  whole_lane<T>* at[4];
  T* weight[4];
};

template <class T>
struct AxisTaps {
  whole<T> at[2];
  vec<T> weight[2];
};

template <class T>
ZOO_INLINE whole<T> reflected(whole<T> at, int size) {
  using I = whole<T>;
  const I period = I{} + (size == 1 ? 1 : 2 * (size - 1));
  const I far = at < 0 ? -at : at;
  // The quotient may be off by one: what is left over tells.
  const I quotient = __builtin_convertvector(__builtin_convertvector(far, vec<T>) * (1 / T(period[0])), I);
  I rest = far - quotient * period;
  rest += (rest < 0) & period;
  rest -= (rest >= period) & period;
  return rest < size ? rest : period - rest;
}

template <class T>
ZOO_INLINE AxisTaps<T> axis_taps(vec<T> position, int size, Padding padding) {
  using I = whole<T>;
  const vec<T> far = fill(T(kFarthest));
  vec<T> p = position < far ? position : far;
  p = position > -far ? p : -far;  // NaN, too
  I first = __builtin_convertvector(p, I);
  first += bits_as<I>(__builtin_convertvector(first, vec<T>) > p);  // truth is -1
  const vec<T> share = p - __builtin_convertvector(first, vec<T>);
  if (padding == Padding::reflect) return {{reflected<T>(first, size), reflected<T>(first + 1, size)}, {1 - share, share}};
  const I here = (first >= 0) & (first < size), there = (first >= -1) & (first < size - 1);
  const vec<T> none{};
  return {{first & here, (first + 1) & there}, {here ? 1 - share : none, there ? share : none}};
}

// The taps of an output row; where pixels are copied, the first alone.
template <class T>
ZOO_SHARED void find_taps(const Augment& a, const float* affine, bool copies, int row, const RowOfTaps<T>& taps) {
  using I = whole<T>;
  const Warp<T> w = warp_of<T>(affine);
  const int32_t area = a.height * a.width;
  vec<T> column{};
  for (int i = 0; i < lanes<T>; ++i) column[i] = T(i);
  for (int i = 0; i < a.width; i += lanes<T>, column += T(lanes<T>)) {
    const AxisTaps<T> x = axis_taps<T>(w.xx * column + w.xy * T(row) + w.x0, a.width, a.padding);
    const AxisTaps<T> y = axis_taps<T>(w.yx * column + w.yy * T(row) + w.y0, a.height, a.padding);
    for (int tap = 0; tap < (copies ? 1 : 4); ++tap) {
      const vec<T> weight = y.weight[tap / 2] * x.weight[tap % 2];
      I at = y.at[tap / 2] * a.width + x.at[tap % 2];
      at = weight != 0 ? at : I{} + area;
      __builtin_memcpy(taps.at[tap] + i, &at, sizeof(at));
      store(taps.weight[tap] + i, weight);
    }
  }
}

// Rows of a plane, whose elements are numbers or the four channels of a pixel.
template <class T, class P>
ZOO_SHARED void sample(const P* plane, bool copies, const RowOfTaps<T>& t, int width, P* out) {
  const whole_lane<T>*at0 = t.at[0], *at1 = t.at[1], *at2 = t.at[2], *at3 = t.at[3];
  const T *w0 = t.weight[0], *w1 = t.weight[1], *w2 = t.weight[2], *w3 = t.weight[3];
  if (copies) {
    for (int i = 0; i < width; ++i) out[i] = plane[at0[i]];
    return;
  }
  for (int i = 0; i < width; ++i) {
    out[i] = (w0[i] * plane[at0[i]] + w1[i] * plane[at1[i]]) + (w2[i] * plane[at2[i]] + w3[i] * plane[at3[i]]);
  }
}

template <class T, class P>
ZOO_SHARED void scatter(const P* gradient, bool copies, const RowOfTaps<T>& t, int width, P* plane) {
  for (int i = 0; i < width; ++i) {
    const P g = gradient[i];
    if (copies) {
      plane[t.at[0][i]] += g;
      continue;
    }
    for (int tap = 0; tap < 4; ++tap) plane[t.at[tap][i]] += t.weight[tap][i] * g;
  }
}

}  // namespace
}  // namespace zoo
