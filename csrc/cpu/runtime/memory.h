// Tensors as the kernels see them: plain memory.
#pragma once

#include <stdint.h>

namespace zoo {

enum Storage : int { kFloat32 = 0, kFloat64 = 1, kBFloat16 = 2, kFloat16 = 3, kStorages = 4 };

// Memory of one value per channel in one of the storages; null for none.
struct PerChannel {
  void* data = nullptr;
  int storage = kFloat32;
};

// A tensor as the kernels see it. In nhwc (channels_last, or 2-d with one position) it is
// [batch * positions][channels], in nchw (contiguous 4-d) [batch][channels][positions].
struct Extent {
  bool nhwc;
  int64_t batch, channels, positions;
};

}  // namespace zoo
