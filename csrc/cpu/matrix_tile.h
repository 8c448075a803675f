// Products of small matrices whose operands are in a cache, with the result's tile in registers. `b` is a panel: rows as
// wide as the tile, one after the other. Each element of a result is the same sum in the same order, whatever the tile.
#pragma once

#include "vector.h"

namespace zoo {
namespace {

constexpr int kTileRows = ZOO_VECTOR_BYTES == 64 ? 14 : 6;  // two vectors each: with what is loaded, all registers
constexpr int kTileVectors = 2;
constexpr int64_t kPanel = kTileVectors * lanes<float>;

// x - 0 is x for every x, which compilers know; 0 + x is not.
ZOO_INLINE vec<float> broadcast(float value) { return value - vec<float>{}; }

// c = a b, or c += a b: a[row * lda + p], or a[p * lda + row] if transposed; b[p][column], c[row * ldc + column].
template <int Rows, int Vectors, bool Transposed>
void tile_product(const float* a, int64_t lda, const float* b, int64_t depth, float* c, int64_t ldc, bool add) {
  vec<float> sum[Rows][Vectors] = {};
  for (int64_t p = 0; p < depth; ++p) {
    vec<float> row[Vectors];
    for (int v = 0; v < Vectors; ++v) row[v] = load(b + (p * Vectors + v) * lanes<float>);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const vec<float> factor = broadcast(Transposed ? a[p * lda + r] : a[r * lda + p]);
      for (int v = 0; v < Vectors; ++v) sum[r][v] += factor * row[v];
    }
  }
  if (add) {
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      for (int v = 0; v < Vectors; ++v) sum[r][v] += load(c + r * ldc + v * lanes<float>);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) store(c + r * ldc + v * lanes<float>, sum[r][v]);
  }
}

using TileProduct = void (*)(const float*, int64_t, const float*, int64_t, float*, int64_t, bool);

// tile_product for every number of rows that a tile can have, of one vector and of two.
struct TileProducts {
  TileProduct straight[2][kTileRows], transposed[2][kTileRows];
  template <int Rows = 1>
  constexpr void fill_in() {
    straight[0][Rows - 1] = tile_product<Rows, 1, false>;
    straight[1][Rows - 1] = tile_product<Rows, 2, false>;
    transposed[0][Rows - 1] = tile_product<Rows, 1, true>;
    transposed[1][Rows - 1] = tile_product<Rows, 2, true>;
    if constexpr (Rows < kTileRows) fill_in<Rows + 1>();
  }
  constexpr TileProducts() : straight(), transposed() { fill_in(); }
};
constexpr TileProducts kTileProducts;

// Calls body(first row, rows) for parts of `rows` that are as even as can be: none is left with a row or two.
template <class F>
ZOO_INLINE void tile_rows(int64_t rows, const F& body) {
  const int64_t parts = (rows + kTileRows - 1) / kTileRows;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t begin = rows * part / parts, end = rows * (part + 1) / parts;
    body(begin, end - begin);
  }
}

// Long sums are cut: the sum of sums of this many terms loses less than one long sum does.
constexpr int64_t kLongestSum = 256;

// c = a b for all rows of a and one panel of b, `width` columns wide: kPanel, or one vector.
ZOO_INLINE void panel_product(
    const float* a, int64_t lda, int64_t rows, const float* b, int64_t width, int64_t depth, float* c, int64_t ldc) {
  for (int64_t p = 0; p < depth; p += kLongestSum) {
    const int64_t terms = depth - p < kLongestSum ? depth - p : kLongestSum;
    tile_rows(rows, [&](int64_t begin, int64_t count) {
      kTileProducts.straight[width / lanes<float> - 1][count - 1](
          a + begin * lda + p, lda, b + p * width, terms, c + begin * ldc, ldc, p > 0);
    });
  }
}

// c = transposed(a) b, or c += .., for all columns of a, of which there are `rows`, and one panel of b.
ZOO_INLINE void panel_product_transposed(
    const float* a, int64_t lda, int64_t rows, const float* b, int64_t width, int64_t depth, float* c, int64_t ldc,
    bool add) {
  tile_rows(rows, [&](int64_t begin, int64_t count) {
    kTileProducts.transposed[width / lanes<float> - 1][count - 1](a + begin, lda, b, depth, c + begin * ldc, ldc, add);
  });
}

}  // namespace
}  // namespace zoo
