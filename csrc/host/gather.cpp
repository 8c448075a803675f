#include "gather.h"

#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

namespace zoo {
namespace {

// A thread costs some 50 microseconds to start, as long as this many values take; and a training step wants the cores too.
constexpr int64_t kValuesPerThread = 1 << 22;
constexpr int64_t kMostThreads = 4;

// The whole image in the order in which it is stored: channels_last output, or one channel, and no flip.
void straight(const float* table, const uint8_t* from, float* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = table[from[i]];
}

// One row of one channel; steps in elements, negative `from_step` for a mirrored row.
void line(const float* table, const uint8_t* from, int64_t from_step, float* to, int64_t to_step, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i * to_step] = table[from[i * from_step]];
}

}  // namespace

void gather_images(const Batch& b, int64_t begin, int64_t end) {
  const int64_t size = sizeof(float), *in = b.images.strides, *out = b.out.strides;
  const int64_t values = b.height * b.width * b.channels;
  const bool stored_in_order = in[3] == 1 && in[2] == b.channels && in[1] == b.width * b.channels;
  const bool wanted_in_order =
      (b.channels == 1 || out[1] == size) && out[3] == b.channels * size && out[2] == b.width * b.channels * size;
  const bool whole_floats = out[3] % size == 0;
  for (int64_t i = begin; i < end; ++i) {
    const uint8_t* from = b.images.data + b.indices[i] * in[0];
    char* to = b.out.data + i * out[0];
    const bool flip = b.flips && b.flips[i];
    if (stored_in_order && wanted_in_order && !flip) {
      straight(b.table, from, reinterpret_cast<float*>(to), values);
      continue;
    }
    for (int64_t c = 0; c < b.channels; ++c) {
      for (int64_t h = 0; h < b.height; ++h) {
        const uint8_t* first = from + c * in[3] + h * in[1] + (flip ? (b.width - 1) * in[2] : 0);
        char* row = to + c * out[1] + h * out[2];
        if (whole_floats) {
          line(b.table, first, flip ? -in[2] : in[2], reinterpret_cast<float*>(row), out[3] / size, b.width);
        } else {  // a view into records: every value at an address of its own
          for (int64_t w = 0; w < b.width; ++w) {
            __builtin_memcpy(row + w * out[3], &b.table[first[flip ? -w * in[2] : w * in[2]]], size);
          }
        }
      }
    }
  }
}

void gather_batch(const Batch& b, int64_t count) {
  const int64_t values = count * b.height * b.width * b.channels;
  const int64_t cores = std::max<int64_t>(1, std::thread::hardware_concurrency());
  const int64_t threads = std::clamp<int64_t>(values / kValuesPerThread, 1, std::min({kMostThreads, cores, count}));
  std::vector<std::thread> others;
  others.reserve(size_t(threads));
  int64_t t = 1;
  try {
    for (; t < threads; ++t) {
      others.emplace_back(
          [&b, begin = count * t / threads, end = count * (t + 1) / threads] { gather_images(b, begin, end); });
    }
  } catch (const std::exception&) {
    // The system has no thread to give: the rest is done here, more slowly.
  }
  gather_images(b, 0, count / threads);
  if (t < threads) gather_images(b, count * t / threads, count);
  for (std::thread& other : others) other.join();
}

}  // namespace zoo
