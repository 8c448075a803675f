// Vectors of the width that the including file asks for (ZOO_VECTOR_BYTES), and how each storage type gets in and out.
//
// Everything here is static: the same source is compiled once per instruction set, and no copy may leak into another.
#pragma once

#include <stdint.h>

#include "../../inline.h"

// After a lambda's parameters; without it some compilers call it per vector.
#define ZOO_LAMBDA __attribute__((always_inline))

namespace zoo {
namespace {

struct bfloat16 {
  uint16_t bits;
};
struct float16 {
  uint16_t bits;
};

// What a storage type is computed in: float for all but double.
template <class S>
struct Compute {
  using type = float;
};
template <>
struct Compute<double> {
  using type = double;
};
template <class S>
using compute_t = typename Compute<S>::type;

template <class T>
struct Vector {
  static constexpr int lanes = ZOO_VECTOR_BYTES / sizeof(T);
  typedef T type __attribute__((vector_size(ZOO_VECTOR_BYTES)));
};
template <class T>
using vec = typename Vector<T>::type;
template <class T>
constexpr int lanes = Vector<T>::lanes;

typedef uint16_t u16x __attribute__((vector_size(ZOO_VECTOR_BYTES / 2)));
typedef uint32_t u32x __attribute__((vector_size(ZOO_VECTOR_BYTES)));
typedef int32_t i32x __attribute__((vector_size(ZOO_VECTOR_BYTES)));
typedef int64_t i64x __attribute__((vector_size(ZOO_VECTOR_BYTES)));

template <class To, class From>
ZOO_INLINE To bits_as(From value) {
  static_assert(sizeof(To) == sizeof(From), "same size");
  To result;
  __builtin_memcpy(&result, &value, sizeof(result));
  return result;
}

template <class T>
ZOO_INLINE vec<T> fill(T value) {
  return vec<T>{} + value;
}

// --- widening and rounding (to nearest, ties to even) -------------------------------------------------------------

ZOO_INLINE vec<float> widen(bfloat16, u16x raw) { return bits_as<vec<float>>(__builtin_convertvector(raw, u32x) << 16); }

ZOO_INLINE u16x narrow(bfloat16, vec<float> x) {
  const u32x bits = bits_as<u32x>(x);
  const u32x rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
  const u32x result = x == x ? rounded : bits | 0x400000u;
  return __builtin_convertvector(result >> 16, u16x);
}

ZOO_INLINE vec<float> widen(float16, u16x raw) {
  const u32x h = __builtin_convertvector(raw, u32x), magnitude = h & 0x7fffu;
  const u32x normal = (magnitude << 13) + (112u << 23), infinite = (magnitude << 13) | 0x7f800000u;
  const vec<float> subnormal = __builtin_convertvector(bits_as<i32x>(magnitude), vec<float>) * 0x1p-24f;
  u32x bits = magnitude >= 0x7c00u ? infinite : normal;
  bits = magnitude < 0x400u ? bits_as<u32x>(subnormal) : bits;
  return bits_as<vec<float>>(bits | ((h & 0x8000u) << 16));
}

ZOO_INLINE u16x narrow(float16, vec<float> x) {
  const u32x bits = bits_as<u32x>(x), magnitude = bits & 0x7fffffffu;
  u32x h = ((magnitude + 0xfffu + ((magnitude >> 13) & 1u)) >> 13) - (112u << 10);
  // Adding 0.5 leaves the multiple of 2^-24 in the low bits, rounded by the hardware.
  const u32x subnormal = bits_as<u32x>(bits_as<vec<float>>(magnitude) + 0.5f) - 0x3f000000u;
  h = magnitude < 0x38800000u ? subnormal : h;
  h = magnitude >= 0x47800000u ? u32x{} + 0x7c00u : h;
  h = magnitude > 0x7f800000u ? u32x{} + 0x7e00u : h;
  return __builtin_convertvector(h | ((bits >> 16) & 0x8000u), u16x);
}

// --- loading and storing: n elements, the lanes beyond are 0 --------------------------------------------------------

template <class T>
ZOO_INLINE vec<T> load_whole(const T* from) {
  vec<T> result;
  __builtin_memcpy(&result, from, sizeof(result));
  return result;
}

template <class S>
ZOO_INLINE vec<float> load_short(const S* from) {
  u16x raw;
  __builtin_memcpy(&raw, from, sizeof(raw));
  return widen(S{}, raw);
}

template <class S>
ZOO_INLINE void store_short(S* to, vec<float> value) {
  const u16x raw = narrow(S{}, value);
  __builtin_memcpy(to, &raw, sizeof(raw));
}

ZOO_INLINE vec<float> load(const float* from) { return load_whole(from); }
ZOO_INLINE vec<double> load(const double* from) { return load_whole(from); }
ZOO_INLINE void store(float* to, vec<float> value) { __builtin_memcpy(to, &value, sizeof(value)); }
ZOO_INLINE void store(double* to, vec<double> value) { __builtin_memcpy(to, &value, sizeof(value)); }
ZOO_INLINE vec<float> load(const bfloat16* from) { return load_short(from); }
ZOO_INLINE vec<float> load(const float16* from) { return load_short(from); }
ZOO_INLINE void store(bfloat16* to, vec<float> value) { store_short(to, value); }
ZOO_INLINE void store(float16* to, vec<float> value) { store_short(to, value); }

template <class S>
ZOO_INLINE vec<compute_t<S>> load_part(const S* from, int n) {
  S buffer[lanes<compute_t<S>>] = {};
  for (int i = 0; i < n; ++i) buffer[i] = from[i];
  return load(buffer);
}

template <class S>
ZOO_INLINE void store_part(S* to, vec<compute_t<S>> value, int n) {
  S buffer[lanes<compute_t<S>>];
  store(buffer, value);
  for (int i = 0; i < n; ++i) to[i] = buffer[i];
}

template <int N>
struct Constant {
  static constexpr int value = N;
};

// A whole vector says so with a Constant: loops over whole vectors then hold no trace of the partial ones.
template <class S, int N>
ZOO_INLINE vec<compute_t<S>> load(const S* from, Constant<N>) {
  static_assert(N == lanes<compute_t<S>>, "a whole vector");
  return load(from);
}

template <class S, int N>
ZOO_INLINE void store(S* to, vec<compute_t<S>> value, Constant<N>) {
  static_assert(N == lanes<compute_t<S>>, "a whole vector");
  store(to, value);
}

template <class S>
ZOO_INLINE vec<compute_t<S>> load(const S* from, int64_t n) {
  return n >= lanes<compute_t<S>> ? load(from) : load_part(from, int(n));
}

template <class S>
ZOO_INLINE void store(S* to, vec<compute_t<S>> value, int64_t n) {
  if (n >= lanes<compute_t<S>>) store(to, value);
  else store_part(to, value, int(n));
}

// The lanes of x that count: the first n; the others are 0 (NaN included).
template <class T>
ZOO_INLINE vec<T> first_lanes(vec<T> x, int64_t n) {
  if (n >= lanes<T>) return x;
  T buffer[lanes<T>] = {};
  T values[lanes<T>];
  store(values, x);
  for (int i = 0; i < n; ++i) buffer[i] = values[i];
  return load(buffer);
}

template <class T, int N>
ZOO_INLINE vec<T> first_lanes(vec<T> x, Constant<N>) {
  return x;
}

// A whole vector at the end of a stretch, of which only the last `fresh` lanes were not in the vector before it: cheaper
// than the rest lane by lane. What is stored twice is stored with the same value.
struct Overlapping {
  int fresh;
};

template <class S>
ZOO_INLINE vec<compute_t<S>> load(const S* from, Overlapping) {
  return load(from);
}

template <class S>
ZOO_INLINE void store(S* to, vec<compute_t<S>> value, Overlapping) {
  store(to, value);
}

template <class T>
struct ZerosThenOnes {
  T values[2 * lanes<T>] = {};
  constexpr ZerosThenOnes() {
    for (int i = lanes<T>; i < 2 * lanes<T>; ++i) values[i] = T(1);
  }
};
template <class T>
constexpr ZerosThenOnes<T> zeros_then_ones;

// The fresh lanes; the others are 0.
template <class T>
ZOO_INLINE vec<T> first_lanes(vec<T> x, Overlapping last) {
  return load(zeros_then_ones<T>.values + last.fresh) > vec<T>{} ? x : vec<T>{};
}

// In a fixed order, in double: sums of sums must not be what loses precision.
template <class T>
ZOO_INLINE double sum_lanes(vec<T> x) {
  double sum = 0;
  for (int i = 0; i < lanes<T>; ++i) sum += x[i];
  return sum;
}

}  // namespace
}  // namespace zoo
