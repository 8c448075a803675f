// The border between the ops (compiled once, speak to torch) and the kernels (compiled once per instruction set, speak to plain
// memory): one list, from which the struct of function pointers and the tables of all instruction sets (table.h) are made.
#pragma once

#include "../batch_norm_act/arguments.h"
#include "../bias_act/arguments.h"
#include "../convolution/arguments.h"
#include "../gemm/arguments.h"
#include "../losses/arguments.h"

// Every kernel once: its name and its argument. STORAGES are templates over the type of the elements, of which a table has one for
// each of Storage; FLOAT32 are functions.
#define ZOO_KERNEL_LIST(STORAGES, FLOAT32)                \
  STORAGES(batch_norm_forward, const BatchNormForward&)   \
  STORAGES(batch_norm_backward, const BatchNormBackward&) \
  STORAGES(bias_forward, const BiasForward&)              \
  STORAGES(bias_backward, const BiasBackward&)            \
  STORAGES(loss_side, LossSide&)                          \
  STORAGES(scaled_copy, const ScaledCopy&)                \
  FLOAT32(convolve_forward, const Convolution&)           \
  FLOAT32(convolve_transposed, const Convolution&)        \
  FLOAT32(convolve_weight, const Convolution&)            \
  FLOAT32(gemm, const Gemm&)

namespace zoo {

struct Kernels {
  const char* instruction_set;
#define ZOO_STORAGES(name, argument) void (*name[kStorages])(argument);
#define ZOO_FLOAT32(name, argument) void (*name)(argument);
  ZOO_KERNEL_LIST(ZOO_STORAGES, ZOO_FLOAT32)
#undef ZOO_STORAGES
#undef ZOO_FLOAT32
};

// One table per compiled instruction set; null where the compiler does not make it for this machine's family.
const Kernels* baseline_kernels();
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();

// The best table for the processor at hand. ZOO_CPU=baseline|avx2|avx512 in the environment asks for a lesser one.
const Kernels& kernels();

}  // namespace zoo
