// The kernels of bias_act, of the losses and of augment, for the instruction set that a file in this folder's folders has begun.
#include "define.h"
#include "../augment/kernel.h"
#include "../bias_act/kernel.h"
#include "../losses/kernel.h"

namespace zoo {
ZOO_BIAS_AND_LOSS_KERNELS(ZOO_STORAGES, ZOO_FLOAT32)
}
