// How many outputs the tiles of a convolution have in each direction: two, or four where that is faster.
#pragma once

#include <cstdlib>
#include <cstring>

#include "arguments.h"

namespace zoo {

enum class Direction { forward, transposed, weight };

// Which sizes of tiles may be taken. ZOO_WINOGRAD=small|large in the environment asks for those of two or, wherever there are
// such, of four outputs.
enum class Tiles { chosen, small, large };

inline Tiles tiles_asked() {
  static const Tiles once = [] {
    const char* asked = std::getenv("ZOO_WINOGRAD");
    if (asked && std::strcmp(asked, "small") == 0) return Tiles::small;
    return asked && std::strcmp(asked, "large") == 0 ? Tiles::large : Tiles::chosen;
  }();
  return once;
}

// Four outputs need more matrices, each of a quarter of the rows: what they cost goes with the matrices' number and, for each, with
// the tiles and with the weights, whose transform takes as long as the products of some tiles. A tile that reaches over the edge of
// the image costs as much as any other. Measured on one thread and on two, with AVX-512 and with AVX2: images of 4x4 to 64x64, 24 to
// 512 channels, batches of 16 and 64.
inline int outputs_per_tile(const Convolution& c, Direction direction) {
  const bool weight = direction == Direction::weight, dense = c.stride == 1;
  const int kernel = c.kernel;
  // For some there are none of four, which would be slower for every image: kernel.h.
  if (tiles_asked() == Tiles::small || (kernel == 3 && !dense) || (kernel == 5 && weight)) return 2;
  if (tiles_asked() == Tiles::large) return 4;
  const int64_t weights = weight ? 10 : 50;
  const auto cost = [&](int outputs) {
    const auto tiles = [&](int64_t size) { return (size + outputs - 1) / outputs; };
    // Both kinds of rows of x, where these are the results, are an image of half the height each.
    const bool halves = direction == Direction::transposed && !dense;
    const int64_t height = halves ? (c.x_height + 1) / 2 : c.y_height, width = halves ? (c.x_width + 1) / 2 : c.y_width;
    const int64_t line = kernel + c.stride * (outputs - 1);  // the products in one direction, of all phases
    return double(line * line) * double(c.batch * tiles(height) * tiles(width) + weights);
  };
  const double margin = weight && dense ? 1.65 : 1.22;  // for larger transforms
  return margin * cost(4) < cost(2) ? 4 : 2;
}

}  // namespace zoo
