// The border between the ops (compiled once, speak to torch) and the kernels (compiled once per instruction set, speak to plain
// memory): one list, from which the declarations, the struct of function pointers and the tables of all instruction sets are made.
#pragma once

#include "../augment/arguments.h"
#include "../batch_norm_act/arguments.h"
#include "../bfloat16/arguments.h"
#include "../bias_act/arguments.h"
#include "../convolution/arguments.h"
#include "../gemm/arguments.h"
#include "../losses/arguments.h"
#include "../upfirdn2d/arguments.h"

// Every kernel once: its name and its argument. STORAGES are templates over the type of the elements, of which a table has one for
// each of Storage; FUNCTIONS are functions. In four parts, each of which is compiled by itself, so that several cores are of use.
#define ZOO_BATCH_NORM_KERNELS(STORAGES, FUNCTIONS)     \
  STORAGES(batch_norm_forward, const BatchNormForward&) \
  STORAGES(batch_norm_backward, const BatchNormBackward&)
#define ZOO_BIAS_AND_LOSS_KERNELS(STORAGES, FUNCTIONS) \
  STORAGES(bias_forward, const BiasForward&)           \
  STORAGES(bias_backward, const BiasBackward&)         \
  STORAGES(upfirdn2d, const Upfirdn2d&)                \
  STORAGES(loss_side, LossSide&)                       \
  STORAGES(scaled_copy, const ScaledCopy&)             \
  STORAGES(augment_forward, const Augment&)            \
  STORAGES(augment_backward, const Augment&)
#define ZOO_PRODUCT_KERNELS(STORAGES, FUNCTIONS)     \
  FUNCTIONS(convolve_forward, const Convolution&)    \
  FUNCTIONS(convolve_transposed, const Convolution&) \
  FUNCTIONS(convolve_weight, const Convolution&)     \
  FUNCTIONS(gemm, const Gemm&)
#define ZOO_BFLOAT16_KERNELS(STORAGES, FUNCTIONS)                     \
  FUNCTIONS(convolve_bfloat16_forward, const ConvolutionBFloat16&)    \
  FUNCTIONS(convolve_bfloat16_transposed, const ConvolutionBFloat16&) \
  FUNCTIONS(convolve_bfloat16_weight, const ConvolutionBFloat16&)
#define ZOO_KERNEL_LIST(STORAGES, FUNCTIONS)     \
  ZOO_BATCH_NORM_KERNELS(STORAGES, FUNCTIONS)    \
  ZOO_BIAS_AND_LOSS_KERNELS(STORAGES, FUNCTIONS) \
  ZOO_PRODUCT_KERNELS(STORAGES, FUNCTIONS)       \
  ZOO_BFLOAT16_KERNELS(STORAGES, FUNCTIONS)

namespace zoo {

// A namespace for each instruction set: its kernels, those of every storage in an array.
#define ZOO_STORAGES(name, argument) extern void (*const name[kStorages])(argument);
#define ZOO_FUNCTIONS(name, argument) void name(argument);
namespace baseline {
ZOO_KERNEL_LIST(ZOO_STORAGES, ZOO_FUNCTIONS)
}
namespace avx2 {
ZOO_KERNEL_LIST(ZOO_STORAGES, ZOO_FUNCTIONS)
}
namespace avx512 {
ZOO_KERNEL_LIST(ZOO_STORAGES, ZOO_FUNCTIONS)
}
#undef ZOO_STORAGES
#undef ZOO_FUNCTIONS

struct Kernels {
  const char* instruction_set;
#define ZOO_STORAGES(name, argument) void (*const* name)(argument);
#define ZOO_FUNCTIONS(name, argument) void (*name)(argument);
  ZOO_KERNEL_LIST(ZOO_STORAGES, ZOO_FUNCTIONS)
#undef ZOO_STORAGES
#undef ZOO_FUNCTIONS
};

// The best table for the processor at hand. ZOO_CPU=baseline|avx2|avx512 in the environment asks for a lesser one.
const Kernels& kernels();

// AMX; null where there is none, or ZOO_CPU asks for an instruction set.
const Multiplier* bfloat16_multiplier();

}  // namespace zoo
