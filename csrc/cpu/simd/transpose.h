// Matrices of which one direction lies together in memory and the other is wanted together.
#pragma once

#include "vector.h"

namespace zoo {
namespace {

// Element j is that of a where j has not the bit `Bit`, else that of b, `Bit` to the left; or the other way round.
template <bool Second, int Bit>
ZOO_INLINE vec<float> exchange(vec<float> a, vec<float> b) {
  constexpr auto index = [](int j) {
    const int n = lanes<float>;
    return Second ? (j & Bit ? n + j : j + Bit) : (j & Bit ? n + j - Bit : j);
  };
  i32x order;
  for (int j = 0; j < lanes<float>; ++j) order[j] = index(j);
#if defined(__clang__)
  vec<float> result;
  for (int j = 0; j < lanes<float>; ++j) result[j] = order[j] < lanes<float> ? a[order[j]] : b[order[j] - lanes<float>];
  return result;
#else
  return __builtin_shuffle(a, b, order);
#endif
}

template <int Bit = 1>
ZOO_INLINE void transpose_square(vec<float>* rows) {
#pragma GCC unroll 16
  for (int i = 0; i < lanes<float>; ++i) {
    if (i & Bit) continue;
    const vec<float> a = rows[i], b = rows[i + Bit];
    rows[i] = exchange<false, Bit>(a, b);
    rows[i + Bit] = exchange<true, Bit>(a, b);
  }
  if constexpr (2 * Bit < lanes<float>) transpose_square<2 * Bit>(rows);
}

// to[i * to_step + row] = from[row * step + i] for a vector of rows, of which `count` exist (the others are 0), i < length.
inline void transpose_in(const float* from, int64_t step, int64_t count, int64_t length, float* to, int64_t to_step) {
  for (int64_t at = 0; at < length; at += lanes<float>) {
    const int64_t left = length - at;
    vec<float> rows[lanes<float>];
    if (count >= lanes<float> && left >= lanes<float>) {
#pragma GCC unroll 16
      for (int i = 0; i < lanes<float>; ++i) rows[i] = load(from + i * step + at);
    } else {
      for (int i = 0; i < lanes<float>; ++i) rows[i] = i < count ? load(from + i * step + at, left) : vec<float>{};
    }
    transpose_square(rows);
    for (int i = 0; i < lanes<float> && i < left; ++i) store(to + (at + i) * to_step, rows[i]);
  }
}

// The way back: to[row * step + i] = from[i * from_step + row] for the `count` rows that exist.
inline void transpose_out(const float* from, int64_t from_step, float* to, int64_t step, int64_t count, int64_t length) {
  for (int64_t at = 0; at < length; at += lanes<float>) {
    const int64_t left = length - at;
    vec<float> rows[lanes<float>];
    for (int i = 0; i < lanes<float>; ++i) rows[i] = i < left ? load(from + (at + i) * from_step) : vec<float>{};
    transpose_square(rows);
    for (int i = 0; i < lanes<float> && i < count; ++i) store(to + i * step + at, rows[i], left);
  }
}

}  // namespace
}  // namespace zoo
