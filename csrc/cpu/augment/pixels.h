// An image as planes of numbers in the compute type, whatever its storage and layout: one row of all channels at a time.
#pragma once

#include "arguments.h"
#include "../simd/vector.h"

namespace zoo {
namespace {

template <class S>
ZOO_INLINE void widen_row(const S* from, compute_t<S>* to, int64_t count) {
  using T = compute_t<S>;
  for (int64_t i = 0; i < count; i += lanes<T>) store(to + i, load(from + i, count - i), count - i);
}

template <class S>
ZOO_INLINE void narrow_row(const compute_t<S>* from, S* to, int64_t count) {
  using T = compute_t<S>;
  for (int64_t i = 0; i < count; i += lanes<T>) store(to + i, load(from + i, count - i), count - i);
}

// Reads `row` of image n: channel c to planes + c * stride. `mixed` has room for a row of all channels.
template <class S>
ZOO_SHARED void read_row(const Augment& a, int64_t n, int row, compute_t<S>* planes, int64_t stride, compute_t<S>* mixed) {
  const int64_t channels = a.channels, width = a.width;
  const S* image = static_cast<const S*>(a.from) + n * channels * a.height * width;
  if (!a.nhwc) {
    for (int64_t c = 0; c < channels; ++c) widen_row(image + (c * a.height + row) * width, planes + c * stride, width);
    return;
  }
  widen_row(image + row * width * channels, mixed, width * channels);
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < width; ++i) planes[c * stride + i] = mixed[i * channels + c];
  }
}

// The way back: writes `row` of image n.
template <class S>
ZOO_SHARED void write_row(
    const Augment& a, int64_t n, int row, const compute_t<S>* planes, int64_t stride, compute_t<S>* mixed) {
  const int64_t channels = a.channels, width = a.width;
  S* image = static_cast<S*>(a.to) + n * channels * a.height * width;
  if (!a.nhwc) {
    for (int64_t c = 0; c < channels; ++c) narrow_row(planes + c * stride, image + (c * a.height + row) * width, width);
    return;
  }
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < width; ++i) mixed[i * channels + c] = planes[c * stride + i];
  }
  narrow_row(mixed, image + row * width * channels, width * channels);
}

// In a fixed order, in double; NaN where one is.
template <class T>
ZOO_SHARED double sum_of(const T* from, int64_t count) {
  constexpr int64_t kStretch = 4096;
  double sum = 0;
  for (int64_t begin = 0; begin < count; begin += kStretch) {
    const int64_t end = begin + kStretch < count ? begin + kStretch : count;
    vec<T> part{};
    for (int64_t i = begin; i < end; i += lanes<T>) part += load(from + i, end - i);
    sum += sum_lanes<T>(part);
  }
  return sum;
}

}  // namespace
}  // namespace zoo
