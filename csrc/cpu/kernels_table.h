// The table of one instruction set: everything above, for all four storage types. Included by kernels_<set>.cpp, which
// says what to compile for and how wide a vector is.
#pragma once

#include "batch_norm_planes_op.h"
#include "batch_norm_rows_op.h"
#include "bias_act_op.h"
#include "convolution_kernels.h"
#include "dense_op.h"
#include "losses_op.h"

namespace zoo {
namespace {

template <class S>
void batch_norm_forward(const BatchNormForward& a) {
  with_fusion<S>(a.fusion, [&](const auto& f) { a.extent.rows ? rows_forward<S>(a, f) : planes_forward<S>(a, f); });
}

template <class S>
void batch_norm_backward(const BatchNormBackward& a) {
  with_fusion<S>(a.fusion, [&](const auto& f) { a.extent.rows ? rows_backward<S>(a, f) : planes_backward<S>(a, f); });
}

#define ZOO_ALL_STORAGES(function) {function<float>, function<double>, function<bfloat16>, function<float16>}
#define ZOO_KERNELS(name)                                                                                 \
  {name, ZOO_ALL_STORAGES(batch_norm_forward), ZOO_ALL_STORAGES(batch_norm_backward),                     \
   ZOO_ALL_STORAGES(bias_forward), ZOO_ALL_STORAGES(bias_backward), ZOO_ALL_STORAGES(loss_side),          \
   ZOO_ALL_STORAGES(scaled_copy), convolve_forward, convolve_transposed, convolve_weight, dense_product}

}  // namespace
}  // namespace zoo
