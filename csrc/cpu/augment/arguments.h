// What the kernels of augment are given.
#pragma once

#include <stdint.h>

#include "../../kinds.h"
#include "../runtime/memory.h"

namespace zoo {

// Images (N, C, H, W) and what becomes of them; backward, the gradient of that and the gradient of the images.
struct Augment {
  bool nhwc;
  int64_t batch, channels;
  int height, width;
  const void* from;
  void* to;
  const float *affine, *color;  // (N, 2, 3) and (N, C, 2C + 1), or null
  const int64_t* box;           // (N, 4), or null
  Padding padding;
  bool linear;  // without what colour adds to each image alike
};

}  // namespace zoo
