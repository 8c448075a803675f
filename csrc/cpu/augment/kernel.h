// augment: colour, then a warp, then a box of zeros, of one image after the other. Backward goes the same way back. An image is one
// piece of work, so that sums are formed in one order on any number of threads.
#pragma once

#include "pixels.h"
#include "../runtime/parallel.h"
#include "../../sampling.h"

namespace zoo {
namespace {

// Where the pixels of one output row lie in the input's planes, and what each of four weighs.
template <class T>
struct RowOfTaps {
  int* at[4];
  T* weight[4];
};

// What the threads keep of one image: its planes, twice, and rows.
template <class T>
struct Planes {
  T *first, *second, *rows, *mixed;
  RowOfTaps<T> taps;

  explicit Planes(const Augment& a) {
    const int64_t area = int64_t(a.height) * a.width, all = a.channels * area, row = a.channels * a.width;
    const int64_t numbers = 2 * all + 2 * row + 4 * a.width;
    first = static_cast<T*>(scratch(numbers * int64_t(sizeof(T)) + 4 * a.width * int64_t(sizeof(int))));
    second = first + all;
    rows = second + all;
    mixed = rows + row;
    for (int i = 0; i < 4; ++i) taps.weight[i] = mixed + row + i * a.width;
    for (int i = 0; i < 4; ++i) taps.at[i] = reinterpret_cast<int*>(taps.weight[3] + a.width) + i * a.width;
  }
};

ZOO_INLINE bool whole(float x) { return x == floorf(x) && x > -kFarthest && x < kFarthest; }

// How an image is warped: not at all, by copying pixels, or by sampling between them.
enum class How { kStays, kCopies, kSamples };

ZOO_INLINE How how(const float* m) {
  if (!m) return How::kStays;
  if (m[0] == 1 && m[1] == 0 && m[2] == 0 && m[3] == 0 && m[4] == 1 && m[5] == 0) return How::kStays;
  bool copies = true;
  for (int i = 0; i < 6; ++i) copies = copies && whole(m[i]);
  return copies ? How::kCopies : How::kSamples;
}

// The taps of an output row. Where pixels are copied, only the first counts, and its weight is 1 or 0.
template <class T>
ZOO_SHARED void find_taps(const Augment& a, const float* affine, How way, int row, const RowOfTaps<T>& taps) {
  const Warp<T> warp = warp_of<T>(affine);
  for (int i = 0; i < a.width; ++i) {
    const Taps<T> x = zoo::taps(warped_x(warp, i, row), a.width, a.padding);
    const Taps<T> y = zoo::taps(warped_y(warp, i, row), a.height, a.padding);
    taps.at[0][i] = y.at[0] * a.width + x.at[0];
    taps.weight[0][i] = y.weight[0] * x.weight[0];
    if (way == How::kCopies) continue;
    taps.at[1][i] = y.at[0] * a.width + x.at[1];
    taps.at[2][i] = y.at[1] * a.width + x.at[0];
    taps.at[3][i] = y.at[1] * a.width + x.at[1];
    taps.weight[1][i] = y.weight[0] * x.weight[1];
    taps.weight[2][i] = y.weight[1] * x.weight[0];
    taps.weight[3][i] = y.weight[1] * x.weight[1];
  }
}

// What does not count is not multiplied: it may be infinite.
template <class T>
ZOO_INLINE T weighed(T weight, T value) {
  return weight != 0 ? weight * value : T(0);
}

template <class T>
ZOO_SHARED void sample(const T* plane, How way, const RowOfTaps<T>& t, int width, T* out) {
  const int *at0 = t.at[0], *at1 = t.at[1], *at2 = t.at[2], *at3 = t.at[3];
  const T *w0 = t.weight[0], *w1 = t.weight[1], *w2 = t.weight[2], *w3 = t.weight[3];
  if (way == How::kCopies) {
    for (int i = 0; i < width; ++i) out[i] = w0[i] != 0 ? plane[at0[i]] : T(0);
    return;
  }
  for (int i = 0; i < width; ++i) {
    out[i] = (weighed(w0[i], plane[at0[i]]) + weighed(w1[i], plane[at1[i]])) +
             (weighed(w2[i], plane[at2[i]]) + weighed(w3[i], plane[at3[i]]));
  }
}

template <class T>
ZOO_SHARED void scatter(const T* gradient, How way, const RowOfTaps<T>& t, int width, T* plane) {
  for (int i = 0; i < width; ++i) {
    const T g = gradient[i];
    for (int tap = 0; tap < (way == How::kCopies ? 1 : 4); ++tap) {
      plane[t.at[tap][i]] += weighed(t.weight[tap][i], g);
    }
  }
}

// Clears what of a row of all channels lies in the box.
template <class T>
ZOO_INLINE void clear_box(const Augment& a, int64_t n, int row, T* rows) {
  if (!a.box) return;
  const int64_t* box = a.box + 4 * n;
  if (row < box[0] || row >= box[2]) return;
  const int64_t left = box[1] > 0 ? box[1] : 0, right = box[3] < a.width ? box[3] : a.width;
  for (int64_t c = 0; c < a.channels; ++c) {
    for (int64_t i = left; i < right; ++i) rows[c * a.width + i] = 0;
  }
}

// to_c = sum over k of m[c, k] from_k, plus each channel's own number.
template <class T, class Entry, class Added>
ZOO_INLINE void mix(const T* from, T* to, int64_t channels, int64_t area, const Entry& entry, const Added& added) {
  for (int64_t c = 0; c < channels; ++c) {
    const T more = added(c);
    for (int64_t i = 0; i < area; i += lanes<T>) {
      const int64_t left = area - i;
      vec<T> sum = fill(more);
      for (int64_t k = 0; k < channels; ++k) sum += entry(c, k) * load(from + k * area + i, left);
      store(to + c * area + i, sum, left);
    }
  }
}

// Colours of an image's planes: out_c = sum of m[c, k] x_k + sum of m[c, C + k] mean(x_k) + m[c, 2C].
template <class T>
ZOO_SHARED void recolor(const Augment& a, const float* color, const T* from, T* to) {
  const int64_t channels = a.channels, columns = 2 * channels + 1, area = int64_t(a.height) * a.width;
  const auto added = [&](int64_t c) {
    double sum = a.linear ? 0 : color[c * columns + 2 * channels];
    for (int64_t k = 0; k < channels; ++k) {
      const float share = color[c * columns + channels + k];
      if (share != 0) sum += double(share) * sum_of(from + k * area, area) / double(area);
    }
    return T(sum);
  };
  mix(from, to, channels, area, [&](int64_t c, int64_t k) { return T(color[c * columns + k]); }, added);
}

// Its adjoint: dx_k = sum of m[c, k] g_c + mean of (sum of m[c, C + k] g_c).
template <class T>
ZOO_SHARED void recolor_backward(const Augment& a, const float* color, const T* from, T* to) {
  const int64_t channels = a.channels, columns = 2 * channels + 1, area = int64_t(a.height) * a.width;
  const auto added = [&](int64_t k) {
    double sum = 0;
    for (int64_t c = 0; c < channels; ++c) {
      const float share = color[c * columns + channels + k];
      if (share != 0) sum += double(share) * sum_of(from + c * area, area) / double(area);
    }
    return T(sum);
  };
  mix(from, to, channels, area, [&](int64_t k, int64_t c) { return T(color[c * columns + k]); }, added);
}

// Reads images, writes what becomes of them.
template <class S>
void augment_forward(const Augment& a) {
  using T = compute_t<S>;
  const int64_t width = a.width, area = a.height * width;
  parallel(a.batch, 1, [&](int64_t begin, int64_t end) {
    const Planes<T> planes(a);
    for (int64_t n = begin; n < end; ++n) {
      const float* affine = a.affine ? a.affine + 6 * n : nullptr;
      const How way = how(affine);
      const T* image = planes.first;
      if (way == How::kStays && !a.color) {
        image = nullptr;  // row by row
      } else {
        for (int row = 0; row < a.height; ++row) read_row<S>(a, n, row, planes.first + row * width, area, planes.mixed);
      }
      if (a.color) {
        recolor(a, a.color + n * a.channels * (2 * a.channels + 1), planes.first, planes.second);
        image = planes.second;
      }
      for (int row = 0; row < a.height; ++row) {
        if (!image) read_row<S>(a, n, row, planes.rows, width, planes.mixed);
        else if (way != How::kStays) find_taps(a, affine, way, row, planes.taps);
        for (int64_t c = 0; image && c < a.channels; ++c) {
          T* out = planes.rows + c * width;
          if (way == How::kStays) widen_row(image + c * area + row * width, out, width);
          else sample(image + c * area, way, planes.taps, a.width, out);
        }
        clear_box(a, n, row, planes.rows);
        write_row<S>(a, n, row, planes.rows, width, planes.mixed);
      }
    }
  });
}

// Reads the gradient of what became of the images, writes theirs.
template <class S>
void augment_backward(const Augment& a) {
  using T = compute_t<S>;
  const int64_t width = a.width, area = a.height * width;
  parallel(a.batch, 1, [&](int64_t begin, int64_t end) {
    const Planes<T> planes(a);
    for (int64_t n = begin; n < end; ++n) {
      const float* affine = a.affine ? a.affine + 6 * n : nullptr;
      const How way = how(affine);
      if (way != How::kStays) {
        for (int64_t i = 0; i < a.channels * area; ++i) planes.first[i] = 0;
      }
      for (int row = 0; row < a.height; ++row) {
        read_row<S>(a, n, row, planes.rows, width, planes.mixed);
        clear_box(a, n, row, planes.rows);
        if (way != How::kStays) find_taps(a, affine, way, row, planes.taps);
        for (int64_t c = 0; c < a.channels; ++c) {
          const T* gradient = planes.rows + c * width;
          if (way == How::kStays) widen_row(gradient, planes.first + c * area + row * width, width);
          else scatter(gradient, way, planes.taps, a.width, planes.first + c * area);
        }
      }
      const T* image = planes.first;
      if (a.color) {
        recolor_backward(a, a.color + n * a.channels * (2 * a.channels + 1), planes.first, planes.second);
        image = planes.second;
      }
      for (int row = 0; row < a.height; ++row) write_row<S>(a, n, row, image + row * width, area, planes.mixed);
    }
  });
}

}  // namespace
}  // namespace zoo
