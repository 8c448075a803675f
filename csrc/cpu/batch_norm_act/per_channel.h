// What happens per channel between the passes over memory, in double.
#pragma once

#include "../simd/vector.h"
#include "arguments.h"

namespace zoo {
namespace {

ZOO_INLINE double read(const PerChannel& p, int64_t i, double otherwise) {
  if (!p.data) return otherwise;
  switch (p.storage) {
    case kFloat64: return static_cast<const double*>(p.data)[i];
    case kBFloat16: return load_part(static_cast<const bfloat16*>(p.data) + i, 1)[0];
    case kFloat16: return load_part(static_cast<const float16*>(p.data) + i, 1)[0];
    default: return static_cast<const float*>(p.data)[i];
  }
}

ZOO_INLINE void write(const PerChannel& p, int64_t i, double value) {
  if (!p.data) return;
  switch (p.storage) {
    case kFloat64: static_cast<double*>(p.data)[i] = value; break;
    case kBFloat16: store_part(static_cast<bfloat16*>(p.data) + i, fill(float(value)), 1); break;
    case kFloat16: store_part(static_cast<float16*>(p.data) + i, fill(float(value)), 1); break;
    default: static_cast<float*>(p.data)[i] = float(value);
  }
}

// Mean and sum of squared deviations of `count` values joined with those of `more`: Chan, Golub & LeVeque 1983. The first
// set of all joins count == 0.
ZOO_INLINE void join(double count, double& mean, double& squares, double more, double other_mean, double other_squares) {
  const double share = more / (count + more);
  const double delta = count > 0 ? other_mean - mean : 0;  // not times 0: an infinite mean would become NaN too early
  mean = count > 0 ? mean + delta * share : other_mean;
  squares = (count > 0 ? squares : 0) + other_squares + delta * delta * (count * share);
}

// normalised = (x - center) * scale + shift. What rounding the mean to T drops goes into the shift: with a mean of 1e4
// standard deviations it would be a visible offset.
template <class T>
struct Affine {
  T center, scale, shift;
};

template <class T>
ZOO_INLINE Affine<T> affine(double mean, double invstd, double weight, double bias) {
  const T center = T(mean);
  const double scale = invstd * weight;
  return {center, T(scale), T(bias - (mean - double(center)) * scale)};
}

ZOO_INLINE double inverse_deviation(double squares, double count, double eps) {
  const double var = squares < 0 ? 0 : squares / count;
  return 1 / __builtin_sqrt(var + eps);
}

// Every group's statistics in turn, exactly as separate passes would.
ZOO_INLINE void update_running(
    const BatchNormForward& a, const double* mean, const double* squares, int64_t stride, double count) {
  if (!a.running_mean.data) return;
  for (int64_t g = 0; g < a.groups; ++g) {
    for (int64_t c = 0; c < a.extent.channels; ++c) {
      const int64_t i = g * stride + c;
      const double var = (squares[i] < 0 ? 0 : squares[i]) / (count - 1);
      write(a.running_mean, c, (1 - a.momentum) * read(a.running_mean, c, 0) + a.momentum * mean[i]);
      write(a.running_var, c, (1 - a.momentum) * read(a.running_var, c, 0) + a.momentum * var);
    }
  }
}

// dx = gradient * scale + (x - center) * slope + offset, from the sums of the gradient and of gradient * (x - center).
template <class T>
struct GradientAffine {
  T slope, offset;
};

template <class T>
ZOO_INLINE GradientAffine<T> gradient_affine(
    bool training, double scale, double invstd, double count, double sum_g, double sum_gd) {
  if (!training) return {T(0), T(0)};
  return {T(-scale * invstd * invstd * sum_gd / count), T(-scale * sum_g / count)};
}

}  // namespace
}  // namespace zoo
