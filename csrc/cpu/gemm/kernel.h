// Products of matrices as the dense layers of a GAN need them: one side is a batch, which stays in a cache, the other the
// weights or their gradient, which are read or written once, in the order in which they lie, and never copied. That is what
// such a layer waits for: in the midst of a step its weights are in no near cache.
#pragma once

#include "arguments.h"
#include "../convolution/tiles.h"
#include "tile.h"
#include "../runtime/parallel.h"
#include "../simd/transpose.h"

namespace zoo {
namespace {

constexpr int64_t kDepthBlock = 128;  // rows of b that the tiles of a block go through
constexpr int64_t kRowStrip = 32;     // rows of weights whose results wait to be laid the other way round; few, so that
                                      // threads get about as many each

// One panel of columns of y, for some rows and the terms [p, p + terms) of their sums.
ZOO_INLINE void gemm_panel(
    const Gemm& d, int64_t row, int64_t rows, int64_t column, int64_t width, int64_t p, int64_t terms) {
  const float* a = d.a + (d.a_transposed ? p * d.a_step + row : row * d.a_step + p);
  const Product t{a,         d.a_step, 0, 1, terms, d.b + p * d.b_step + column, d.b_step, d.y + row * d.columns + column,
                  d.columns, p > 0};
  d.a_transposed ? panel_product<true>(t, rows, width) : panel_product<false>(t, rows, width);
}

// b as it lies, [p][column].
void gemm_plain(const Gemm& d) {
  if (d.depth <= kLongestSum) {  // as for the gradient of weights: rows of y are written one strip after the other
    return parallel(ceil_divide(d.rows, kTileRows), 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin * kTileRows; row < at_most(end * kTileRows, d.rows); row += kTileRows) {
        for (int64_t column = 0; column < d.columns; column += kPanel) {
          gemm_panel(d, row, at_most(d.rows - row, kTileRows), column, at_most(d.columns - column, kPanel), 0, d.depth);
        }
      }
    });
  }
  parallel(ceil_divide(d.columns, kPanel), 1, [&](int64_t begin, int64_t end) {
    const int64_t last = at_most(end * kPanel, d.columns);
    for (int64_t p = 0; p < d.depth; p += kDepthBlock) {
      for (int64_t column = begin * kPanel; column < last; column += kPanel) {
        gemm_panel(d, 0, d.rows, column, at_most(last - column, kPanel), p, at_most(d.depth - p, kDepthBlock));
      }
    }
  });
}

// b as [column][p]: its rows meet the rows of a, which are laid across, in panels; so do their results lie, at first.
void gemm_across(const Gemm& d) {
  const int64_t panels = ceil_divide(d.rows, kPanel), size = d.depth * kPanel;
  float* const across = static_cast<float*>(scratch(panels * size * int64_t(sizeof(float)), kWeightScratch));
  parallel(panels * kTileVectors, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      const int64_t row = part * lanes<float>, left = at_least(d.rows - row, 0);
      float* const to = across + part / kTileVectors * size + part % kTileVectors * lanes<float>;
      transpose_in(d.a + (left ? row * d.a_step : 0), d.a_step, left, d.depth, to, kPanel);
    }
  });
  parallel(ceil_divide(d.columns, kRowStrip), 1, [&](int64_t begin, int64_t end) {
    float* const strip = static_cast<float*>(scratch(kRowStrip * kPanel * int64_t(sizeof(float)), kBlockScratch));
    for (int64_t first = begin * kRowStrip; first < at_most(end * kRowStrip, d.columns); first += kRowStrip) {
      const int64_t rows = at_most(d.columns - first, kRowStrip);
      for (int64_t panel = 0; panel < panels; ++panel) {
        panel_product(d.b + first * d.b_step, d.b_step, rows, across + panel * size, kPanel, d.depth, strip, kPanel);
        for (int64_t row = panel * kPanel; row < at_most((panel + 1) * kPanel, d.rows); row += lanes<float>) {
          transpose_out(strip + row % kPanel, kPanel, d.y + row * d.columns + first, d.columns, d.rows - row, rows);
        }
      }
    }
  });
}

void gemm(const Gemm& d) { d.across ? gemm_across(d) : gemm_plain(d); }

}  // namespace
}  // namespace zoo
