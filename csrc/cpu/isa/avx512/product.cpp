#include "../begin_avx512.h"
#ifdef ZOO_ISA
#include "../product.h"
#include "../end.h"
#endif
