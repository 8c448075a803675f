// exp, log1p and tanh of vectors, after Moshier's Cephes: 1 to 2 units in the last place in float. Double, which is for
// checking gradients rather than for training, goes through the standard library lane by lane.
#pragma once

#include "vector.h"

namespace zoo {
namespace {

ZOO_INLINE vec<float> exp_of(vec<float> x) {
  vec<float> c = x > 88.72f ? fill(88.72f) : x;
  c = c < -87.33f ? fill(-87.33f) : c;
  const vec<float> magic = fill(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number
  const vec<float> n = (c * 1.44269504088896341f + magic) - magic;
  const vec<float> r = (c - n * 0.693359375f) - n * -2.12194440e-4f;
  vec<float> p = fill(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  // 2^n in two factors, because n reaches 128
  const i32x whole = __builtin_convertvector(n, i32x), half = whole >> 1;
  const vec<float> result = p * bits_as<vec<float>>((half + 127) << 23) * bits_as<vec<float>>((whole - half + 127) << 23);
  const vec<float> high = x > 88.72f ? fill(__builtin_inff()) : result;
  const vec<float> both = x < -87.33f ? vec<float>{} : high;
  return x == x ? both : x;
}

// For 0 <= x <= 1, which is all that a softplus asks.
ZOO_INLINE vec<float> log1p_of(vec<float> x) {
  const vec<float> u = x + 1.0f;
  const vec<float> lost = x - (u - 1.0f);  // what rounding 1 + x dropped
  // u in [sqrt(1/2), sqrt(2)) times 1 or 2
  const vec<float> two = u > 1.41421356f ? fill(1.0f) : vec<float>{};
  const vec<float> t = (u > 1.41421356f ? u * 0.5f : u) - 1.0f;
  const vec<float> z = t * t;
  vec<float> p = fill(7.0376836292e-2f);
  p = p * t + -1.1514610310e-1f;
  p = p * t + 1.1676998740e-1f;
  p = p * t + -1.2420140846e-1f;
  p = p * t + 1.4249322787e-1f;
  p = p * t + -1.6668057665e-1f;
  p = p * t + 2.0000714765e-1f;
  p = p * t + -2.4999993993e-1f;
  p = p * t + 3.3333331174e-1f;
  vec<float> y = p * t * z - 0.5f * z + two * -2.12194440e-4f;
  return t + y + two * 0.693359375f + lost / u;
}

ZOO_INLINE vec<float> tanh_of(vec<float> x) {
  const vec<float> a = x < 0 ? -x : x;
  const vec<float> z = x * x;
  vec<float> p = fill(-5.70498872745e-3f);
  p = p * z + 2.06390887954e-2f;
  p = p * z + -5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z + -3.33332819422e-1f;
  const vec<float> near = p * z * x + x;
  const vec<float> far = 1.0f - 2.0f / (exp_of(a + a) + 1.0f);
  return a < 0.625f ? near : (x < 0 ? -far : far);
}

ZOO_INLINE vec<double> exp_of(vec<double> x) {
  for (int i = 0; i < lanes<double>; ++i) x[i] = __builtin_exp(x[i]);
  return x;
}

ZOO_INLINE vec<double> log1p_of(vec<double> x) {
  for (int i = 0; i < lanes<double>; ++i) x[i] = __builtin_log1p(x[i]);
  return x;
}

ZOO_INLINE vec<double> tanh_of(vec<double> x) {
  for (int i = 0; i < lanes<double>; ++i) x[i] = __builtin_tanh(x[i]);
  return x;
}

}  // namespace
}  // namespace zoo
