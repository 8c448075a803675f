// The arithmetic of one element, shared by the CPU and the CUDA kernels.
//
// Everything is a template over V: a number (float, double), or in the CPU kernels a vector of numbers (GCC's vector
// extension), for which arithmetic, comparison and ?: read the same. What differs, exp, log1p and tanh, is an overload:
// cpu/simd/vector_math.h brings those for vectors and is included before this header.
//
// zoo/ops/reference.py is the specification; kinds.h numbers activations, orders and losses.
#pragma once

#include <math.h>

#include "inline.h"
#include "kinds.h"

namespace zoo {

ZOO_INLINE float exp_of(float x) { return expf(x); }
ZOO_INLINE double exp_of(double x) { return ::exp(x); }
ZOO_INLINE float log1p_of(float x) { return log1pf(x); }
ZOO_INLINE double log1p_of(double x) { return ::log1p(x); }
ZOO_INLINE float tanh_of(float x) { return tanhf(x); }
ZOO_INLINE double tanh_of(double x) { return ::tanh(x); }

// Zero for negative x; NaN stays NaN.
template <class V>
ZOO_INLINE V positive_part(V x) {
  const V zero{};
  return x < 0 ? zero : x;
}

// A leaky ReLU of slope 0 arrives as Activation::relu: slope * -inf would be NaN.
template <class V, class T>
ZOO_INLINE V activate(V x, Activation activation, T slope) {
  if (activation == Activation::leaky_relu) return x < 0 ? x * slope : x;
  if (activation == Activation::relu) return positive_part(x);
  if (activation == Activation::tanh) return tanh_of(x);
  return x;
}

// The gradient before the activation, from the gradient behind it and the activation's argument.
template <class V, class T>
ZOO_INLINE V activate_backward(V gradient, V argument, Activation activation, T slope) {
  const V zero{};
  if (activation == Activation::leaky_relu) return argument > 0 ? gradient : gradient * slope;
  if (activation == Activation::relu) return argument <= 0 ? zero : gradient;
  if (activation == Activation::tanh) {
    const V y = tanh_of(argument);
    return gradient * (1 - y * y);
  }
  return gradient;
}

// The same from the activation's result, which has the argument's sign.
template <class V, class T>
ZOO_INLINE V activate_backward_from_result(V gradient, V result, Activation activation, T slope) {
  if (activation == Activation::tanh) return gradient * (1 - result * result);
  return activate_backward(gradient, result, activation, slope);
}

// What one logit adds: to the loss (before the mean), its gradient, and D(.) for the log.
template <class V>
struct LossTerm {
  V loss, gradient, d_of_x;
};

// softplus(x), its derivative sigmoid(x), and sigmoid(-x), from one exponential that cannot overflow.
template <class V>
struct Softplus {
  V value, sigmoid, complement;
};

template <class V>
ZOO_INLINE Softplus<V> softplus(V x) {
  const V e = exp_of(x < 0 ? x : -x);
  const V larger = 1 / (1 + e), smaller = e * larger;
  return {positive_part(x) + log1p_of(e), x < 0 ? smaller : larger, x < 0 ? larger : smaller};
}

template <class V, class T>
ZOO_INLINE LossTerm<V> discriminator_term(V x, bool real, Loss kind, T a, T b) {
  if (kind == Loss::non_saturating || kind == Loss::minimax) {
    const Softplus<V> s = softplus(real ? -x : x);
    return real ? LossTerm<V>{s.value, -s.sigmoid, s.complement} : LossTerm<V>{s.value, s.sigmoid, s.sigmoid};
  }
  if (kind == Loss::least_squares) {
    const V distance = x - (real ? b : a);
    return {T(0.5) * distance * distance, distance, x};
  }
  const V zero{}, one = zero + 1;
  if (kind == Loss::hinge) {
    const V margin = real ? 1 - x : 1 + x;
    return {positive_part(margin), margin <= 0 ? zero : (real ? -one : one), x};
  }
  return {real ? -x : x, real ? -one : one, x};
}

template <class V, class T>
ZOO_INLINE LossTerm<V> generator_term(V x, Loss kind, T c) {
  if (kind == Loss::non_saturating) {
    const Softplus<V> s = softplus(-x);
    return {s.value, -s.sigmoid, s.complement};
  }
  if (kind == Loss::minimax) {
    const Softplus<V> s = softplus(x);
    return {-s.value, -s.sigmoid, s.sigmoid};
  }
  if (kind == Loss::least_squares) {
    const V distance = x - c;
    return {T(0.5) * distance * distance, distance, x};
  }
  const V one = V{} + 1;
  return {-x, -one, x};
}

}  // namespace zoo
