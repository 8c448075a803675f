// upfirdn2d in nhwc and nchw: row by row of the result, first the filter from top to bottom, into a row of the compute type that
// stays in the nearest cache, then from left to right. Passes over memory: read x, write y.
#pragma once

#include "filter.h"
#include "../batch_norm_act/per_channel.h"
#include "../bias_act/kernel.h"
#include "../runtime/parallel.h"
#include "../simd/nontemporal.h"

namespace zoo {
namespace {

// The row between the two filters, with as many zeros before and after it as a filter can reach, and room for a whole vector.
template <class T>
struct PaddedRow {
  int64_t border, length;  // in numbers

  PaddedRow(const Filter<T>& filter, int64_t width, int64_t inner)
      : border(filter.longest() * inner), length(width * inner) {}
  int64_t floats() const { return 2 * border + length + lanes<T>; }
  T* cleared(T* memory) const {
    for (int64_t i = 0; i < floats(); ++i) memory[i] = 0;
    return memory + border;
  }
};

// Left to right in nhwc: each pixel of the result is a sum of neighbouring pixels, all channels at once.
template <class S, class Act, class T = compute_t<S>>
ZOO_INLINE void filter_columns_nhwc(
    const Upfirdn2d& a, const Act f, const T* row, const Window<T>* windows, const T* bias, bool nontemporal, S* y) {
  const int64_t channels = a.channels;
  for (int64_t o = 0; o < a.y_width; ++o) {
    const Window<T> w = windows[o];
    const T* const from = row + w.first * channels;
    S* const to = y + o * channels;
    with_count(w.count, [=](auto known) ZOO_LAMBDA {
      along_plane<T>(0, channels, [=](int64_t c, auto values) ZOO_LAMBDA {
        const Constant<lanes<T>> whole{};  // there is room after the row
        const vec<T> sum = weighted<decltype(known)::value>(from + c, channels, w.count, w.weights, whole);
        put(nontemporal, to + c, activate(sum + load(bias + c, whole), f.kind, f.slope), values);
      });
    });
  }
}

// Left to right in nchw. Every `together`-th result has the same phase, and its pixels lie `apart` pixels further on: phase by
// phase the results are sums of vectors, of a row whose pixels lie in as many rows as they are taken apart.
template <class T>
struct Phases {
  int64_t together, apart;

  explicit Phases(const Filter<T>& filter) : together(filter.up), apart(filter.down) {
    int64_t a = filter.up, b = filter.down;
    while (b) {
      const int64_t rest = a % b;
      a = b;
      b = rest;
    }
    together /= a;
    apart /= a;
  }
};

template <class T>
ZOO_SHARED void filter_columns_nchw(
    const Upfirdn2d& a, const Filter<T>& filter, const Phases<T>& phases, const PaddedRow<T>& padded, const T* row,
    T* apart, T* results) {
  const int64_t reach = filter.longest(), pixels = a.width + 2 * reach;
  const int64_t part = pixels / phases.apart + 1 + lanes<T>;  // of the pixels that are taken apart
  const T* const all = row - padded.border;
  if (phases.apart > 1) {
    for (int64_t r = 0; r < phases.apart; ++r) {
      T* const to = apart + r * part;
      int64_t k = 0;
      for (int64_t i = r; i < pixels; i += phases.apart) to[k++] = all[i];
    }
  }
  for (int64_t p = 0; p < phases.together; ++p) {
    const int64_t total = (a.y_width - p + phases.together - 1) / phases.together;
    const Window<T> w = filter.window(p, a.left);
    // Result m of this phase begins at pixel w.first + m * apart: those with any pixel at all are from `first` on.
    const int64_t first = least(most(ceiling(-w.first - reach, phases.apart), 0), total);
    const int64_t last = w.count ? most(least(ceiling(a.width - w.first, phases.apart), total), first) : first;
    const auto result = [=](int64_t m) ZOO_LAMBDA -> T& { return results[m * phases.together + p]; };
    for (int64_t m = 0; m < first; ++m) result(m) = 0;
    for (int64_t m = last; m < total; ++m) result(m) = 0;
    const int64_t begin = w.first + first * phases.apart + reach;  // 0 is the first zero of the border
    for (int64_t m = 0; m < last - first; m += lanes<T>) {
      vec<T> sum{};
      for (int64_t t = 0; t < w.count; ++t) {
        const int64_t at = begin + t;
        const T* const from = phases.apart == 1 ? all + at + m : apart + at % phases.apart * part + at / phases.apart + m;
        sum += load(from) * w.weights[t];
      }
      const int64_t count = least(last - first - m, lanes<T>);
      for (int64_t i = 0; i < count; ++i) result(first + m + i) = sum[i];
    }
  }
}

template <class S, class Act, class T = compute_t<S>>
void upfirdn2d_nhwc(const Upfirdn2d& a, const Act f, const Filter<T>& filter, const S* x, S* y) {
  const PaddedRow<T> padded(filter, a.width, a.channels);
  // Once for all rows: the windows of the columns, and the bias with room for a whole vector.
  const int64_t table = a.y_width * int64_t(sizeof(Window<T>));
  auto* const windows =
      static_cast<Window<T>*>(scratch(table + (a.channels + lanes<T>)*int64_t(sizeof(T)), kWeightScratch));
  T* const bias = reinterpret_cast<T*>(windows + a.y_width);
  for (int64_t o = 0; o < a.y_width; ++o) windows[o] = filter.window(o, a.left, a.width);
  for (int64_t c = 0; c < a.channels + lanes<T>; ++c) bias[c] = c < a.channels ? T(read(a.bias, c, 0)) : T(0);
  const int64_t length = a.width * a.channels, y_length = a.y_width * a.channels;
  const bool nontemporal = use_nontemporal(y, a.batch * a.y_height * y_length, a.channels);
  parallel(a.batch * a.y_height, 1 + kPlaneGrain / (y_length + 1), [&](int64_t begin, int64_t end) {
    T* const row = padded.cleared(static_cast<T*>(scratch(padded.floats() * int64_t(sizeof(T)))));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / a.y_height;
      filter_rows(x + image * a.height * length, a.height, length, filter.window(i % a.y_height, a.top, a.height), row);
      filter_columns_nhwc(a, f, row, windows, bias, nontemporal, y + i * y_length);
    }
    finish_nontemporal();
  });
}

template <class S, class Act, class T = compute_t<S>>
void upfirdn2d_nchw(const Upfirdn2d& a, const Act f, const Filter<T>& filter, const S* x, S* y) {
  const PaddedRow<T> padded(filter, a.width, 1);
  const Phases<T> phases(filter);
  const int64_t taken_apart = padded.floats() + phases.apart * (2 + lanes<T>);
  const int64_t planes = a.batch * a.channels;
  const bool nontemporal = use_nontemporal(y, planes * a.y_height * a.y_width, a.y_width);
  parallel(planes * a.y_height, 1 + kPlaneGrain / (a.y_width + 1), [&](int64_t begin, int64_t end) {
    const int64_t floats = padded.floats() + taken_apart + a.y_width + lanes<T>;
    T* const row = padded.cleared(static_cast<T*>(scratch(floats * int64_t(sizeof(T)))));
    T *const apart = row - padded.border + padded.floats(), *const results = apart + taken_apart;
    for (int64_t i = 0; i < taken_apart; ++i) apart[i] = 0;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t plane = i / a.y_height;
      filter_rows(x + plane * a.height * a.width, a.height, a.width, filter.window(i % a.y_height, a.top, a.height), row);
      filter_columns_nchw(a, filter, phases, padded, row, apart, results);
      const vec<T> bias = fill(T(read(a.bias, plane % a.channels, 0)));
      S* const to = y + i * a.y_width;
      along_plane<T>(0, a.y_width, [=](int64_t o, auto values) ZOO_LAMBDA {
        const Constant<lanes<T>> whole{};
        put(nontemporal, to + o, activate(load(results + o, whole) + bias, f.kind, f.slope), values);
      });
    }
    finish_nontemporal();
  });
}

template <class S>
void upfirdn2d(const Upfirdn2d& a) {
  using T = compute_t<S>;
  const Filter<T> filter(a);
  const S* const x = static_cast<const S*>(a.x);
  S* const y = static_cast<S*>(a.y);
  const auto run = [&](auto f) { a.nhwc ? upfirdn2d_nhwc(a, f, filter, x, y) : upfirdn2d_nchw(a, f, filter, x, y); };
  // Most have none. A filter's sums take longer than asking which activation it is: code for each is not worth compiling.
  if (a.activation == Activation::identity) return run(Known<T, Activation::identity>{T(0)});
  run(Any<T>{a.activation, T(a.slope)});
}

}  // namespace
}  // namespace zoo
