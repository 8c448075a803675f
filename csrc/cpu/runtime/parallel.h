// Loops over torch's threads, and how work is cut: by the size of the problem alone, never by the number of threads, so
// that sums come out the same to the last bit on any number of them.
#pragma once

#include "../../inline.h"
#include "runtime.h"

namespace zoo {
namespace {

constexpr int64_t kChunkBytes = 1 << 17;  // of input per chunk: two or three such tiles fit in a core's L2
constexpr int64_t kMostChunks = 256;

template <class F>
ZOO_INLINE void parallel(int64_t count, int64_t grain, const F& body) {
  parallel_ranges(
      count, grain, [](void* context, int64_t begin, int64_t end) { (*static_cast<const F*>(context))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

struct Chunks {
  int64_t count, length, total;  // `count` chunks of `length`, the last one shorter, make up `total`

  Chunks(int64_t items, int64_t bytes_per_item) : total(items) {
    int64_t wanted = items * bytes_per_item / kChunkBytes;
    wanted = wanted < 1 ? 1 : (wanted > kMostChunks ? kMostChunks : wanted);
    length = (items + wanted - 1) / wanted;
    count = items == 0 ? 0 : (items + length - 1) / length;
  }
  int64_t begin(int64_t i) const { return i * length; }
  int64_t end(int64_t i) const { return (i + 1) * length < total ? (i + 1) * length : total; }
};

}  // namespace
}  // namespace zoo
