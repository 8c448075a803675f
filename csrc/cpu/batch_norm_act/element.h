// One vector of elements in each of the passes of batch_norm_act, whatever the layout.
//
// `Fused` says activation, order and slope: known to the compiler in the cases that matter for speed, fields otherwise.
#pragma once

#include "../simd/vector.h"
#include "../simd/vector_math.h"
#include "../../formulas.h"
#include "arguments.h"

namespace zoo {
namespace {

template <class T>
struct AnyFusion {
  Activation activation;
  Order order;
  T slope;
};

template <class T, Activation A>
struct NormAct {
  static constexpr Activation activation = A;
  static constexpr Order order = Order::norm_act;
  T slope;
};

// What the statistics are of.
template <class T, class Fused>
ZOO_INLINE vec<T> normalised_value(const Fused& f, vec<T> x) {
  return f.order == Order::act_norm ? activate(x, f.activation, f.slope) : x;
}

template <class T, class Fused>
ZOO_INLINE vec<T> forward_value(const Fused& f, vec<T> x, vec<T> center, vec<T> scale, vec<T> shift) {
  const vec<T> z = (normalised_value<T>(f, x) - center) * scale + shift;
  return f.order == Order::norm_act ? activate(z, f.activation, f.slope) : z;
}

// The gradient behind the normalisation, and the distance of what was normalised from the center.
template <class T>
struct Behind {
  vec<T> gradient, distance;
};

template <class T, class Fused>
ZOO_INLINE Behind<T> behind(const Fused& f, vec<T> g, vec<T> x, vec<T> center, vec<T> scale, vec<T> shift) {
  const vec<T> distance = normalised_value<T>(f, x) - center;
  if (f.order == Order::norm_act) g = activate_backward(g, distance * scale + shift, f.activation, f.slope);
  return {g, distance};
}

template <class T, class Fused>
ZOO_INLINE vec<T> backward_value(
    const Fused& f, vec<T> g, vec<T> x, vec<T> center, vec<T> scale, vec<T> shift, vec<T> slope, vec<T> offset) {
  const Behind<T> b = behind<T>(f, g, x, center, scale, shift);
  const vec<T> d = b.gradient * scale + (b.distance * slope + offset);
  return f.order == Order::act_norm ? activate_backward(d, x, f.activation, f.slope) : d;
}

// The same where nothing but what is normalised counts, which an activation behind it does not change: one code for all of those.
template <class T, Activation A>
ZOO_INLINE NormAct<T, Activation::identity> before(const NormAct<T, A>&) {
  return {};
}

template <class T>
ZOO_INLINE AnyFusion<T> before(const AnyFusion<T>& f) {
  return f;
}

// Calls body with the fusion as a type. Only float32 and bfloat16, which train networks on a CPU, get code of their own.
template <class S, class F>
ZOO_INLINE void with_fusion(const Fusion& fusion, const F& body) {
  using T = compute_t<S>;
  const T slope = T(fusion.slope);
  if (sizeof(T) == 4 && !std::is_same_v<S, float16> && fusion.order == Order::norm_act) {
    if (fusion.activation == Activation::identity) return body(NormAct<T, Activation::identity>{slope});
    if (fusion.activation == Activation::relu) return body(NormAct<T, Activation::relu>{slope});
    if (fusion.activation == Activation::leaky_relu) return body(NormAct<T, Activation::leaky_relu>{slope});
  }
  body(AnyFusion<T>{fusion.activation, fusion.order, slope});
}

}  // namespace
}  // namespace zoo
