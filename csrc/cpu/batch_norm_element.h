// One vector of elements in each of the passes of batch_norm_act, whatever the layout.
//
// `Fused` says activation, order and slope: known to the compiler in the cases that matter for speed, fields otherwise.
#pragma once

#include "vector.h"
#include "vector_math.h"
#include "../formulas.h"
#include "kernels.h"

namespace zoo {
namespace {

template <class T>
struct AnyFusion {
  int activation, order;
  T slope;
};

template <class T, int A>
struct NormAct {
  static constexpr int activation = A, order = kNormAct;
  T slope;
};

// What the statistics are of.
template <class T, class Fused>
ZOO_INLINE vec<T> normalised_value(const Fused& f, vec<T> x) {
  return f.order == kActNorm ? activate(x, f.activation, f.slope) : x;
}

template <class T, class Fused>
ZOO_INLINE vec<T> forward_value(const Fused& f, vec<T> x, vec<T> center, vec<T> scale, vec<T> shift) {
  const vec<T> z = (normalised_value<T>(f, x) - center) * scale + shift;
  return f.order == kNormAct ? activate(z, f.activation, f.slope) : z;
}

// The gradient behind the normalisation, and the distance of what was normalised from the center.
template <class T>
struct Behind {
  vec<T> gradient, distance;
};

template <class T, class Fused>
ZOO_INLINE Behind<T> behind(const Fused& f, vec<T> g, vec<T> x, vec<T> center, vec<T> scale, vec<T> shift) {
  const vec<T> distance = normalised_value<T>(f, x) - center;
  if (f.order == kNormAct) g = activate_backward(g, distance * scale + shift, f.activation, f.slope);
  return {g, distance};
}

template <class T, class Fused>
ZOO_INLINE vec<T> backward_value(
    const Fused& f, vec<T> g, vec<T> x, vec<T> center, vec<T> scale, vec<T> shift, vec<T> slope, vec<T> offset) {
  const Behind<T> b = behind<T>(f, g, x, center, scale, shift);
  const vec<T> d = b.gradient * scale + (b.distance * slope + offset);
  return f.order == kActNorm ? activate_backward(d, x, f.activation, f.slope) : d;
}

// Calls body with the fusion as a type. Only float32 and bfloat16, which train networks, get code of their own.
template <class S, class F>
ZOO_INLINE void with_fusion(const Fusion& fusion, const F& body) {
  using T = compute_t<S>;
  const T slope = T(fusion.slope);
  if (sizeof(T) == 4 && fusion.order == kNormAct) {
    if (fusion.activation == kIdentity) return body(NormAct<T, kIdentity>{slope});
    if (fusion.activation == kRelu) return body(NormAct<T, kRelu>{slope});
    if (fusion.activation == kLeakyRelu) return body(NormAct<T, kLeakyRelu>{slope});
  }
  body(AnyFusion<T>{fusion.activation, fusion.order, slope});
}

}  // namespace
}  // namespace zoo
