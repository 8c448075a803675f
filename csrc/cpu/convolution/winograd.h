// Winograd's minimal filtering in one direction of an image, two outputs at a time (Lavin & Gray 2016,
// https://arxiv.org/abs/1509.09308): y[e] = sum over a of d[e + a] g[a], e = 0 and 1, takes one product more than there are
// taps in place of twice as many.
//
//   v = window(d), u = filter(g), m = u v, y = result(m)
//
// A convolution of stride 2 is a sum over two phases, the even and the odd rows, each with taps of its own. The products
// belong to the points 0, 1, infinity and -1, in this order, and a phase of n taps uses the first n + 1: so the phases may
// share one `result`, and their products are summed before it. What is added and subtracted is never larger than a sum of
// two values, which keeps the error near that of the plain sum.
#pragma once

#include "../simd/vector.h"

namespace zoo {
namespace {

// The phases of one direction and the taps of each, most first.
template <int... Taps>
struct Line {
  static constexpr int phases = sizeof...(Taps);
  static constexpr int taps[phases] = {Taps...};
  static constexpr int points = taps[0] + 1;
  // How many phases have a product at this point: always the first ones.
  static constexpr int phases_at(int point) {
    int count = 0;
    for (const int t : taps) count += t >= point;
    return count;
  }
};

// Values of a direction lie `step` apart in all four.
using Lanes = vec<float>;

template <int Taps>
ZOO_INLINE void window(const Lanes* d, int step, Lanes* v) {
  if constexpr (Taps == 3) {
    const Lanes d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    v[0] = d0 - d2;
    v[step] = d1 + d2;
    v[2 * step] = d1 - d3;
    v[3 * step] = d2 - d1;
  } else {
    const Lanes d0 = d[0], d1 = d[step];
    v[0] = d0 - d1;
    v[step] = d1;
    if constexpr (Taps == 2) v[2 * step] = d1 - d[2 * step];
  }
}

// g holds a whole window's room, of which the first `Taps` are read.
template <int Taps>
ZOO_INLINE void filter(const Lanes* g, int step, Lanes* u) {
  const Lanes g0 = g[0];
  if constexpr (Taps == 3) {
    const Lanes g1 = g[step], g2 = g[2 * step], even = (g0 + g2) * 0.5f, odd = g1 * 0.5f;
    u[step] = even + odd;
    u[2 * step] = g2;
    u[3 * step] = even - odd;
  } else if constexpr (Taps == 2) {
    const Lanes g1 = g[step];
    u[step] = g0 + g1;
    u[2 * step] = g1;
  } else {
    u[step] = g0;
  }
  u[0] = g0;
}

// Two results of `Points` products, in place.
template <int Points>
ZOO_INLINE void result(Lanes* m, int step) {
  Lanes y0 = m[0] + m[step], y1 = m[step];
  if constexpr (Points > 2) y1 -= m[2 * step];
  if constexpr (Points > 3) {
    y0 += m[3 * step];
    y1 -= m[3 * step];
  }
  m[0] = y0;
  m[step] = y1;
}

// The transpose of `result`: what the gradient of a result is multiplied with, of two gradients, in place.
template <int Points>
ZOO_INLINE void result_backward(Lanes* g, int step) {
  const Lanes g0 = g[0], g1 = g[step];
  g[step] = g0 + g1;
  if constexpr (Points > 2) g[2 * step] = -g1;
  if constexpr (Points > 3) g[3 * step] = g0 - g1;
}

// The transpose of `filter`: the gradient of the taps, in place.
template <int Taps>
ZOO_INLINE void filter_backward(Lanes* u, int step) {
  if constexpr (Taps == 3) {
    const Lanes even = (u[step] + u[3 * step]) * 0.5f, odd = (u[step] - u[3 * step]) * 0.5f, last = u[2 * step];
    u[0] += even;
    u[step] = odd;
    u[2 * step] = last + even;
  } else {
    u[0] += u[step];
    if constexpr (Taps == 2) u[step] += u[2 * step];
  }
}

}  // namespace
}  // namespace zoo
