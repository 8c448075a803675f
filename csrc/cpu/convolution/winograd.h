// Winograd's minimal filtering in one direction of an image, `Outputs` of them at a time, two or four (Lavin & Gray 2016,
// https://arxiv.org/abs/1509.09308): y[e] = sum over a of d[e + a] g[a], e < Outputs, takes Outputs - 1 products more than
// there are taps in place of Outputs times as many.
//
//   v = window(d), u = filter(g), m = u v, y = result(m)
//
// A convolution of stride 2 is a sum over two phases, the even and the odd rows, each with taps of its own. The products
// belong to points, in a fixed order of which a phase of n taps uses the first n + Outputs - 1: so the phases may share one
// `result`, and their products are summed before it.
//
// Two outputs: 0, 1, infinity, -1. What is added and subtracted is never larger than a sum of two values, which keeps the
// error near that of the plain sum.
// Four outputs: 0, -1, infinity, 2, 1/2, -2. Fewer products still, and a larger error, for these points weigh what is added by
// their powers. Of all such sets this one loses least with two taps, and little more than the best with three. It is not for
// phases of one tap, which save nothing.
#pragma once

#include "../simd/vector.h"

namespace zoo {
namespace {

// The outputs of a tile in one direction, the phases of it and the taps of each, most first.
template <int Outputs, int... Taps>
struct Line {
  static constexpr int outputs = Outputs;
  static constexpr int phases = sizeof...(Taps);
  static constexpr int taps[phases] = {Taps...};
  // How many points a phase has, which is how long its window is, too; and the most of them.
  static constexpr int window(int phase) { return taps[phase] + Outputs - 1; }
  static constexpr int points = window(0);
  // How many phases have a product at this point: always the first ones.
  static constexpr int phases_at(int point) {
    int count = 0;
    for (int r = 0; r < phases; ++r) count += window(r) > point;
    return count;
  }
};

// Values of a direction lie `step` apart in all of these.
using Lanes = vec<float>;

template <int Outputs, int Taps>
ZOO_INLINE void window(const Lanes* d, int step, Lanes* v) {
  static_assert(Taps <= 3 && Taps + Outputs >= 3 && (Outputs == 2 || Taps > 1), "what there are points for");
  const Lanes d0 = d[0], d1 = d[step];
  if constexpr (Outputs == 4) {
    const Lanes d2 = d[2 * step], d3 = d[3 * step];
    if constexpr (Taps == 3) {
      const Lanes d4 = d[4 * step], d5 = d[5 * step];
      const Lanes a = d3 - 4.0f * d1, b = d4 - 4.0f * d2;
      const Lanes e = d4 + 0.5f * (d3 - d2), f = 2.0f * d3 + (d2 - d1);
      v[0] = (d0 - 0.25f * d2) + (0.5f * b + 0.25f * a);
      v[step] = 0.5f * a - b;
      v[2 * step] = (d5 - 4.0f * d3) + 0.5f * (b - a);
      v[3 * step] = e + f;
      v[4 * step] = -a - b;
      v[5 * step] = e - f;
    } else {
      const Lanes d4 = d[4 * step];
      v[0] = (d0 + d3) - 1.5f * (d1 + d2);
      v[step] = 2.5f * d2 - (d1 + d3);
      v[2 * step] = (d1 + d4) - 1.5f * (d2 + d3);
      v[3 * step] = 2.0f * d3 + (d2 - d1);
      v[4 * step] = 2.0f * d1 + (d2 - d3);
    }
  } else if constexpr (Taps == 3) {
    const Lanes d2 = d[2 * step], d3 = d[3 * step];
    v[0] = d0 - d2;
    v[step] = d1 + d2;
    v[2 * step] = d1 - d3;
    v[3 * step] = d2 - d1;
  } else {
    v[0] = d0 - d1;
    v[step] = d1;
    if constexpr (Taps == 2) v[2 * step] = d1 - d[2 * step];
  }
}

// g holds a whole window's room, of which the first `Taps` are read.
template <int Outputs, int Taps>
ZOO_INLINE void filter(const Lanes* g, int step, Lanes* u) {
  const Lanes g0 = g[0];
  u[0] = g0;
  if constexpr (Taps == 3) {
    const Lanes g1 = g[step], g2 = g[2 * step];
    if constexpr (Outputs == 4) {
      const Lanes even = g0 + 4.0f * g2, odd = 2.0f * g1;
      u[step] = ((g0 + g2) - g1) * (2.0f / 9);
      u[2 * step] = g2;
      u[3 * step] = (even + odd) * (1.0f / 36);
      u[4 * step] = ((4.0f * g0 + g2) + odd) * (1.0f / 90);
      u[5 * step] = (even - odd) * (1.0f / 20);
    } else {
      const Lanes even = (g0 + g2) * 0.5f, odd = g1 * 0.5f;
      u[step] = even + odd;
      u[2 * step] = g2;
      u[3 * step] = even - odd;
    }
  } else if constexpr (Taps == 2) {
    const Lanes g1 = g[step];
    if constexpr (Outputs == 4) {
      u[step] = (g0 - g1) * (2.0f / 9);
      u[2 * step] = g1;
      u[3 * step] = (g0 + 2.0f * g1) * (1.0f / 18);
      u[4 * step] = (2.0f * g0 + g1) * (1.0f / 18);
    } else {
      u[step] = g0 + g1;
      u[2 * step] = g1;
    }
  } else {
    u[step] = g0;
  }
}

// The results of `Points` products, in place.
template <int Outputs, int Points>
ZOO_INLINE void result(Lanes* m, int step) {
  if constexpr (Outputs == 4) {
    const Lanes m1 = m[step], m3 = m[3 * step];
    Lanes even = m3, odd = 2.0f * m3;
    if constexpr (Points > 5) {
      even += m[5 * step];
      odd -= 2.0f * m[5 * step];
    }
    const Lanes m4 = m[4 * step], last = m[2 * step];
    m[0] = (m[0] + m1) + even + 8.0f * m4;
    m[step] = (odd - m1) + 4.0f * m4;
    m[2 * step] = (m1 + 4.0f * even) + 2.0f * m4;
    m[3 * step] = (last - m1) + 4.0f * odd + m4;
  } else {
    Lanes y0 = m[0] + m[step], y1 = m[step];
    if constexpr (Points > 2) y1 -= m[2 * step];
    if constexpr (Points > 3) {
      y0 += m[3 * step];
      y1 -= m[3 * step];
    }
    m[0] = y0;
    m[step] = y1;
  }
}

// The transpose of `result`: what the gradient of a result is multiplied with, of that many gradients, in place.
template <int Outputs, int Points>
ZOO_INLINE void result_backward(Lanes* g, int step) {
  const Lanes g0 = g[0], g1 = g[step];
  if constexpr (Outputs == 4) {
    const Lanes g2 = g[2 * step], g3 = g[3 * step];
    const Lanes even = g0 + 4.0f * g2, odd = 2.0f * (g1 + 4.0f * g3);
    g[step] = (g0 + g2) - (g1 + g3);
    g[2 * step] = g3;
    g[3 * step] = even + odd;
    g[4 * step] = 2.0f * (4.0f * g0 + g2) + (4.0f * g1 + g3);
    if constexpr (Points > 5) g[5 * step] = even - odd;
  } else {
    g[step] = g0 + g1;
    if constexpr (Points > 2) g[2 * step] = -g1;
    if constexpr (Points > 3) g[3 * step] = g0 - g1;
  }
}

// The transpose of `filter`: the gradient of the taps, in place.
template <int Outputs, int Taps>
ZOO_INLINE void filter_backward(Lanes* u, int step) {
  const Lanes u1 = u[step];
  if constexpr (Taps == 3) {
    const Lanes u2 = u[2 * step], u3 = u[3 * step];
    if constexpr (Outputs == 4) {
      const Lanes a = u1 * (2.0f / 9), b = u3 * (1.0f / 36), c = u[4 * step] * (1.0f / 90), d = u[5 * step] * (1.0f / 20);
      u[0] += a + (b + d) + 4.0f * c;
      u[step] = 2.0f * (c + (b - d)) - a;
      u[2 * step] = (u2 + a) + 4.0f * (b + d) + c;
    } else {
      const Lanes even = (u1 + u3) * 0.5f, odd = (u1 - u3) * 0.5f;
      u[0] += even;
      u[step] = odd;
      u[2 * step] = u2 + even;
    }
  } else if constexpr (Outputs == 4) {
    const Lanes a = u1 * (2.0f / 9), b = u[3 * step] * (1.0f / 18), c = u[4 * step] * (1.0f / 18);
    u[0] += (a + b) + 2.0f * c;
    u[step] = (u[2 * step] - a) + 2.0f * b + c;
  } else {
    u[0] += u1;
    if constexpr (Taps == 2) u[step] = u1 + u[2 * step];
  }
}

}  // namespace
}  // namespace zoo
