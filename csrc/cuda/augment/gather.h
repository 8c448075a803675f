// The way back through a warp: which pixels of the result an image's pixel has gone into, and with what weight. Each pixel of the image
// looks for its own, so that no two threads add to one number and sums are formed in one order.
#pragma once

#include "../../sampling.h"

namespace zoo {

// What is to be known of an image's warp to find them.
template <class T>
struct WayBack {
  Warp<T> warp;
  float xx, xy, yx, yy;                    // the inverse of its linear part
  float least_x, most_x, least_y, most_y;  // where the result's pixels look
  bool all;  // there is no inverse, or they look absurdly far: every pixel of the result is asked
};

template <class T>
ZOO_INLINE WayBack<T> way_back(const float* affine, int width, int height) {
  constexpr float kFar = 32768;  // up to here a float32 tells hundredths of pixels, which the search allows for
  WayBack<T> b{};
  b.warp = warp_of<T>(affine);
  const double xx = affine[0], xy = affine[1], yx = affine[3], yy = affine[4], det = xx * yy - xy * yx;
  b.xx = float(yy / det);
  b.xy = float(-xy / det);
  b.yx = float(-yx / det);
  b.yy = float(xx / det);
  const float across = float(width - 1), down = float(height - 1);
  const float x[3] = {affine[2], affine[0] * across, affine[1] * down};
  const float y[3] = {affine[5], affine[3] * across, affine[4] * down};
  b.least_x = x[0] + fminf(x[1], 0) + fminf(x[2], 0);
  b.most_x = x[0] + fmaxf(x[1], 0) + fmaxf(x[2], 0);
  b.least_y = y[0] + fminf(y[1], 0) + fminf(y[2], 0);
  b.most_y = y[0] + fmaxf(y[1], 0) + fmaxf(y[2], 0);
  const bool near = fabsf(x[0]) + fabsf(x[1]) + fabsf(x[2]) < kFar && fabsf(y[0]) + fabsf(y[1]) + fabsf(y[2]) < kFar;
  const float largest = fmaxf(fmaxf(fabsf(b.xx), fabsf(b.xy)), fmaxf(fabsf(b.yx), fabsf(b.yy)));
  b.all = !near || !(largest < 1e6f);  // NaN and infinite too
  return b;
}

// The weight with which a position counts for the pixel at a place beside it; beyond the edges too.
template <class T>
ZOO_INLINE T weight_at(T position, int place) {
  const T below = floor_of(position), share = position - below;
  const int first = int(below);
  return first == place ? 1 - share : (first + 1 == place ? share : T(0));
}

// Calls body(column, row, weight) for the pixels of the result that look at place (x, y), which may lie beyond the edges.
template <class T, class F>
ZOO_INLINE void each_looking(const WayBack<T>& b, int x, int y, int width, int height, const F& body) {
  // They lie in the parallelogram that the square of one pixel around the place comes from; here is the box around it.
  const float dx = float(x) - float(b.warp.x0), dy = float(y) - float(b.warp.y0);
  const float column = b.xx * dx + b.xy * dy, row = b.yx * dx + b.yy * dy;
  const float wide = (fabsf(b.xx) + fabsf(b.xy)) * 1.01f + 0.01f, high = (fabsf(b.yx) + fabsf(b.yy)) * 1.01f + 0.01f;
  const int left = int(fmaxf(ceilf(column - wide), 0)), right = int(fminf(floorf(column + wide), float(width - 1)));
  const int top = int(fmaxf(ceilf(row - high), 0)), bottom = int(fminf(floorf(row + high), float(height - 1)));
  for (int i = top; i <= bottom; ++i) {
    for (int j = left; j <= right; ++j) {
      const T weight = weight_at(warped_x(b.warp, j, i), x) * weight_at(warped_y(b.warp, j, i), y);
      if (weight != 0) body(j, i, weight);
    }
  }
}

// One axis: the places at which a pixel shows, itself and in the mirrors.
struct Places {
  int period, first, mirrored, last;
  bool twice;  // itself and mirrored are two
};

// Calls body(place).
template <class F>
ZOO_INLINE void each_of(const Places& p, const F& body) {
  for (int at = p.first; at <= p.last; at += p.period) body(at);
  if (!p.twice) return;
  for (int at = p.mirrored; at <= p.last; at += p.period) body(at);
}

ZOO_INLINE Places places(int pixel, int size, float least, float most, Padding padding) {
  if (padding == Padding::zeros) return {1, pixel, 0, pixel, false};
  const int period = size > 1 ? 2 * (size - 1) : 1, from = int(floorf(least)) - 1, to = int(ceilf(most)) + 1;
  const auto next = [&](int at) {  // the first of at, at ± period … that is not before `from`
    const int behind = (from - at) % period;
    return behind > 0 ? from - behind + period : from - behind;
  };
  return {period, next(pixel), next(-pixel), to, pixel != 0 && pixel != size - 1};
}

// Calls body(column, row, weight) for every pixel of the result that pixel (x, y) of the image has gone into.
template <class T, class F>
ZOO_INLINE void each_reached(const WayBack<T>& b, int x, int y, int width, int height, Padding padding, const F& body) {
  if (!b.all) {
    const Places columns = places(x, width, b.least_x, b.most_x, padding),
                 rows = places(y, height, b.least_y, b.most_y, padding);
    each_of(
        rows, [&](int row) { each_of(columns, [&](int column) { each_looking(b, column, row, width, height, body); }); });
    return;
  }
  for (int i = 0; i < height; ++i) {
    for (int j = 0; j < width; ++j) {
      const Taps<T> across = taps(warped_x(b.warp, j, i), width, padding),
                    down = taps(warped_y(b.warp, j, i), height, padding);
      const T of_x = (across.at[0] == x ? across.weight[0] : T(0)) + (across.at[1] == x ? across.weight[1] : T(0));
      const T of_y = (down.at[0] == y ? down.weight[0] : T(0)) + (down.at[1] == y ? down.weight[1] : T(0));
      if (of_x * of_y != 0) body(j, i, of_x * of_y);
    }
  }
}

}  // namespace zoo
