// bias_act in nhwc and nchw. Passes over memory: read x, write y; backward: read dy and y, write dx.
#pragma once

#include "arguments.h"
#include "../batch_norm_act/per_channel.h"
#include "../runtime/parallel.h"
#include "../simd/nontemporal.h"
#include "../simd/vector_math.h"
#include "../simd/walk.h"
#include "../../formulas.h"

namespace zoo {
namespace {

constexpr int64_t kRowBlock = 64, kPlaneGrain = 16384;

// The activation as a type where speed matters, so that no loop asks which it is; else a field.
template <class T, Activation A>
struct Known {
  static constexpr Activation kind = A;
  T slope;
};

template <class T>
struct Any {
  Activation kind;
  T slope;
};

template <class T, class F>
ZOO_INLINE void with_activation(Activation kind, double given, const F& body) {
  const T slope = T(given);
  if constexpr (sizeof(T) == 4) {
    if (kind == Activation::identity) return body(Known<T, Activation::identity>{slope});
    if (kind == Activation::relu) return body(Known<T, Activation::relu>{slope});
    if (kind == Activation::leaky_relu) return body(Known<T, Activation::leaky_relu>{slope});
    if (kind == Activation::tanh) return body(Known<T, Activation::tanh>{slope});
  }
  body(Any<T>{kind, slope});
}

// How many rows to look at as one, so that a row is a whole number of vectors: an image of 3 channels would otherwise be
// handled three values at a time.
template <class T>
ZOO_INLINE int64_t rows_to_merge(int64_t channels, int64_t rows) {
  int64_t merged = 1;
  while (channels * merged % lanes<T> != 0) merged *= 2;
  return merged <= rows && channels * merged <= 4096 ? merged : 1;
}

template <class S, class Act, class T = compute_t<S>>
void bias_nhwc_forward(const Act f, const S* x, S* y, int64_t rows, int64_t channels, const T* bias) {
  const Chunks chunks(rows, channels * int64_t(sizeof(S)));
  const bool nontemporal = use_nontemporal(y, rows * channels, channels);
  parallel(chunks.count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = chunks.begin(begin); row < chunks.end(end - 1); ++row) {
      const S* from = x + row * channels;
      S* to = y + row * channels;
      along<T>(channels, [=](int64_t c, auto values) ZOO_LAMBDA {
        put(nontemporal, to + c, activate(load(from + c, values) + load(bias + c, values), f.kind, f.slope), values);
      });
    }
    finish_nontemporal();
  });
}

template <class S, class Act, class T = compute_t<S>>
void bias_nchw_forward(const BiasForward& a, const Act f, const S* x, S* y) {
  const int64_t channels = a.extent.channels, positions = a.extent.positions, planes = a.extent.batch * channels;
  const bool nontemporal = use_nontemporal(y, planes * positions, positions);
  parallel(planes, 1 + kPlaneGrain / (positions + 1), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const vec<T> bias = fill(T(read(a.bias, plane % channels, 0)));
      const S* from = x + plane * positions;
      S* to = y + plane * positions;
      along_plane<T>(0, positions, [=](int64_t i, auto values) ZOO_LAMBDA {
        put(nontemporal, to + i, activate(load(from + i, values) + bias, f.kind, f.slope), values);
      });
    }
    finish_nontemporal();
  });
}

template <class S>
void bias_forward(const BiasForward& a) {
  using T = compute_t<S>;
  const Extent& e = a.extent;
  const S* x = static_cast<const S*>(a.x);
  S* y = static_cast<S*>(a.y);
  with_activation<T>(a.activation, a.slope, [&](auto f) {
    if (!e.nhwc) return bias_nchw_forward(a, f, x, y);
    const int64_t rows = e.batch * e.positions, merged = rows_to_merge<T>(e.channels, rows);
    const int64_t width = e.channels * merged, whole = rows / merged, done = whole * merged;
    T* bias = static_cast<T*>(scratch(width * int64_t(sizeof(T))));
    for (int64_t i = 0; i < width; ++i) bias[i] = T(read(a.bias, i % e.channels, 0));
    bias_nhwc_forward(f, x, y, whole, width, bias);
    bias_nhwc_forward(f, x + done * e.channels, y + done * e.channels, rows - done, e.channels, bias);
  });
}

// Adds the sums over rows to `sums` (channels), in double. A block of rows is walked by columns, whose sums then stay in
// registers; the block itself stays in the nearest cache.
template <class S, class Act, class T = compute_t<S>>
void bias_nhwc_backward(
    const Act f, const S* g, const S* y, S* dx, int64_t rows, int64_t channels, double* sums, double* parts) {
  const Chunks chunks(rows, channels * int64_t(2 * sizeof(S)));
  const bool nontemporal = use_nontemporal(dx, rows * channels, channels);
  parallel(chunks.count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      double* part = parts + chunk * channels;
      for (int64_t c = 0; c < channels; ++c) part[c] = 0;
      for (int64_t row = chunks.begin(chunk); row < chunks.end(chunk); row += kRowBlock) {
        const int64_t left = chunks.end(chunk) - row, count = left < kRowBlock ? left : kRowBlock;
        const S *from_g = g + row * channels, *from_y = y + row * channels;
        S* to = dx + row * channels;
        columns<T, 8>(channels, [=](int64_t c, auto vectors, auto values) ZOO_LAMBDA {
          constexpr int n = decltype(vectors)::value;
          vec<T> sum[n] = {};
          for (int64_t r = 0; r < count; ++r) {
            for (int j = 0; j < n; ++j) {
              const int64_t i = r * channels + c + j * lanes<T>;
              const vec<T> d =
                  activate_backward_from_result(load(from_g + i, values), load(from_y + i, values), f.kind, f.slope);
              put(nontemporal, to + i, d, values);
              sum[j] += d;
            }
          }
          for (int j = 0; j < n; ++j) {
            for (int k = 0; k < lanes<T> && c + j * lanes<T> + k < channels; ++k) {
              part[c + j * lanes<T> + k] += double(sum[j][k]);
            }
          }
        });
      }
    }
    finish_nontemporal();
  });
  for (int64_t chunk = 0; chunk < chunks.count; ++chunk) {
    for (int64_t c = 0; c < channels; ++c) sums[c] += parts[chunk * channels + c];
  }
}

// Walks memory in its order; each plane leaves its sum, which the channels then gather.
template <class S, class Act, class T = compute_t<S>>
void bias_nchw_backward(const BiasBackward& a, const Act f, const S* g, const S* y, S* dx) {
  const int64_t channels = a.extent.channels, positions = a.extent.positions, planes = a.extent.batch * channels;
  const bool nontemporal = use_nontemporal(dx, planes * positions, positions);
  double* sums = static_cast<double*>(scratch(planes * int64_t(sizeof(double))));
  parallel(planes, 1 + kPlaneGrain / (positions + 1), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const int64_t at = plane * positions;
      double total = 0;
      for (int64_t block = 0; block < positions; block += kPlaneGrain) {
        const int64_t left = positions - block;
        const S *from_g = g + at + block, *from_y = y + at + block;
        S* to = dx + at + block;
        vec<T> sum{};
        const int64_t length = left < kPlaneGrain ? left : kPlaneGrain;
        along_plane<T>(0, length, [=, &sum](int64_t i, auto values) ZOO_LAMBDA {
          const vec<T> d =
              activate_backward_from_result(load(from_g + i, values), load(from_y + i, values), f.kind, f.slope);
          put(nontemporal, to + i, d, values);
          sum += first_lanes<T>(d, values);
        });
        total += sum_lanes<T>(sum);
      }
      sums[plane] = total;
    }
    finish_nontemporal();
  });
  for (int64_t c = 0; c < channels; ++c) {
    double total = 0;
    for (int64_t plane = c; plane < planes; plane += channels) total += sums[plane];
    static_cast<T*>(a.dbias)[c] = T(total);
  }
}

template <class S>
void bias_backward(const BiasBackward& a) {
  using T = compute_t<S>;
  const Extent& e = a.extent;
  const S *g = static_cast<const S*>(a.gradient), *y = static_cast<const S*>(a.y);
  S* dx = static_cast<S*>(a.dx);
  with_activation<T>(a.activation, a.slope, [&](auto f) {
    if (!e.nhwc) return bias_nchw_backward(a, f, g, y, dx);
    const int64_t rows = e.batch * e.positions, merged = rows_to_merge<T>(e.channels, rows);
    const int64_t width = e.channels * merged, whole = rows / merged, done = whole * merged;
    double* sums = static_cast<double*>(scratch(width * int64_t(sizeof(double)) * (1 + kMostChunks)));
    for (int64_t c = 0; c < width; ++c) sums[c] = 0;
    bias_nhwc_backward(f, g, y, dx, whole, width, sums, sums + width);
    const int64_t at = done * e.channels;
    bias_nhwc_backward(f, g + at, y + at, dx + at, rows - done, e.channels, sums, sums + width);
    for (int64_t c = 0; c < e.channels; ++c) {
      for (int64_t m = 1; m < merged; ++m) sums[c] += sums[c + m * e.channels];
      static_cast<T*>(a.dbias)[c] = T(sums[c]);
    }
  });
}

}  // namespace
}  // namespace zoo
