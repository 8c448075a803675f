// The kernels of convolutions and of dense products, for the instruction set that a file in this folder's folders has begun.
#include "define.h"
#include "../convolution/kernel.h"
#include "../gemm/kernel.h"

namespace zoo {
ZOO_PRODUCT_KERNELS(ZOO_STORAGES, ZOO_FUNCTIONS)
}
