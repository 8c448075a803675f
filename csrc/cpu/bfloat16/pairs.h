// Matrices in the order in which products in bfloat16 take them.
#pragma once

#include "../simd/transpose.h"
#include "window.h"

namespace zoo {
namespace {

// Two rows of numbers as one of pairs: a's is the lower half.
ZOO_INLINE u32x pairs_of(u16x a, u16x b) {
  return __builtin_convertvector(a, u32x) | __builtin_convertvector(b, u32x) << 16;
}

ZOO_INLINE u16x load_numbers(const uint16_t* from) {
  u16x result;
  __builtin_memcpy(&result, from, sizeof(result));
  return result;
}

ZOO_INLINE u16x load_numbers(const bfloat16* from) { return load_numbers(&from->bits); }
ZOO_INLINE u16x load_numbers(const float* from) { return narrow(bfloat16{}, load(from)); }

// The first n, the others are 0.
template <class T>
ZOO_INLINE u16x load_numbers(const T* from, int64_t n) {
  if (n >= lanes<float>) return load_numbers(from);
  T some[lanes<float>] = {};
  for (int64_t i = 0; i < n; ++i) some[i] = from[i];
  return load_numbers(some);
}

ZOO_INLINE void store_pairs(uint16_t* to, u32x pairs) { __builtin_memcpy(to, &pairs, sizeof(pairs)); }

// A step of a Product's b, [tile][pair][column][2], from 32 rows of 32 columns, `step` apart.
ZOO_INLINE void pack_pairs(const uint16_t* from, int64_t step, uint16_t* to) {
  for (int64_t pair = 0; pair < kTile / 2; ++pair, from += 2 * step) {
    for (int64_t column = 0; column < kTile; column += lanes<float>) {
      uint16_t* place = to + (column / 16) * (kTileSquare / 2) + pair * 32 + column % 16 * 2;
      store_pairs(place, pairs_of(load_numbers(from + column), load_numbers(from + step + column)));
    }
  }
}

// The same from 32 rows, `step` apart, which are the columns.
ZOO_INLINE void pack_pairs_across(const uint16_t* from, int64_t step, uint16_t* to) {
  constexpr int64_t some = lanes<float>;
  for (int64_t column = 0; column < kTile; column += some) {
    for (int64_t pair = 0; pair < kTile / 2; pair += some) {
      vec<float> pairs[some];
      for (int64_t i = 0; i < some; ++i)
        __builtin_memcpy(&pairs[i], from + (column + i) * step + 2 * pair, sizeof(pairs[i]));
      transpose_square(pairs);
      uint16_t* place = to + (column / 16) * (kTileSquare / 2) + column % 16 * 2;
      for (int64_t i = 0; i < some; ++i) store_pairs(place + (pair + i) * 32, bits_as<u32x>(pairs[i]));
    }
  }
}

// [column][row]: a block of a Product's a of which the rows are the `columns` columns of 32 rows, of which there are `rows`.
ZOO_INLINE void pack_transposed(const uint16_t* from, int64_t step, int64_t rows, int64_t columns, uint16_t* to) {
  constexpr int64_t some = lanes<float>;
  for (int64_t column = 0; column < kTile; column += some) {
    for (int64_t row = 0; row < kTile; row += 2 * some) {
      vec<float> pairs[some];
      for (int64_t i = 0; i < some; ++i) {
        const int64_t r = row + 2 * i;
        const uint16_t* place = from + r * step + column;
        const u16x a = r < rows ? load_numbers(place, columns - column) : u16x{};
        const u16x b = r + 1 < rows ? load_numbers(place + step, columns - column) : u16x{};
        pairs[i] = bits_as<vec<float>>(pairs_of(a, b));
      }
      transpose_square(pairs);
      for (int64_t i = 0; i < some; ++i) store_pairs(to + (column + i) * kTile + row, bits_as<u32x>(pairs[i]));
    }
  }
}

}  // namespace
}  // namespace zoo
