// Services for the kernels: threads and memory.
#pragma once

#include <stdint.h>

namespace zoo {

// Calls body(context, begin, end) on parts of [0, count) from torch's threads; in place where count <= grain.
void parallel_ranges(int64_t count, int64_t grain, void (*body)(void*, int64_t, int64_t), void* context);

// Memory of the calling thread, 64-byte aligned, valid until its next request for the same purpose; not cleared.
enum ScratchPurpose { kBlockScratch = 0, kWeightScratch = 1, kScratchPurposes = 2 };
void* scratch(int64_t bytes, ScratchPurpose purpose = kBlockScratch);

}  // namespace zoo
