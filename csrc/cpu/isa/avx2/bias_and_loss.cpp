#include "../begin_avx2.h"
#ifdef ZOO_ISA
#include "../bias_and_loss.h"
#include "../end.h"
#endif
