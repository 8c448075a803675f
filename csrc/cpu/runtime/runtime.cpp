// What the kernels need of the machine: torch's threads, memory.
#include <cstdlib>
#include <new>

#include <torch/csrc/stable/c/shim.h>
#include <torch/headeronly/util/shim_utils.h>

#include "runtime.h"

namespace zoo {
namespace {

struct Scratch {
  void* memory = nullptr;
  int64_t bytes = 0;
  ~Scratch() { std::free(memory); }
};

}  // namespace

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
