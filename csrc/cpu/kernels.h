// The border between the ops (compiled once, speak to torch) and the kernels (compiled once per instruction set, speak to
// plain memory): arguments as plain structs, and a table of functions.
#pragma once

#include <stdint.h>

namespace zoo {

enum Storage : int { kFloat32 = 0, kFloat64 = 1, kBFloat16 = 2, kFloat16 = 3, kStorages = 4 };

// Memory of one value per channel in one of the storages; null for none.
struct PerChannel {
  void* data = nullptr;
  int storage = kFloat32;
};

// A tensor as the kernels see it. As rows (channels_last, or 2-d with one position) it is [batch * positions][channels],
// as planes (contiguous 4-d) it is [batch][channels][positions].
struct Extent {
  bool rows;
  int64_t batch, channels, positions;
};

struct Fusion {
  int activation;
  int order;
  double slope;
};

struct BatchNormForward {
  Extent extent;
  Fusion fusion;
  int64_t groups;  // 1 in evaluation
  bool training;
  double momentum, eps;
  const void* x;
  void* y;
  PerChannel weight, bias, running_mean, running_var;
  void *mean, *invstd;  // (groups, channels) in the compute type
};

struct BatchNormBackward {
  Extent extent;
  Fusion fusion;
  int64_t groups;
  bool training;
  const void *gradient, *x;
  void* dx;
  PerChannel weight, bias, dweight, dbias;
  const void *mean, *invstd;
};

struct BiasForward {
  Extent extent;
  int activation;
  double slope;
  const void* x;
  void* y;
  PerChannel bias;
};

struct BiasBackward {
  Extent extent;
  int activation;
  double slope;
  const void *gradient, *y;
  void *dx, *dbias;  // dbias in the compute type
};

// One side (real or generated) of a loss. `sums`: loss, judgement, number judged real, number judged generated.
struct LossSide {
  const void* logits;
  void* gradient;
  int64_t count;
  bool discriminator, real;
  int kind;
  double a, b, c, threshold, scale;
  double sums[4];
};

struct ScaledCopy {
  const void* from;
  void* to;
  int64_t count;
  double factor;
};

// A convolution of images in rows, (batch, height, width, channels), with square kernels: y from x, x from y or the weights
// from both; what is computed is written. Images are padded with zeros, `top` rows and `left` columns before the first.
// Element (y channel, x channel, row, column) of the weights is at the sum of its indices times `weight_steps`.
struct Convolution {
  int kernel, stride;
  int64_t top, left;
  int64_t batch, x_height, x_width, x_channels, y_height, y_width, y_channels;
  int64_t weight_steps[4];
  float *x, *y, *weight;
};

// y (rows, columns) = a b, summed over `depth`. `across`: a is [row][p] and b [column][p]; else b is [p][column], of a multiple
// of 16 columns, and a [row][p], or [p][row] where it lies transposed. Rows of a and b are `a_step` and `b_step` apart.
struct Dense {
  bool across, a_transposed;
  int64_t rows, columns, depth;
  const float* a;
  int64_t a_step;
  const float* b;
  int64_t b_step;
  float* y;
};

struct Kernels {
  const char* instruction_set;
  void (*batch_norm_forward[kStorages])(const BatchNormForward&);
  void (*batch_norm_backward[kStorages])(const BatchNormBackward&);
  void (*bias_forward[kStorages])(const BiasForward&);
  void (*bias_backward[kStorages])(const BiasBackward&);
  void (*loss_side[kStorages])(LossSide&);
  void (*scaled_copy[kStorages])(const ScaledCopy&);
  void (*convolve_forward)(const Convolution&);
  void (*convolve_transposed)(const Convolution&);
  void (*convolve_weight)(const Convolution&);
  void (*dense_product)(const Dense&);
};

// One table per compiled instruction set; null where the compiler does not make it for this machine's family.
const Kernels* baseline_kernels();
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();

// The best table for the processor at hand. ZOO_CPU=baseline|avx2|avx512 in the environment asks for a lesser one.
const Kernels& kernels();

// --- services for the kernels (runtime.cpp) ---------------------------------------------------------------------------

// Calls body(context, begin, end) on parts of [0, count) from torch's threads; in place where count <= grain.
void parallel_ranges(int64_t count, int64_t grain, void (*body)(void*, int64_t, int64_t), void* context);

// Memory of the calling thread, 64-byte aligned, valid until its next request for the same purpose; not cleared.
enum ScratchPurpose { kBlockScratch = 0, kWeightScratch = 1, kScratchPurposes = 2 };
void* scratch(int64_t bytes, ScratchPurpose purpose = kBlockScratch);

}  // namespace zoo
