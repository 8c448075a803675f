// Convolutions of images with few channels, as networks have them at their ends: 3 or 1 to 64. There is nothing to win in
// transforms; the patches of such an image, padded with its zeros, are matrices as they lie: a row of the kernel covers
// kernel * channels neighbouring numbers, and the next pixel's are a stride further on.
#pragma once

#include "filters.h"

namespace zoo {
namespace {

// The padded image and the rows of its patches.
struct Patches {
  int64_t height, width;  // of the padded image
  int64_t row;            // numbers in a row of the padded image
  int64_t reach, step;    // numbers in a row of a patch, and from one patch to the next

  explicit Patches(const Convolution& c)
      : height(at_least(c.x_height + c.top, c.stride * (c.y_height - 1) + c.kernel)),
        width(at_least(c.x_width + c.left, c.stride * (c.y_width - 1) + c.kernel)),
        row(width * c.x_channels),
        reach(c.kernel * c.x_channels),
        step(c.stride * c.x_channels) {}
  int64_t floats() const { return height * row; }
};

// How many neighbouring patches share a number. Every so many-th patch lies beside the one before it, not on it.
ZOO_INLINE int64_t patches_apart(const Convolution& c) { return ceil_divide(c.kernel, c.stride); }

// Whether these kernels serve: the rows of a patch fit into a panel.
ZOO_INLINE bool has_small_channels(const Convolution& c) {
  return c.x_channels <= 4 && patches_apart(c) * c.stride * c.x_channels <= kPanel && c.y_channels % lanes<float> == 0;
}

// What surrounds the image is zero already.
ZOO_INLINE void pad(const Convolution& c, const Patches& p, int64_t image, float* to) {
  const int64_t length = c.x_width * c.x_channels;
  for (int64_t i = 0; i < c.x_height; ++i) {
    const float* from = c.x + (image * c.x_height + i) * length;
    float* row = to + (c.top + i) * p.row + c.left * c.x_channels;
    along<float>(length, [=](int64_t at, auto values) ZOO_LAMBDA { store(row + at, load(from + at, values), values); });
  }
}

ZOO_INLINE float* cleared(float* memory, int64_t floats) {
  for (int64_t i = 0; i < floats; ++i) memory[i] = 0;
  return memory;
}

ZOO_INLINE float* small_channels_scratch(int64_t floats, ScratchPurpose purpose) {
  return static_cast<float*>(scratch(floats * int64_t(sizeof(float)), purpose));
}

// The number of the weights that a patch's row u and number n in it, (column, channel), is multiplied with for channel k.
ZOO_INLINE int64_t weight_at(const Convolution& c, int64_t u, int64_t n, int64_t k) {
  const int64_t* step = c.weight_steps;
  return k * step[0] + n % c.x_channels * step[1] + u * step[2] + n / c.x_channels * step[3];
}

void small_channels_forward(const Convolution& c) {
  const Patches p(c);
  // [panel][row of the patch][number in it][channel in panel]
  const int64_t depth = c.kernel * p.reach;
  float* const weights = small_channels_scratch(depth * c.y_channels, kWeightScratch);
  for (int64_t panel = 0; panel < c.y_channels; panel += kPanel) {
    const int64_t width = at_most(c.y_channels - panel, kPanel);
    for (int64_t i = 0; i < depth; ++i) {
      for (int64_t k = 0; k < width; ++k) {
        weights[panel * depth + i * width + k] = c.weight[weight_at(c, i / p.reach, i % p.reach, panel + k)];
      }
    }
  }
  parallel(c.batch, 1, [&](int64_t begin, int64_t end) {
    float* const padded = cleared(small_channels_scratch(p.floats(), kBlockScratch), p.floats());
    for (int64_t image = begin; image < end; ++image) {
      pad(c, p, image, padded);
      for (int64_t i = 0; i < c.y_height; ++i) {
        float* const y = c.y + (image * c.y_height + i) * c.y_width * c.y_channels;
        for (int64_t panel = 0; panel < c.y_channels; panel += kPanel) {
          const int64_t width = at_most(c.y_channels - panel, kPanel);
          panel_product<false>(
              {padded + i * c.stride * p.row, p.step, p.row, c.kernel, p.reach, weights + panel * depth, width, y + panel,
               c.y_channels, false},
              c.y_width, width);
        }
      }
    }
  });
}

// Each pixel of y gives a patch; patches that do not touch are computed as one stretch of a row, and added to it.
void small_channels_transposed(const Convolution& c) {
  const Patches p(c);
  const int64_t apart = patches_apart(c), period = apart * p.step, width = round_up(period, lanes<float>);
  const int64_t matrix = c.y_channels * width;
  float* const weights = cleared(small_channels_scratch(c.kernel * matrix, kWeightScratch), c.kernel * matrix);
  for (int64_t u = 0; u < c.kernel; ++u) {
    for (int64_t k = 0; k < c.y_channels; ++k) {
      for (int64_t n = 0; n < p.reach; ++n) weights[u * matrix + k * width + n] = c.weight[weight_at(c, u, n, k)];
    }
  }
  parallel(c.batch, 1, [&](int64_t begin, int64_t end) {
    float* const padded = small_channels_scratch(p.floats() + c.y_width * period + kPanel, kBlockScratch);
    float* const stretch = padded + p.floats();
    for (int64_t image = begin; image < end; ++image) {
      cleared(padded, p.floats());
      for (int64_t i = 0; i < c.y_height; ++i) {
        const float* const y = c.y + (image * c.y_height + i) * c.y_width * c.y_channels;
        for (int64_t u = 0; u < c.kernel; ++u) {
          for (int64_t first = 0; first < at_most(apart, c.y_width); ++first) {
            const int64_t count = ceil_divide(c.y_width - first, apart);
            // A tile is wider than the period; what it writes beyond is 0, and the next row's own comes after it.
            panel_product(
                y + first * c.y_channels, apart * c.y_channels, count, weights + u * matrix, width, c.y_channels, stretch,
                period);
            float* const row = padded + (i * c.stride + u) * p.row + first * p.step;
            along<float>((count - 1) * period + p.reach, [=](int64_t at, auto values) ZOO_LAMBDA {
              store(row + at, load(row + at, values) + load(stretch + at, values), values);
            });
          }
        }
      }
      const int64_t length = c.x_width * c.x_channels;
      for (int64_t i = 0; i < c.x_height; ++i) {
        const float* from = padded + (c.top + i) * p.row + c.left * c.x_channels;
        float* to = c.x + (image * c.x_height + i) * length;
        along<float>(length, [=](int64_t at, auto values) ZOO_LAMBDA { store(to + at, load(from + at, values), values); });
      }
    }
  });
}

void small_channels_weight(const Convolution& c) {
  constexpr int64_t kParts = 8;
  const Patches p(c);
  const int64_t size = c.kernel * p.reach * c.y_channels;  // [row of the patch][number in it][channel of y]
  const int64_t images = at_least(ceil_divide(c.batch, kParts), 1), parts = at_least(ceil_divide(c.batch, images), 1);
  float* const sums = small_channels_scratch(parts * size, kWeightScratch);
  parallel(parts, 1, [&](int64_t begin, int64_t end) {
    float* const padded = cleared(small_channels_scratch(p.floats(), kBlockScratch), p.floats());
    const int64_t run = at_least(kLongestSum / c.y_width, 1);  // rows of y that are one sum
    for (int64_t part = begin; part < end; ++part) {
      float* const sum = cleared(sums + part * size, size);
      for (int64_t image = part * images; image < at_most((part + 1) * images, c.batch); ++image) {
        pad(c, p, image, padded);
        for (int64_t i = 0; i < c.y_height; i += run) {
          const float* const y = c.y + (image * c.y_height + i) * c.y_width * c.y_channels;
          for (int64_t panel = 0; panel < c.y_channels; panel += kPanel) {
            for (int64_t u = 0; u < c.kernel; ++u) {
              panel_product<true>(
                  {padded + (i * c.stride + u) * p.row, p.step, c.stride * p.row, at_most(c.y_height - i, run), c.y_width,
                   y + panel, c.y_channels, sum + u * p.reach * c.y_channels + panel, c.y_channels, true},
                  p.reach, at_most(c.y_channels - panel, kPanel));
            }
          }
        }
      }
    }
  });
  for (int64_t i = 0; i < size; ++i) {
    float sum = 0;
    for (int64_t part = 0; part < parts; ++part) sum += sums[part * size + i];
    const int64_t number = i / c.y_channels;
    c.weight[weight_at(c, number / p.reach, number % p.reach, i % c.y_channels)] = sum;
  }
}

}  // namespace
}  // namespace zoo
