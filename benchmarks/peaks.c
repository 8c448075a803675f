// What one core's vector units give at most: products and sums of registers alone. peaks.py compiles and runs it.
#include <immintrin.h>
#include <stdio.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

enum { kChains = 12 };  // more than a unit's latency, so that none waits for another
static const long kRounds = 20000000;

// Times `one(sum)` for all chains in turn, and tells operations a second: products and sums.
#define MEASURE(name, operations, one)                                                   \
  do {                                                                                   \
    __m512 sums[kChains];                                                                \
    for (int i = 0; i < kChains; ++i) sums[i] = _mm512_set1_ps(1e-3f * (float)i);        \
    const double begun = now();                                                          \
    for (long round = 0; round < kRounds; ++round) {                                     \
      _Pragma("GCC unroll 12") for (int i = 0; i < kChains; ++i) sums[i] = one(sums[i]); \
      __asm__ volatile("" ::"v"(sums[0]), "v"(sums[6]));                                 \
    }                                                                                    \
    const double seconds = now() - begun;                                                \
    for (int i = 1; i < kChains; ++i) sums[0] = _mm512_add_ps(sums[0], sums[i]);         \
    __asm__ volatile("" ::"v"(sums[0]));                                                 \
    printf("%s %.1f\n", name, kRounds * kChains * (double)(operations) / seconds / 1e9); \
  } while (0)

int main(int count, char** arguments) {
  (void)arguments;
  const __m512 x = _mm512_set1_ps(1e-5f);
#define FLOAT(sum) _mm512_fmadd_ps(x, x, sum)
  MEASURE("float32", 32, FLOAT);
  if (count > 1) {  // asked for: a processor without the instruction ends the program
    fflush(stdout);
    const __m512bh y = (__m512bh)x;
#define BFLOAT(sum) _mm512_dpbf16_ps(sum, y, y)
    MEASURE("bfloat16", 64, BFLOAT);
  }
  return 0;
}
