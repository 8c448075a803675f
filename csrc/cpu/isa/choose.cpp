// The instruction set for the processor at hand.
#include <cstdlib>
#include <cstring>

#include "kernels.h"

namespace zoo {
namespace {

// One table per compiled instruction set; null where there is none: for other families of processors, and where whoever builds for
// one machine alone leaves the others out (ZOO_WITHOUT_…).
#define ZOO_NAME(name, argument) name,

const Kernels* baseline_kernels() {
#ifndef ZOO_WITHOUT_BASELINE
  using namespace baseline;
  static constexpr Kernels table{"baseline", ZOO_KERNEL_LIST(ZOO_NAME, ZOO_NAME)};
  return &table;
#else
  return nullptr;
#endif
}

const Kernels* avx2_kernels() {
#if defined(__x86_64__) && !defined(ZOO_WITHOUT_AVX2)
  using namespace avx2;
  static constexpr Kernels table{"avx2", ZOO_KERNEL_LIST(ZOO_NAME, ZOO_NAME)};
  return &table;
#else
  return nullptr;
#endif
}

const Kernels* avx512_kernels() {
#if defined(__x86_64__) && !defined(ZOO_WITHOUT_AVX512)
  using namespace avx512;
  static constexpr Kernels table{"avx512", ZOO_KERNEL_LIST(ZOO_NAME, ZOO_NAME)};
  return &table;
#else
  return nullptr;
#endif
}

const Kernels* choose() {
  const char* asked = std::getenv("ZOO_CPU");
  const Kernels* candidates[] = {avx512_kernels(), avx2_kernels(), baseline_kernels()};
#if defined(__x86_64__)
  __builtin_cpu_init();
  // Asks the operating system too: registers that it does not save are not there.
  if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")))
    candidates[0] = nullptr;
  if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))) candidates[0] = candidates[1] = nullptr;
#endif
  for (const Kernels* k : candidates) {
    if (k && asked && std::strcmp(k->instruction_set, asked) == 0) return k;
  }
  for (const Kernels* k : candidates) {
    if (k) return k;
  }
  return nullptr;
}

}  // namespace

namespace {

const Kernels* chosen() {
  static const Kernels* const once = choose();
  return once;
}

}  // namespace

const Kernels& kernels() { return *chosen(); }

const Multiplier* bfloat16_multiplier() {
  static const Multiplier* const once = [] {
    const char* asked = std::getenv("ZOO_CPU");
    return (asked && *asked) || std::strcmp(kernels().instruction_set, "avx512") != 0 ? nullptr : amx();
  }();
  return once;
}

}  // namespace zoo

// For zoo.ops, through ctypes: empty where this processor has none of those that were compiled, and no kernel may be called.
extern "C" __attribute__((visibility("default"))) const char* zoo_instruction_set() {
  const zoo::Kernels* kernels = zoo::chosen();
  return kernels ? kernels->instruction_set : "";
}

// Likewise: whether convolutions in bfloat16 are computed by AMX.
extern "C" __attribute__((visibility("default"))) int zoo_has_amx() { return zoo::chosen() && zoo::bfloat16_multiplier(); }
