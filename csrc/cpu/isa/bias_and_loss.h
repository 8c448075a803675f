// The kernels of bias_act, of the losses, of augment and of upfirdn2d, for the instruction set that a file in this folder's folders
// has begun.
#include "define.h"
#include "../augment/kernel.h"
#include "../bias_act/kernel.h"
#include "../losses/kernel.h"
#include "../upfirdn2d/kernel.h"

namespace zoo {
ZOO_BIAS_AND_LOSS_KERNELS(ZOO_STORAGES, ZOO_FUNCTIONS)
}
