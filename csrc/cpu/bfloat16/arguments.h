// What the kernels of the convolutions in bfloat16 are given.
#pragma once

#include <stdint.h>

namespace zoo {

// c += a b for `blocks` times 32 rows of a and 32 columns of b, over `steps` times 32 of what they share: two by two tiles of
// 16x16 sums. Rows of a lie 16 by 16, `a_row` numbers apart, from two of `tiles` on for each block, and of each step from `places`
// more on. b holds pairs: [step][tile][pair][column][2]. c is [block][row][column] in float32; the first product of a sum clears it.
struct Product {
  const uint16_t* const* tiles;
  const int64_t* places;
  int64_t a_row;
  const uint16_t* b;
  float* c;
  int64_t blocks, steps;
  bool clears;
};
constexpr int64_t kTile = 32, kTileSquare = kTile * kTile;

// Who computes such products: the tiles of AMX where the processor has them, the vectors of the instruction set elsewhere. A thread
// begins before its first one and ends after its last one.
struct Multiplier {
  void (*begin)();
  void (*end)();
  void (*multiply)(const Product&);
};

// Null where this processor, or its operating system, has no AMX.
const Multiplier* amx();

// A convolution of images in nhwc, as `Convolution` (convolution/arguments.h) has it, for any square kernel and stride. The weights
// are [y channel][row][column][x channel], in bfloat16 or in float32; their gradient is float32.
struct ConvolutionBFloat16 {
  int64_t kernel, stride, top, left;
  int64_t batch, x_height, x_width, x_channels, y_height, y_width, y_channels;
  uint16_t *x, *y;
  void* weight;
  int weight_storage;
  const Multiplier* multiplier;  // null for the vectors
};

}  // namespace zoo
