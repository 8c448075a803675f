// Assembling a batch from stored bytes, without Python.
#pragma once

#include <cstdint>

namespace zoo {

// Memory with strides in bytes, as NumPy describes it.
struct Bytes {
  const uint8_t* data;
  int64_t strides[4];  // image, row, column, channel
};

struct Floats {
  char* data;
  int64_t strides[4];  // image, channel, row, column
};

struct Batch {
  Bytes images;
  Floats out;
  int64_t height, width, channels;
  const int64_t* indices;  // checked by the caller
  const bool* flips;       // or null
  float table[256];        // what each byte becomes
};

// Images [begin, end) of the batch.
void gather_images(const Batch& batch, int64_t begin, int64_t end);

// All `count` images, on several threads where the work is worth starting them.
void gather_batch(const Batch& batch, int64_t count);

}  // namespace zoo
