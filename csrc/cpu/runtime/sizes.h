// Arithmetic of sizes.
#pragma once

#include <stdint.h>

#include "../../inline.h"

namespace zoo {
namespace {

ZOO_INLINE int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
ZOO_INLINE int64_t ceil_divide(int64_t n, int64_t by) { return (n + by - 1) / by; }
ZOO_INLINE int64_t at_most(int64_t n, int64_t limit) { return n < limit ? n : limit; }
ZOO_INLINE int64_t at_least(int64_t n, int64_t limit) { return n > limit ? n : limit; }

}  // namespace
}  // namespace zoo
