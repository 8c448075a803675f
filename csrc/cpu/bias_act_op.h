// bias_act on rows and planes. Passes over memory: read x, write y; backward: read dy and y, write dx.
#pragma once

#include "../formulas.h"
#include "batch_norm_math.h"
#include "parallel.h"
#include "vector_math.h"

namespace zoo {
namespace {

// How many rows to look at as one, so that a row is a whole number of vectors: an image of 3 channels would otherwise be
// handled three values at a time.
template <class T>
ZOO_INLINE int64_t rows_to_merge(int64_t channels, int64_t rows) {
  int64_t merged = 1;
  while (channels * merged % lanes<T> != 0) merged *= 2;
  return merged <= rows && channels * merged <= 4096 ? merged : 1;
}

template <class S, class T = compute_t<S>>
void bias_rows_forward(const BiasForward& a, const S* x, S* y, int64_t rows, int64_t channels, const T* bias) {
  const Chunks chunks(rows, channels * int64_t(sizeof(S)));
  const T slope = T(a.slope);
  parallel(chunks.count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = chunks.begin(begin); row < chunks.end(end - 1); ++row) {
      for (int64_t c = 0; c < channels; c += lanes<T>) {
        const int64_t i = row * channels + c, left = channels - c;
        store(y + i, activate(load(x + i, left) + load(bias + c, left), a.activation, slope), left);
      }
    }
  });
}

template <class S>
void bias_forward(const BiasForward& a) {
  using T = compute_t<S>;
  const Extent& e = a.extent;
  const S* x = static_cast<const S*>(a.x);
  S* y = static_cast<S*>(a.y);
  const T slope = T(a.slope);
  if (e.rows) {
    const int64_t rows = e.batch * e.positions, merged = rows_to_merge<T>(e.channels, rows);
    const int64_t width = e.channels * merged, whole = rows / merged, done = whole * merged;
    T* bias = static_cast<T*>(scratch(width * int64_t(sizeof(T))));
    for (int64_t i = 0; i < width; ++i) bias[i] = T(read(a.bias, i % e.channels, 0));
    bias_rows_forward(a, x, y, whole, width, bias);
    bias_rows_forward(a, x + done * e.channels, y + done * e.channels, rows - done, e.channels, bias);
    return;
  }
  parallel(e.batch * e.channels, 1 + 16384 / (e.positions + 1), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const vec<T> bias = fill(T(read(a.bias, plane % e.channels, 0)));
      for (int64_t i = 0; i < e.positions; i += lanes<T>) {
        const int64_t at = plane * e.positions + i, left = e.positions - i;
        store(y + at, activate(load(x + at, left) + bias, a.activation, slope), left);
      }
    }
  });
}

// Adds the sums over rows to `sums` (channels), in double.
template <class S, class T = compute_t<S>>
void bias_rows_backward(
    const BiasBackward& a, const S* g, const S* y, S* dx, int64_t rows, int64_t channels, double* sums, char* memory) {
  const Chunks chunks(rows, channels * int64_t(2 * sizeof(S)));
  const T slope = T(a.slope);
  const int64_t width = (channels + lanes<T> - 1) / lanes<T> * lanes<T>;
  T* parts = reinterpret_cast<T*>(memory);
  parallel(chunks.count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      T* part = parts + chunk * width;
      for (int64_t c = 0; c < width; ++c) part[c] = 0;
      for (int64_t row = chunks.begin(chunk); row < chunks.end(chunk); ++row) {
        for (int64_t c = 0; c < channels; c += lanes<T>) {
          const int64_t i = row * channels + c, left = channels - c;
          const vec<T> d =
              activate_backward_from_result(load(g + i, left), load(y + i, left), a.activation, slope);
          store(dx + i, d, left);
          store(part + c, load(part + c) + first_lanes<T>(d, left));
        }
      }
    }
  });
  for (int64_t chunk = 0; chunk < chunks.count; ++chunk) {
    for (int64_t c = 0; c < channels; ++c) sums[c] += double(parts[chunk * width + c]);
  }
}

template <class S>
void bias_backward(const BiasBackward& a) {
  using T = compute_t<S>;
  const Extent& e = a.extent;
  const S *g = static_cast<const S*>(a.gradient), *y = static_cast<const S*>(a.y);
  S* dx = static_cast<S*>(a.dx);
  T* dbias = static_cast<T*>(a.dbias);
  const T slope = T(a.slope);
  if (e.rows) {
    const int64_t rows = e.batch * e.positions, merged = rows_to_merge<T>(e.channels, rows);
    const int64_t width = e.channels * merged, whole = rows / merged, done = whole * merged;
    const int64_t sums_bytes = (width * int64_t(sizeof(double)) + 63) / 64 * 64;
    char* memory = static_cast<char*>(scratch(sums_bytes + (width + lanes<T>) * int64_t(sizeof(T)) * kMostChunks));
    double* sums = reinterpret_cast<double*>(memory);
    for (int64_t c = 0; c < width; ++c) sums[c] = 0;
    bias_rows_backward(a, g, y, dx, whole, width, sums, memory + sums_bytes);
    const int64_t at = done * e.channels;
    bias_rows_backward(a, g + at, y + at, dx + at, rows - done, e.channels, sums, memory + sums_bytes);
    for (int64_t c = 0; c < e.channels; ++c) {
      for (int64_t m = 1; m < merged; ++m) sums[c] += sums[c + m * e.channels];
      dbias[c] = T(sums[c]);
    }
    return;
  }
  parallel(e.channels, 1 + 16384 / (e.batch * e.positions + 1), [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      double total = 0;
      for (int64_t n = 0; n < e.batch; ++n) {
        vec<T> sum{};
        for (int64_t i = 0; i < e.positions; i += lanes<T>) {
          const int64_t at = (n * e.channels + c) * e.positions + i, left = e.positions - i;
          const vec<T> d =
              activate_backward_from_result(load(g + at, left), load(y + at, left), a.activation, slope);
          store(dx + at, d, left);
          sum += first_lanes<T>(d, left);
        }
        total += sum_lanes<T>(sum);
      }
      dbias[c] = T(total);
    }
  });
}

}  // namespace
}  // namespace zoo
