// Products of small matrices whose operands are in a cache, with the result's tile in registers. `b` is a panel: rows as
// wide as the tile, one after the other. Each element of a result is the same sum in the same order, whatever the tile.
#pragma once

#include "../simd/vector.h"

namespace zoo {
namespace {

constexpr int kTileRows = ZOO_VECTOR_BYTES == 64 ? 14 : 6;  // two vectors each: with what is loaded, all registers
constexpr int kTileVectors = 2;
constexpr int64_t kPanel = kTileVectors * lanes<float>;

// x - 0 is x for every x, which compilers know; 0 + x is not.
ZOO_INLINE vec<float> broadcast(float value) { return value - vec<float>{}; }

// The operands of a product of matrices c = a b or c += a b, where a is `blocks` matrices side by side.
struct Product {
  const float* a;  // [row][p] of a block is at row * a_row + p, or at p * a_row + row where it lies transposed
  int64_t a_row, a_block;
  int64_t blocks, depth;  // p < depth in each block
  const float* b;         // rows of a tile's width, one after the other for all blocks
  int64_t b_row;
  float* c;
  int64_t c_row;
  bool add;
  const float* ahead =
      nullptr;  // what is wanted next, brought nearer meanwhile: a line every `ahead_row` for each row of b
  int64_t ahead_row = 0;
};

template <int Rows, int Vectors, bool Transposed, bool Ahead>
void tile_product(const Product& t) {
  vec<float> sum[Rows][Vectors] = {};
  const float *a = t.a, *b = t.b, *ahead = t.ahead;
  const int64_t a_row = t.a_row, b_row = t.b_row, ahead_row = t.ahead_row;
  if (t.add) {
    for (int r = 0; r < Rows; ++r) {
      for (int v = 0; v < Vectors; ++v) __builtin_prefetch(t.c + r * t.c_row + v * lanes<float>, 1);
    }
  }
  for (int64_t block = 0; block < t.blocks; ++block, a += t.a_block) {
    for (int64_t p = 0; p < t.depth; ++p, b += b_row) {
      if constexpr (Ahead) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += ahead_row;
      }
      vec<float> row[Vectors];
      for (int v = 0; v < Vectors; ++v) row[v] = load(b + v * lanes<float>);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const vec<float> factor = broadcast(Transposed ? a[p * a_row + r] : a[r * a_row + p]);
        for (int v = 0; v < Vectors; ++v) sum[r][v] += factor * row[v];
      }
    }
  }
  if (t.add) {
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      for (int v = 0; v < Vectors; ++v) sum[r][v] += load(t.c + r * t.c_row + v * lanes<float>);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) store(t.c + r * t.c_row + v * lanes<float>, sum[r][v]);
  }
}

using TileProduct = void (*)(const Product&);

// tile_product for every number of rows that a tile can have, of one vector and of two. Those of one have no time for a load more.
struct TileProducts {
  TileProduct table[3][2][kTileRows];  // [plain, transposed, plain with what is ahead][vectors - 1][rows - 1]
  template <int Rows = 1>
  constexpr void fill_in() {
    table[0][0][Rows - 1] = table[2][0][Rows - 1] = tile_product<Rows, 1, false, false>;
    table[0][1][Rows - 1] = tile_product<Rows, 2, false, false>;
    table[1][0][Rows - 1] = tile_product<Rows, 1, true, false>;
    table[1][1][Rows - 1] = tile_product<Rows, 2, true, false>;
    table[2][1][Rows - 1] = tile_product<Rows, 2, false, true>;
    if constexpr (Rows < kTileRows) fill_in<Rows + 1>();
  }
  constexpr TileProducts() : table() { fill_in(); }
};
constexpr TileProducts kTileProducts;

// The product for `rows` rows of c and one panel of b, `width` columns wide: kPanel, or one vector. The tiles are as even as
// can be, so that none is left with a row or two, and in the order of the rows. Each of them brings its share of `ahead`, which
// is as much as b, into L2.
template <bool Transposed>
ZOO_INLINE void panel_product(Product t, int64_t rows, int64_t width) {
  const int64_t parts = (rows + kTileRows - 1) / kTileRows;
  const float *const a = t.a, *const ahead = t.ahead;
  float* const c = t.c;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t begin = rows * part / parts, end = rows * (part + 1) / parts;
    t.a = a + (Transposed ? begin : begin * t.a_row);
    t.c = c + begin * t.c_row;
    if (ahead) {
      t.ahead_row = width / parts;
      t.ahead = ahead + part * (t.depth * t.blocks * t.ahead_row);
    }
    kTileProducts.table[Transposed ? 1 : ahead ? 2 : 0][width / lanes<float> - 1][end - begin - 1](t);
  }
}

// Long sums are cut: the sum of sums of this many terms loses less than one long sum does.
constexpr int64_t kLongestSum = 256;

// c = a b for one panel of b: a[row * a_row + p], b[p * width + column]. `onwards`: what follows it in memory is wanted next.
ZOO_INLINE void panel_product(
    const float* a, int64_t a_row, int64_t rows, const float* b, int64_t width, int64_t depth, float* c, int64_t c_row,
    int64_t longest = kLongestSum, bool onwards = false) {
  for (int64_t p = 0; p < depth; p += longest) {
    const int64_t terms = depth - p < longest ? depth - p : longest;
    panel_product<false>(
        {a + p, a_row, 0, 1, terms, b + p * width, width, c, c_row, p > 0, onwards ? b + (p + terms) * width : nullptr},
        rows, width);
  }
}

}  // namespace
}  // namespace zoo
