// augment: colour, then a warp, then a box of zeros, of one image after the other. Backward goes the same way back. An image is one
// piece of work, so that sums are formed in one order on any number of threads.
#pragma once

#include "color.h"
#include "taps.h"
#include "../runtime/parallel.h"

namespace zoo {
namespace {

// How an image is warped: not at all, by whole rows that move, by copying pixels, or by sampling between them.
enum class How { kStays, kMoves, kCopies, kSamples };

ZOO_INLINE bool is_whole(float x) { return x == floorf(x) && x > -kFarthest && x < kFarthest; }

ZOO_INLINE How how(const Augment& a, int64_t n) {
  if (!a.affine) return How::kStays;
  const float* m = a.affine + 6 * n;
  for (int i = 0; i < 6; ++i) {
    if (!is_whole(m[i])) return How::kSamples;
  }
  if (m[0] != 1 || m[1] != 0 || m[3] != 0 || m[4] != 1) return How::kCopies;
  if (m[2] == 0 && m[5] == 0) return How::kStays;
  return a.padding == Padding::zeros ? How::kMoves : How::kCopies;
}

// What a thread keeps of one image. Where it is sampled, its channels lie together in fours, unless there is one alone.
template <class S>
struct Work {
  using T = compute_t<S>;
  const Augment& a;
  int64_t stride, groups, plane_size;
  T *rows, *other, *pixels, *plane;
  RowOfTaps<T> taps;
  Color<T> color;
  Sums<T> sums;

  explicit Work(const Augment& given) : a(given) {
    const int64_t channels = a.channels, area = int64_t(a.height) * a.width, padded = (channels + 3) / 4 * 4;
    stride = rounded(a.width);
    groups = channels == 1 ? 1 : padded / 4;
    plane_size = rounded((area + 4) * (channels == 1 ? 1 : 4));
    const int64_t row = padded * stride, line = rounded(row + 16), matrix = rounded(channels * channels + channels);
    char* next = static_cast<char*>(scratch(
        int64_t(sizeof(T)) *
            (2 * row + line + (a.affine ? groups * plane_size : 0) + 8 * stride + matrix + channels * kWhole) +
        channels * int64_t(sizeof(double))));
    const auto take = [&](int64_t count) {
      T* found = reinterpret_cast<T*>(next);
      next += count * int64_t(sizeof(T));
      return found;
    };
    rows = take(row);
    other = take(row);
    pixels = take(line);
    plane = take(a.affine ? groups * plane_size : 0);
    for (int i = 0; i < 4; ++i) taps.weight[i] = take(stride);
    for (int i = 0; i < 4; ++i) taps.at[i] = reinterpret_cast<whole_lane<T>*>(take(stride));
    T* numbers = take(matrix);
    color = {numbers, numbers + channels * channels, channels, stride};
    T* parts = take(channels * kWhole);
    sums = {reinterpret_cast<double*>(next), parts, channels, stride, 0};
    clear(rows, rows + 2 * row);  // of channels that there are not
    clear(pixels, pixels + line);
  }

  void read(int64_t n, int row) const { read_row<S>(a, n, row, rows, stride, pixels); }
  void write(int64_t n, int row, const T* from) const { write_row<S>(a, n, row, from, stride, pixels); }

  // Clears what of an output row lies in the box.
  void clear_box(int64_t n, int row, T* of) const {
    if (!a.box) return;
    const int64_t* box = a.box + 4 * n;
    if (row < box[0] || row >= box[2]) return;
    const int64_t left = box[1] > 0 ? box[1] : 0, right = box[3] < a.width ? box[3] : a.width;
    for (int64_t c = 0; c < a.channels; ++c) clear(of + c * stride + left, of + c * stride + right);
  }

  // Each row as it is `right` pixels further to the right, with zeros beyond the edge.
  const T* moved(const T* from, int right, T* to) const {
    if (right == 0) return from;
    const int64_t width = a.width;
    const int64_t first = right < 0 ? (-int64_t(right) < width ? -right : width) : 0;
    const int64_t last = right > 0 ? (right < width ? width - right : 0) : width;
    for (int64_t c = 0; c < a.channels; ++c) {
      T* row = to + c * stride;
      clear(row, row + first);
      if (first < last) __builtin_memcpy(row + first, from + c * stride + first + right, size_t(last - first) * sizeof(T));
      clear(first < last ? row + last : row + first, row + stride);
    }
    return to;
  }

  // Puts a row's channels together in fours, or takes them apart; one channel alone is as it is.
  void together(const T* from, T* to, int64_t group_size) const {
    if (a.channels == 1) return narrow_row(from, to, a.width);
    for (int64_t g = 0; g < groups; ++g) pixels_of_rows(from + 4 * g * stride, stride, to + g * group_size, 4, a.width);
  }
  void apart(const T* from, T* to, int64_t group_size) const {
    if (a.channels == 1) {
      narrow_row(from, to, a.width);
    } else {
      for (int64_t g = 0; g < groups; ++g) rows_of_pixels(from + g * group_size, 4, to + 4 * g * stride, stride, a.width);
    }
    for (int64_t c = 0; c < a.channels; ++c) clear(to + c * stride + a.width, to + (c + 1) * stride);
  }
  T* plane_row(int row) const { return plane + int64_t(row) * a.width * (a.channels == 1 ? 1 : 4); }

  void sample_row(T* to) const {
    const bool copies = taps_copy;
    for (int64_t g = 0; g < groups; ++g) {
      const T* of = plane + g * plane_size;
      T* out = to + g * 4 * stride;
      if (a.channels == 1) sample<T, T>(of, copies, taps, a.width, out);
      else sample<T, quad<T>>(reinterpret_cast<const quad<T>*>(of), copies, taps, a.width, reinterpret_cast<quad<T>*>(out));
    }
  }
  void scatter_row(const T* from) const {
    const bool copies = taps_copy;
    for (int64_t g = 0; g < groups; ++g) {
      T* of = plane + g * plane_size;
      const T* in = from + g * 4 * stride;
      if (a.channels == 1) scatter<T, T>(in, copies, taps, a.width, of);
      else scatter<T, quad<T>>(reinterpret_cast<const quad<T>*>(in), copies, taps, a.width, reinterpret_cast<quad<T>*>(of));
    }
  }
  void tap_row(int64_t n, How way, int row) {
    taps_copy = way == How::kCopies;
    find_taps(a, a.affine + 6 * n, taps_copy, row, taps);
  }
  bool taps_copy = false;

  // What does not count is read there.
  void clear_behind_the_last() const {
    const int64_t each = a.channels == 1 ? 1 : 4, area = int64_t(a.height) * a.width;
    for (int64_t g = 0; g < groups; ++g)
      clear(plane + g * plane_size + area * each, plane + g * plane_size + (area + 1) * each);
  }

 private:
  static constexpr int64_t kWhole = 16;  // of any vector and quad
  static int64_t rounded(int64_t count) { return (count + kWhole - 1) / kWhole * kWhole; }
};

// An image to which nothing is done.
template <class S>
ZOO_INLINE void copy_image(const Augment& a, int64_t n) {
  const int64_t size = a.channels * a.height * a.width;
  __builtin_memcpy(static_cast<S*>(a.to) + n * size, static_cast<const S*>(a.from) + n * size, size_t(size) * sizeof(S));
}

ZOO_INLINE bool has_box(const Augment& a, int64_t n) {
  if (!a.box) return false;
  const int64_t* box = a.box + 4 * n;
  return box[0] < box[2] && box[1] < box[3];
}

// Reads images, writes what becomes of them.
template <class S>
void augment_forward(const Augment& a) {
  using T = compute_t<S>;
  parallel(a.batch, 1, [&](int64_t begin, int64_t end) {
    Work<S> w(a);
    for (int64_t n = begin; n < end; ++n) {
      const How way = how(a, n);
      const bool recolors = Color<T>::changes(a, n);
      if (way == How::kStays && !recolors && !has_box(a, n)) {
        copy_image<S>(a, n);
        continue;
      }
      if (recolors) {
        w.color.prepare(a, n, true, w.sums, [&](const auto& use) {
          for (int row = 0; row < a.height; ++row) {
            w.read(n, row);
            use(w.rows);
          }
        });
      }
      const auto recolored = [&](int row) {
        w.read(n, row);
        if (!recolors) return w.rows;
        w.color.apply(w.rows, w.other);
        return w.other;
      };
      if (way == How::kStays || way == How::kMoves) {
        const int right = way == How::kMoves ? int(a.affine[6 * n + 2]) : 0,
                  down = way == How::kMoves ? int(a.affine[6 * n + 5]) : 0;
        for (int row = 0; row < a.height; ++row) {
          T* found = w.rows;
          if (unsigned(row + down) < unsigned(a.height)) {
            T* from = recolored(row + down);
            found = const_cast<T*>(w.moved(from, right, from == w.rows ? w.other : w.rows));
            w.clear_box(n, row, found);
          } else {
            clear(found, found + a.channels * w.stride);
          }
          w.write(n, row, found);
        }
        continue;
      }
      for (int row = 0; row < a.height; ++row) w.together(recolored(row), w.plane_row(row), w.plane_size);
      w.clear_behind_the_last();
      for (int row = 0; row < a.height; ++row) {
        w.tap_row(n, way, row);
        w.sample_row(w.rows);
        w.apart(w.rows, w.other, 4 * w.stride);
        w.clear_box(n, row, w.other);
        w.write(n, row, w.other);
      }
    }
  });
}

// Reads the gradient of what became of the images, writes theirs.
template <class S>
void augment_backward(const Augment& a) {
  using T = compute_t<S>;
  parallel(a.batch, 1, [&](int64_t begin, int64_t end) {
    Work<S> w(a);
    for (int64_t n = begin; n < end; ++n) {
      const How way = how(a, n);
      const bool recolors = Color<T>::changes(a, n), sampled = way == How::kCopies || way == How::kSamples;
      if (way == How::kStays && !recolors && !has_box(a, n)) {
        copy_image<S>(a, n);
        continue;
      }
      if (sampled) {
        clear(w.plane, w.plane + w.groups * w.plane_size);
        for (int row = 0; row < a.height; ++row) {
          w.read(n, row);
          w.clear_box(n, row, w.rows);
          w.together(w.rows, w.other, 4 * w.stride);
          w.tap_row(n, way, row);
          w.scatter_row(w.other);
        }
      }
      const int right = way == How::kMoves ? int(a.affine[6 * n + 2]) : 0,
                down = way == How::kMoves ? int(a.affine[6 * n + 5]) : 0;
      // A row of the gradient of the recoloured image.
      const auto warped_back = [&](int row) {
        if (sampled) {
          w.apart(w.plane_row(row), w.rows, w.plane_size);
          return w.rows;
        }
        if (unsigned(row - down) >= unsigned(a.height)) {
          clear(w.rows, w.rows + a.channels * w.stride);
          return w.rows;
        }
        w.read(n, row - down);
        w.clear_box(n, row - down, w.rows);
        return const_cast<T*>(w.moved(w.rows, -right, w.other));
      };
      if (recolors) {
        w.color.prepare(a, n, false, w.sums, [&](const auto& use) {
          for (int row = 0; row < a.height; ++row) use(warped_back(row));
        });
      }
      for (int row = 0; row < a.height; ++row) {
        T* found = warped_back(row);
        if (recolors) {
          T* to = found == w.rows ? w.other : w.rows;
          w.color.apply(found, to);
          found = to;
        }
        w.write(n, row, found);
      }
    }
  });
}

}  // namespace
}  // namespace zoo
