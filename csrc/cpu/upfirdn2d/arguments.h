// What the kernel of upfirdn2d is given.
#pragma once

#include <stdint.h>

#include "../../kinds.h"
#include "../runtime/memory.h"

namespace zoo {

// y[o] = activation(sum over j of filter[j] z[o * down - origin + j] + bias), in both directions of an image, where z is x with
// up - 1 zeros after each pixel and zeros all around. The filter has been turned round.
struct Upfirdn2d {
  bool nhwc;
  Activation activation;
  double slope;
  int64_t up, down, left, top;
  int taps;
  double filter[kMostTaps];
  int64_t batch, channels, height, width, y_height, y_width;
  const void* x;
  void* y;
  PerChannel bias;
};

}  // namespace zoo
