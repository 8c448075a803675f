// Where a pixel of a warped image is sampled: bilinear interpolation between the pixels around a position. Shared by the CPU
// and the CUDA kernels of augment.
#pragma once

#include <math.h>

#include "inline.h"
#include "kinds.h"

namespace zoo {

// No position counts for further away than this: a float32 still tells half pixels there, and an int holds it.
constexpr int kFarthest = 1 << 22;

ZOO_INLINE float floor_of(float x) { return floorf(x); }
ZOO_INLINE double floor_of(double x) { return ::floor(x); }

// The position within reach; NaN is far to the left.
template <class T>
ZOO_INLINE T within_reach(T position) {
  const T far = T(kFarthest);
  return position > -far ? (position < far ? position : far) : -far;
}

// The pixel that shows at a place beyond the edge where the image goes on as in a mirror, whose plane is the outermost pixels.
ZOO_INLINE int reflected(int at, int size) {
  if (unsigned(at) < unsigned(size)) return at;
  if (size == 1) return 0;
  const int period = 2 * (size - 1), folded = (at < 0 ? -at : at) % period;
  return folded < size ? folded : period - folded;
}

// One axis of a sample: two pixels side by side and their weights. One that does not count weighs 0, and lies within the image.
template <class T>
struct Taps {
  int at[2];
  T weight[2];
};

template <class T>
ZOO_INLINE Taps<T> taps(T position, int size, Padding padding) {
  const T p = within_reach(position), below = floor_of(p), share = p - below;
  const int first = int(below);
  if (padding == Padding::reflect) return {{reflected(first, size), reflected(first + 1, size)}, {1 - share, share}};
  const bool here = unsigned(first) < unsigned(size), there = unsigned(first + 1) < unsigned(size);
  return {{here ? first : 0, there ? first + 1 : 0}, {here ? 1 - share : T(0), there ? share : T(0)}};
}

// Where output pixel (column, row) looks, in pixels of the input: the affine map of one image, (2, 3).
template <class T>
struct Warp {
  T xx, xy, x0, yx, yy, y0;
};

template <class T>
ZOO_INLINE Warp<T> warp_of(const float* affine) {
  return {T(affine[0]), T(affine[1]), T(affine[2]), T(affine[3]), T(affine[4]), T(affine[5])};
}

template <class T>
ZOO_INLINE T warped_x(const Warp<T>& w, int column, int row) {
  return w.xx * T(column) + w.xy * T(row) + w.x0;
}

template <class T>
ZOO_INLINE T warped_y(const Warp<T>& w, int column, int row) {
  return w.yx * T(column) + w.yy * T(row) + w.y0;
}

}  // namespace zoo
