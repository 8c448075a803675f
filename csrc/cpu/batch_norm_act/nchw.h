// batch_norm_act in nchw: contiguous images, memory [image][channel][position].
//
// Passes over memory: a channel's planes are read for its statistics and at once again, backwards, to be normalised: where
// they fit in a core's L2 (up to some 256 KiB, 64 images of 32 × 32), memory is read once and written once; in the backward
// pass x and dy are read once and dx written once.
#pragma once

#include "element.h"
#include "per_channel.h"
#include "../runtime/parallel.h"
#include "../simd/nontemporal.h"
#include "../simd/walk.h"

namespace zoo {
namespace {

constexpr int64_t kPlaneBlock = 4096;  // values per sum in T before it goes into a sum in double

// One channel of one group: `images` planes, `stride` apart.
struct Planes {
  int64_t images, stride, positions;
};

template <class S, class Fused, class T = compute_t<S>>
ZOO_SHARED void plane_moments(const Fused& f, const S* x, const Planes& p, double& mean, double& squares) {
  const int64_t few = p.positions < lanes<T> ? p.positions : lanes<T>;
  T center = T(sum_lanes<T>(first_lanes<T>(normalised_value<T>(f, load(x, few)), few)) / double(few));
  double count = 0;
  mean = squares = 0;
  for (int64_t n = 0; n < p.images;) {
    // Three accumulators hide the latency of the additions.
    vec<T> sum[3] = {}, square[3] = {};
    int64_t block = 0;
    for (; n < p.images && (block == 0 || block + p.positions <= kPlaneBlock); ++n, block += p.positions) {
      const S* plane = x + n * p.stride;
      int64_t i = 0;
      for (; i + 3 * lanes<T> <= p.positions; i += 3 * lanes<T>) {
        for (int j = 0; j < 3; ++j) {
          const vec<T> d = normalised_value<T>(f, load(plane + i + j * lanes<T>)) - center;
          sum[j] += d;
          square[j] += d * d;
        }
      }
      along_plane<T>(i, p.positions, [&](int64_t k, auto values) ZOO_LAMBDA {
        const vec<T> d = first_lanes<T>(normalised_value<T>(f, load(plane + k, values)) - center, values);
        sum[0] += d;
        square[0] += d * d;
      });
    }
    const double s = sum_lanes<T>(sum[0] + sum[1] + sum[2]), more = double(block);
    const double q = sum_lanes<T>(square[0] + square[1] + square[2]);
    join(count, mean, squares, more, double(center) + s / more, q - s * s / more);
    count += more;
    center = T(mean);
  }
}

template <class S, class Fused>
void nchw_forward(const BatchNormForward& a, const Fused& f) {
  using T = compute_t<S>;
  const int64_t channels = a.extent.channels, positions = a.extent.positions, images = a.extent.batch / a.groups;
  const Planes p{images, channels * positions, positions};
  const double count = double(images * positions);
  double* mean = static_cast<double*>(scratch(2 * a.groups * channels * int64_t(sizeof(double))));
  double* squares = mean + a.groups * channels;
  const bool nontemporal = use_nontemporal(static_cast<S*>(a.y), a.extent.batch * channels * positions, positions);

  const int64_t grain = 1 + 16384 / (images * positions + 1);
  parallel(a.groups * channels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t c = i % channels, at = (i / channels * images * channels + c) * positions;
      const S* x = static_cast<const S*>(a.x) + at;
      S* y = static_cast<S*>(a.y) + at;
      double invstd;
      if (a.training) {
        plane_moments(before(f), x, p, mean[i], squares[i]);
        invstd = inverse_deviation(squares[i], count, a.eps);
      } else {
        mean[i] = read(a.running_mean, c, 0);
        invstd = 1 / __builtin_sqrt(read(a.running_var, c, 1) + a.eps);
      }
      static_cast<T*>(a.mean)[i] = T(mean[i]);
      static_cast<T*>(a.invstd)[i] = T(invstd);
      const Affine<T> t = affine<T>(mean[i], invstd, read(a.weight, c, 1), read(a.bias, c, 0));
      const vec<T> center = fill(t.center), scale = fill(t.scale), shift = fill(t.shift);
      for (int64_t n = images - 1; n >= 0; --n) {
        const S* from = x + n * p.stride;
        S* to = y + n * p.stride;
        along_plane<T>(0, positions, [=](int64_t j, auto left) ZOO_LAMBDA {
          put(nontemporal, to + j, forward_value<T>(f, load(from + j, left), center, scale, shift), left);
        });
      }
    }
    finish_nontemporal();
  });
  if (a.training) update_running(a, mean, squares, channels, count);
}

template <class S, class Fused>
void nchw_backward(const BatchNormBackward& a, const Fused& f) {
  using T = compute_t<S>;
  const int64_t channels = a.extent.channels, positions = a.extent.positions, images = a.extent.batch / a.groups;
  const Planes p{images, channels * positions, positions};
  double* sum_weight = static_cast<double*>(scratch(2 * a.groups * channels * int64_t(sizeof(double))));
  double* sum_bias = sum_weight + a.groups * channels;
  const bool nontemporal = use_nontemporal(static_cast<S*>(a.dx), a.extent.batch * channels * positions, positions);

  const int64_t grain = 1 + 16384 / (images * positions + 1);
  parallel(a.groups * channels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t c = i % channels, at = (i / channels * images * channels + c) * positions;
      const S *g = static_cast<const S*>(a.gradient) + at, *x = static_cast<const S*>(a.x) + at;
      S* dx = static_cast<S*>(a.dx) + at;
      const double invstd = double(static_cast<const T*>(a.invstd)[i]), weight = read(a.weight, c, 1);
      const Affine<T> t = affine<T>(double(static_cast<const T*>(a.mean)[i]), invstd, weight, read(a.bias, c, 0));
      const vec<T> center = fill(t.center), scale = fill(t.scale), shift = fill(t.shift);

      double sum_g = 0, sum_gd = 0;
      for (int64_t n = 0; n < images;) {
        vec<T> sum{}, product{};
        for (int64_t block = 0; n < images && (block == 0 || block + positions <= kPlaneBlock); ++n, block += positions) {
          const S *from_g = g + n * p.stride, *from_x = x + n * p.stride;
          along_plane<T>(0, positions, [&](int64_t j, auto left) ZOO_LAMBDA {
            const Behind<T> e = behind<T>(f, load(from_g + j, left), load(from_x + j, left), center, scale, shift);
            sum += first_lanes<T>(e.gradient, left);
            product += first_lanes<T>(e.gradient * e.distance, left);
          });
        }
        sum_g += sum_lanes<T>(sum);
        sum_gd += sum_lanes<T>(product);
      }
      sum_weight[i] = sum_gd * invstd;
      sum_bias[i] = sum_g;

      const GradientAffine<T> u =
          gradient_affine<T>(a.training, invstd * weight, invstd, double(images * positions), sum_g, sum_gd);
      const vec<T> slope = fill(u.slope), offset = fill(u.offset);
      for (int64_t n = images - 1; n >= 0; --n) {
        const int64_t base = n * p.stride;
        along_plane<T>(0, positions, [=](int64_t j, auto left) ZOO_LAMBDA {
          const vec<T> d =
              backward_value<T>(f, load(g + base + j, left), load(x + base + j, left), center, scale, shift, slope, offset);
          put(nontemporal, dx + base + j, d, left);
        });
      }
    }
    finish_nontemporal();
  });

  for (int64_t c = 0; c < channels; ++c) {
    double weight = 0, bias = 0;
    for (int64_t g = 0; g < a.groups; ++g) {
      weight += sum_weight[g * channels + c];
      bias += sum_bias[g * channels + c];
    }
    write(a.dweight, c, weight);
    write(a.dbias, c, bias);
  }
}

}  // namespace
}  // namespace zoo
