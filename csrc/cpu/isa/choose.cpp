// The instruction set for the processor at hand.
#include <cstdlib>
#include <cstring>

#include "kernels.h"

namespace zoo {
namespace {

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

const Kernels& kernels() {
  static const Kernels* const chosen = choose();
  return *chosen;
}

}  // namespace zoo

// For zoo.ops.build_info, through ctypes.
extern "C" __attribute__((visibility("default"))) const char* zoo_instruction_set() {
  return zoo::kernels().instruction_set;
}
