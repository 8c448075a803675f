// What the kernels need of the machine: the instruction set, torch's threads, memory.
#include <cstdlib>
#include <cstring>
#include <new>

#include <torch/csrc/stable/c/shim.h>
#include <torch/headeronly/util/shim_utils.h>

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

struct Scratch {
  void* memory = nullptr;
  int64_t bytes = 0;
  ~Scratch() { std::free(memory); }
};

}  // namespace

const Kernels& kernels() {
  static const Kernels* const chosen = choose();
  return *chosen;
}

void parallel_ranges(int64_t count, int64_t grain, void (*body)(void*, int64_t, int64_t), void* context) {
  if (count <= 0) return;
  if (count <= grain) return body(context, 0, count);
  struct Call {
    void (*body)(void*, int64_t, int64_t);
    void* context;
  } call{body, context};
  const auto run = [](int64_t begin, int64_t end, void* raw) {
    const Call* c = static_cast<const Call*>(raw);
    c->body(c->context, begin, end);
  };
  // torch runs this in place where it is in a parallel region already: threads are never nested.
  TORCH_ERROR_CODE_CHECK(torch_parallel_for(0, count, grain, run, &call));
}

void* scratch(int64_t bytes, ScratchPurpose purpose) {
  static thread_local Scratch all[kScratchPurposes];
  Scratch& own = all[purpose];
  if (own.bytes < bytes) {
    std::free(own.memory);
    own.bytes = (bytes + bytes / 2 + 4095) / 4096 * 4096;
    own.memory = std::aligned_alloc(64, size_t(own.bytes));
    if (!own.memory) {
      own.bytes = 0;
      throw std::bad_alloc();
    }
  }
  return own.memory;
}

}  // namespace zoo

// For zoo.ops.build_info, through ctypes.
extern "C" __attribute__((visibility("default"))) const char* zoo_instruction_set() { return zoo::kernels().instruction_set; }
