// Colours of one image, a row of all its channels at a time:
// out_c = sum of m[c, k] x_k + sum of m[c, C + k] mean(x_k) + m[c, 2C], and the adjoint of its linear part.
#pragma once

#include "pixels.h"

namespace zoo {
namespace {

// Sums of each channel over an image, row by row in a fixed order: in vectors for a while, then in double.
template <class T>
struct Sums {
  static constexpr int64_t kStretch = 4096;  // numbers of a channel
  double* totals;
  T* parts;  // (channels, lanes)
  int64_t channels, stride, waiting;

  void begin() {
    for (int64_t c = 0; c < channels; ++c) totals[c] = 0;
    clear(parts, parts + channels * lanes<T>);
    waiting = 0;
  }
  void add(const T* rows) {
    for (int64_t c = 0; c < channels; ++c) {
      vec<T> part = load(parts + c * lanes<T>);
      for (int64_t i = 0; i < stride; i += lanes<T>) part += load(rows + c * stride + i);
      store(parts + c * lanes<T>, part);
    }
    waiting += stride;
    if (waiting >= kStretch) flush();
  }
  void flush() {
    for (int64_t c = 0; c < channels; ++c) totals[c] += sum_lanes<T>(load(parts + c * lanes<T>));
    clear(parts, parts + channels * lanes<T>);
    waiting = 0;
  }
};

// What is done to an image's colours, in one direction.
template <class T>
struct Color {
  T *matrix, *added;  // (C, C), (C,)
  int64_t channels, stride;

  // Whether those of image n change anything.
  static bool changes(const Augment& a, int64_t n) {
    if (!a.color) return false;
    const int64_t channels = a.channels, columns = 2 * channels + 1;
    const float* color = a.color + n * channels * columns;
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t k = 0; k < columns - (a.linear ? 1 : 0); ++k) {
        if (color[c * columns + k] != (k == c ? 1.0f : 0.0f)) return true;
      }
    }
    return false;
  }

  // Forward, or backward. `each_row` calls what it is given with each row of all channels of what is recoloured.
  template <class EachRow>
  void prepare(const Augment& a, int64_t n, bool forward, Sums<T>& sums, const EachRow& each_row) {
    const int64_t columns = 2 * channels + 1;
    const float* color = a.color + n * channels * columns;
    bool means = false;
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t k = 0; k < channels; ++k) {
        matrix[forward ? c * channels + k : k * channels + c] = T(color[c * columns + k]);
        means = means || color[c * columns + channels + k] != 0;
      }
    }
    if (means) {
      sums.begin();
      each_row([&](const T* rows) { sums.add(rows); });
      sums.flush();
    }
    const double area = double(a.height) * a.width;
    for (int64_t c = 0; c < channels; ++c) {
      double sum = forward && !a.linear ? color[c * columns + 2 * channels] : 0;
      for (int64_t k = 0; means && k < channels; ++k) {
        const float share = forward ? color[c * columns + channels + k] : color[k * columns + channels + c];
        if (share != 0) sum += double(share) * sums.totals[k] / area;
      }
      added[c] = T(sum);
    }
  }

  // Rows of all channels.
  void apply(const T* from, T* to) const {
    for (int64_t c = 0; c < channels; ++c) {
      const T* m = matrix + c * channels;
      for (int64_t i = 0; i < stride; i += lanes<T>) {
        vec<T> sum = fill(added[c]);
        for (int64_t k = 0; k < channels; ++k) sum += m[k] * load(from + k * stride + i);
        store(to + c * stride + i, sum);
      }
    }
  }
};

}  // namespace
}  // namespace zoo
