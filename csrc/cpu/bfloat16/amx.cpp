// Products of bfloat16 by the tiles of Intel's AMX: TDPBF16PS multiplies 16 rows of 32 numbers by 32 rows of 16 and adds in float32.
#include "arguments.h"

// GCC has the instructions from version 11 on, in a header of that name; clang in another.
#if __has_include(<amxbf16intrin.h>) || (defined(__clang__) && __has_include(<amxintrin.h>))
#define ZOO_COMPILES_AMX
#endif

#if defined(__x86_64__) && defined(__linux__) && defined(ZOO_COMPILES_AMX) && !defined(ZOO_WITHOUT_AVX512)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ZOO_AMX __attribute__((target("amx-tile,amx-bf16")))

namespace zoo {
namespace {

// Eight tiles of 16 rows of 64 bytes: 0 to 3 are sums, 4 and 5 rows of a, 6 and 7 columns of b.
struct alignas(64) Configuration {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr Configuration kConfiguration;

ZOO_AMX void begin() { _tile_loadconfig(&kConfiguration); }

ZOO_AMX void end() { _tile_release(); }

ZOO_AMX void multiply(const Product& p) {
  constexpr int64_t half = kTileSquare / 2, row = kTile * sizeof(float);
  const int64_t a_row = p.a_row * int64_t(sizeof(uint16_t));
  for (int64_t block = 0; block < p.blocks; ++block) {
    float* c = p.c + block * kTileSquare;
    if (p.clears) {
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
    } else {
      _tile_loadd(0, c, row);
      _tile_loadd(1, c + 16, row);
      _tile_loadd(2, c + half, row);
      _tile_loadd(3, c + half + 16, row);
    }
    const uint16_t *upper = p.tiles[2 * block], *lower = p.tiles[2 * block + 1], *b = p.b;
    for (int64_t step = 0; step < p.steps; ++step, b += kTileSquare) {
      const int64_t place = p.places[step];
      _tile_loadd(6, b, 64);
      _tile_loadd(4, upper + place, a_row);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(7, b + half, 64);
      _tile_dpbf16ps(1, 4, 7);
      _tile_loadd(5, lower + place, a_row);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, row);
    _tile_stored(1, c + 16, row);
    _tile_stored(2, c + half, row);
    _tile_stored(3, c + half + 16, row);
  }
}

// The processor has the instructions, the operating system saves their registers, and lets this process use them.
bool available() {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 22 & 1) || !(d >> 24 & 1)) return false;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return false;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low >> 17 & 3) != 3) return false;
  constexpr long request = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, request, tile_data) == 0;
}

}  // namespace

const Multiplier* amx() {
  static constexpr Multiplier tiles{begin, end, multiply};
  static const bool here = available();
  return here ? &tiles : nullptr;
}

}  // namespace zoo
#else
namespace zoo {
const Multiplier* amx() { return nullptr; }
}  // namespace zoo
#endif
