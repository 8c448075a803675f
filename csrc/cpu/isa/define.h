// How the kernels of an instruction set are defined: those of every storage as an array of constants, in the order of Storage, the
// others as a function. The arrays are looked at on processors that do not have the instructions: nothing of them is computed.
#pragma once

#include "kernels.h"

namespace zoo {
static_assert(kFloat32 == 0 && kFloat64 == 1 && kBFloat16 == 2 && kFloat16 == 3 && kStorages == 4);
}

#define ZOO_STORAGES(name, argument)                   \
  void (*const ZOO_ISA::name[kStorages])(argument) = { \
      zoo::name<float>, zoo::name<double>, zoo::name<bfloat16>, zoo::name<float16>};
#define ZOO_FUNCTIONS(name, argument) \
  void ZOO_ISA::name(argument a) { zoo::name(a); }
