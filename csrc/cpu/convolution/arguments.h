// What the kernels of the convolutions are given.
#pragma once

#include <stdint.h>

namespace zoo {

// A convolution of images in nhwc, (batch, height, width, channels), with square kernels: y from x, x from y or the weights
// from both; what is computed is written. Images are padded with zeros, `top` rows and `left` columns before the first.
// Element (y channel, x channel, row, column) of the weights is at the sum of its indices times `weight_steps`.
struct Convolution {
  int kernel, stride;
  int outputs;  // of a tile, in either direction: 2 or 4
  int64_t top, left;
  int64_t batch, x_height, x_width, x_channels, y_height, y_width, y_channels;
  int64_t weight_steps[4];
  float *x, *y, *weight;
};

}  // namespace zoo
