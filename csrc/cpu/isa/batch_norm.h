// The kernels of batch_norm_act, for the instruction set that a file in this folder's folders has begun.
#include "define.h"
#include "../batch_norm_act/nchw.h"
#include "../batch_norm_act/nhwc.h"

namespace zoo {
namespace {

template <class S>
void batch_norm_forward(const BatchNormForward& a) {
  with_fusion<S>(a.fusion, [&](const auto& f) { a.extent.nhwc ? nhwc_forward<S>(a, f) : nchw_forward<S>(a, f); });
}

template <class S>
void batch_norm_backward(const BatchNormBackward& a) {
  with_fusion<S>(a.fusion, [&](const auto& f) { a.extent.nhwc ? nhwc_backward<S>(a, f) : nchw_backward<S>(a, f); });
}

}  // namespace

ZOO_BATCH_NORM_KERNELS(ZOO_STORAGES, ZOO_FUNCTIONS)
}  // namespace zoo
