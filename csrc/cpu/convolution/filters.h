// The weights of a convolution, transformed for the products: once per call, for all tiles.
#pragma once

#include "tiles.h"
#include "../simd/transpose.h"

namespace zoo {
namespace {

constexpr int kLargestKernel = 5;
constexpr int64_t kRun = 16;  // of depth: as far as one goes along the weights before going to other columns

// The weights as one of the sums over channels sees them: `columns` results of `depth` terms each.
struct Taps {
  const float* data;
  int kernel;
  int64_t depth, columns, depth_step, column_step, row_step, tap_step;
};

// A vector of columns, of which `count` exist, and a run of depth, as [depth][tap][column]. The weights lie with either the
// taps or one kind of channels together.
ZOO_INLINE void stage_taps(const Taps& t, int64_t column, int64_t count, int64_t from, int64_t length, float* to) {
  const int64_t taps = t.kernel * t.kernel, row = taps * lanes<float>;
  const float* base = t.data + column * t.column_step + from * t.depth_step;
  if (t.column_step != 1 && t.tap_step == 1) {
    if (t.depth_step == taps) return transpose_in(base, t.column_step, count, length * taps, to, lanes<float>);
    for (int64_t d = 0; d < length; ++d) {
      transpose_in(base + d * t.depth_step, t.column_step, count, taps, to + d * row, lanes<float>);
    }
    return;
  }
  for (int64_t tap = 0; tap < taps; ++tap) {
    const float* place = base + tap / t.kernel * t.row_step + tap % t.kernel * t.tap_step;
    if (t.column_step == 1) {
      for (int64_t d = 0; d < length; ++d) store(to + d * row + tap * lanes<float>, load(place + d * t.depth_step, count));
    } else {
      transpose_in(place, t.column_step, count, length, to + tap * lanes<float>, row);
    }
  }
}

// Transformed weights: for each product panels of columns, [panel][phase][depth][column in panel].
template <class Rows, class Columns>
struct Filters {
  using P = Products<Rows, Columns>;
  float* data;
  int64_t depth, columns;  // a vector at least, and in whole vectors; what is not there is 0

  static int64_t floats(int64_t depth, int64_t columns) { return P::total * depth * columns; }
  float* panel(int q, int64_t column) const { return data + (P::before(q) * columns + P::phases(q) * column) * depth; }
  int64_t width(int64_t column) const { return at_most(columns - column, kPanel); }
};

// Transforms what stage_taps has staged.
template <class Rows, class Columns>
ZOO_INLINE void transform_staged(
    const Filters<Rows, Columns>& to, const Axis& rows, const Axis& columns, int kernel, const float* staged,
    int64_t column, int64_t from, int64_t length) {
  using P = Products<Rows, Columns>;
  const int64_t panel = column / kPanel * kPanel, width = to.width(panel), row = kernel * kernel * lanes<float>;
  each<Rows::phases>([&](auto r) ZOO_LAMBDA {
    each<Columns::phases>([&](auto s) ZOO_LAMBDA {
      constexpr int R = decltype(r)::value, S = decltype(s)::value;
      constexpr int down = Rows::window(R), across = Columns::window(S);
      struct {
        const float* from[Rows::taps[R]][Columns::taps[S]];
        float* to[down][across];
      } p;
      for (int a = 0; a < Rows::taps[R]; ++a) {
        for (int b = 0; b < Columns::taps[S]; ++b) {
          const int64_t i = rows.tap_origin[R] + a * rows.tap_step, j = columns.tap_origin[S] + b * columns.tap_step;
          p.from[a][b] = staged + (i * kernel + j) * lanes<float>;
        }
      }
      for (int a = 0; a < down; ++a) {
        for (int b = 0; b < across; ++b) {
          const int q = a * Columns::points + b;
          p.to[a][b] = to.panel(q, panel) + (P::phase(q, R, S) * to.depth + from) * width + column - panel;
        }
      }
      for (int64_t d = 0; d < length; ++d) {
        Lanes g[down][across], u[down][across];
        for (int b = 0; b < Columns::taps[S]; ++b) {
          for (int a = 0; a < Rows::taps[R]; ++a) g[a][b] = load(p.from[a][b] + d * row);
          filter<Rows::outputs, Rows::taps[R]>(&g[0][b], across, &u[0][b]);
        }
        for (int a = 0; a < down; ++a) {
          filter<Columns::outputs, Columns::taps[S]>(&u[a][0], 1, &g[a][0]);
          for (int b = 0; b < across; ++b) store(p.to[a][b] + d * width, g[a][b]);
        }
      }
    });
  });
}

// Stages all weights, a vector of columns and a run of depth at a time, and calls body(staged, column, depth, length).
template <class F>
ZOO_INLINE void staged_taps(const Taps& taps, const F& body) {
  const int64_t depth = whole_vector(taps.depth), runs = ceil_divide(depth, kRun);
  parallel(ceil_divide(taps.columns, lanes<float>) * runs, 4, [&](int64_t begin, int64_t end) {
    float staged[kRun * kLargestKernel * kLargestKernel * lanes<float>];
    for (int64_t item = begin; item < end; ++item) {
      const int64_t column = item / runs * lanes<float>, from = item % runs * kRun;
      const int64_t length = at_most(kRun, depth - from), there = at_most(length, at_least(taps.depth - from, 0));
      stage_taps(taps, column, at_most(taps.columns - column, lanes<float>), from, there, staged);
      const int64_t row = taps.kernel * taps.kernel * lanes<float>;
      for (int64_t i = there * row; i < length * row; ++i) staged[i] = 0;
      body(staged, column, from, length);
    }
  });
}

}  // namespace
}  // namespace zoo
