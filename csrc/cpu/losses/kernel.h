// One side of a loss in one pass over its logits: loss, gradient and statistics.
#pragma once

#include "arguments.h"
#include "../runtime/parallel.h"
#include "../simd/vector_math.h"
#include "../../formulas.h"

namespace zoo {
namespace {

constexpr int64_t kLossChunk = 16384;

template <class S>
void loss_side(LossSide& a) {
  using T = compute_t<S>;
  const S* logits = static_cast<const S*>(a.logits);
  S* gradient = static_cast<S*>(a.gradient);
  const T factor = T(a.scale / double(a.count)), threshold = T(a.threshold);
  const T target_a = T(a.a), target_b = T(a.b), target_c = T(a.c);
  const int64_t chunks = (a.count + kLossChunk - 1) / kLossChunk;
  double* parts = static_cast<double*>(scratch(4 * chunks * int64_t(sizeof(double))));
  parallel(chunks, 2, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const int64_t stop = (chunk + 1) * kLossChunk < a.count ? (chunk + 1) * kLossChunk : a.count;
      const vec<T> zero{}, one = zero + 1;
      vec<T> loss{}, d_of_x{}, above{}, below{};  // NaN is neither
      for (int64_t i = chunk * kLossChunk; i < stop; i += lanes<T>) {
        const int64_t left = stop - i;
        const vec<T> x = load(logits + i, left);
        const LossTerm<vec<T>> term = a.discriminator ? discriminator_term(x, a.real, a.kind, target_a, target_b)
                                                      : generator_term(x, a.kind, target_c);
        store(gradient + i, term.gradient * factor, left);
        loss += first_lanes<T>(term.loss, left);
        d_of_x += first_lanes<T>(term.d_of_x, left);
        above += first_lanes<T>(x > threshold ? one : zero, left);
        below += first_lanes<T>(x <= threshold ? one : zero, left);
      }
      parts[4 * chunk] = sum_lanes<T>(loss);
      parts[4 * chunk + 1] = sum_lanes<T>(d_of_x);
      parts[4 * chunk + 2] = sum_lanes<T>(above);
      parts[4 * chunk + 3] = sum_lanes<T>(below);
    }
  });
  for (int j = 0; j < 4; ++j) {
    a.sums[j] = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) a.sums[j] += parts[4 * chunk + j];
  }
}

template <class S>
void scaled_copy(const ScaledCopy& a) {
  using T = compute_t<S>;
  const S* from = static_cast<const S*>(a.from);
  S* to = static_cast<S*>(a.to);
  const T factor = T(a.factor);
  parallel(a.count, kLossChunk, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += lanes<T>) {
      const int64_t left = end - i;
      store(to + i, load(from + i, left) * factor, left);
    }
  });
}

}  // namespace
}  // namespace zoo
