// Products in bfloat16 by the vectors of the instruction set: a sum takes two products of float32 where the tiles take a pair.
#pragma once

#include "pairs.h"

namespace zoo {
namespace {

// The lower and the upper numbers of pairs, in float32.
ZOO_INLINE vec<float> lower(u32x pairs) { return bits_as<vec<float>>(pairs << 16); }
ZOO_INLINE vec<float> upper(u32x pairs) { return bits_as<vec<float>>(pairs & 0xffff0000u); }

ZOO_SHARED void multiply_block(const Product& p, const uint16_t* const* tiles, float* c) {
  constexpr int64_t rows = 4, vectors = 2, width = vectors * lanes<float>;
  for (int64_t row = 0; row < kTile; row += rows) {
    for (int64_t column = 0; column < kTile; column += width) {
      vec<float> sums[rows][vectors];
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t v = 0; v < vectors; ++v) {
          const float* place = c + (row + r) * kTile + column + v * lanes<float>;
          sums[r][v] = p.clears ? vec<float>{} : load(place);
        }
      }
      for (int64_t step = 0; step < p.steps; ++step) {
        const uint16_t* left = tiles[row / 16] + row % 16 * p.a_row + p.places[step];
        for (int64_t pair = 0; pair < kTile / 2; ++pair) {
          vec<float> low[vectors], high[vectors];
          for (int64_t v = 0; v < vectors; ++v) {
            const int64_t at = column + v * lanes<float>;
            u32x b;
            __builtin_memcpy(
                &b, p.b + step * kTileSquare + at / 16 * (kTileSquare / 2) + pair * 32 + at % 16 * 2, sizeof(b));
            low[v] = lower(b);
            high[v] = upper(b);
          }
          for (int64_t r = 0; r < rows; ++r) {
            uint32_t both;
            __builtin_memcpy(&both, left + r * p.a_row + 2 * pair, sizeof(both));
            const vec<float> first = fill(bits_as<float>(both << 16)), second = fill(bits_as<float>(both & 0xffff0000u));
            for (int64_t v = 0; v < vectors; ++v) sums[r][v] += first * low[v] + second * high[v];
          }
        }
      }
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t v = 0; v < vectors; ++v) store(c + (row + r) * kTile + column + v * lanes<float>, sums[r][v]);
      }
    }
  }
}

inline void multiply_by_vectors(const Product& p) {
  for (int64_t block = 0; block < p.blocks; ++block) multiply_block(p, p.tiles + 2 * block, p.c + block * kTileSquare);
}

inline void nothing() {}

ZOO_INLINE Multiplier multiplier_of(const ConvolutionBFloat16& c) {
  return c.multiplier ? *c.multiplier : Multiplier{nothing, nothing, multiply_by_vectors};
}

}  // namespace
}  // namespace zoo
