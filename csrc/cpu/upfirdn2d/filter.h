// Which pixels of a row, or rows of an image, a filter meets, and their weighted sums.
//
// Of the filter's taps, those that lie on inserted zeros add nothing: with up = 2, every other one. What is left of it depends on
// where in the upsampled image the result lies, and is called a phase.
#pragma once

#include "arguments.h"
#include "../simd/walk.h"

namespace zoo {
namespace {

ZOO_INLINE int64_t ceiling(int64_t a, int64_t b) { return a > 0 ? (a + b - 1) / b : -(-a / b); }
ZOO_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
ZOO_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

// The pixels [first, first + count) and their weights.
template <class T>
struct Window {
  int64_t first, count;
  const T* weights;
};

template <class T>
struct Filter {
  int64_t up, down;
  int taps;
  T weights[kMostTaps];  // phase by phase
  int begin[kMostTaps + 1];

  explicit Filter(const Upfirdn2d& a) : up(a.up), down(a.down), taps(a.taps) {
    int next = 0;
    for (int phase = 0; phase < taps; ++phase) {
      begin[phase] = next;
      if (phase >= up) continue;
      for (int64_t tap = phase; tap < taps; tap += up) weights[next++] = T(a.filter[tap]);
    }
    begin[taps] = next;
  }

  int64_t longest() const { return ceiling(taps, up); }

  // Of result o, in an image that begins `origin` zeros later; with pixels that do not exist.
  Window<T> window(int64_t o, int64_t origin) const {
    const int64_t start = o * down - origin, first = ceiling(start, up), phase = first * up - start;
    if (phase >= taps) return {first, 0, weights};
    return {first, ceiling(taps - phase, up), weights + begin[phase]};
  }

  // The same, none where it lies outside of the image as a whole.
  Window<T> window(int64_t o, int64_t origin, int64_t size) const {
    const Window<T> w = window(o, origin);
    return w.first + w.count <= 0 || w.first >= size ? Window<T>{0, 0, weights} : w;
  }
};

// Calls body with the number of terms as a constant, or with 0 for any other number than the usual ones.
template <class F>
ZOO_INLINE void with_count(int64_t count, const F& body) {
  if (count == 1) return body(Constant<1>{});
  if (count == 2) return body(Constant<2>{});
  if (count == 3) return body(Constant<3>{});
  if (count == 4) return body(Constant<4>{});
  body(Constant<0>{});
}

// sum over t of weights[t] * from[t * step]; the number of terms is known, or 0.
template <int Known, class S, class Values, class T = compute_t<S>>
ZOO_INLINE vec<T> weighted(const S* from, int64_t step, int64_t count, const T* weights, Values values) {
  vec<T> sum{};
  if constexpr (Known > 0) count = Known;
  for (int64_t t = 0; t < count; ++t) sum += load(from + t * step, values) * weights[t];
  return sum;
}

// A row of the image filtered from top to bottom, `length` numbers of it. Long, and the same for every activation.
template <class S, class T = compute_t<S>>
ZOO_SHARED void filter_rows(const S* image, int64_t height, int64_t length, Window<T> w, T* to) {
  const int64_t skipped = most(-w.first, 0), count = least(w.count, height - w.first) - skipped;
  const S* const from = image + (w.first + skipped) * length;
  const T* const weights = w.weights + skipped;
  if (count <= 0) {
    for (int64_t i = 0; i < length; ++i) to[i] = 0;
    return;
  }
  with_count(count, [=](auto known) ZOO_LAMBDA {
    along_plane<T>(0, length, [=](int64_t i, auto values) ZOO_LAMBDA {
      store(to + i, weighted<decltype(known)::value>(from + i, length, count, weights, values), values);
    });
  });
}

}  // namespace
}  // namespace zoo
