// The kernels of convolutions in bfloat16, for the instruction set that a file in this folder's folders has begun.
#include "define.h"
#include "../bfloat16/images.h"
#include "../bfloat16/weight.h"

namespace zoo {
ZOO_BFLOAT16_KERNELS(ZOO_STORAGES, ZOO_FUNCTIONS)
}
