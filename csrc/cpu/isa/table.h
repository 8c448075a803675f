// The table of one instruction set. Included by avx512.cpp, avx2.cpp and baseline.cpp, which say what to compile for and how wide
// a vector is.
#pragma once

#include "kernels.h"
#include "../batch_norm_act/nchw.h"
#include "../batch_norm_act/nhwc.h"
#include "../bias_act/kernel.h"
#include "../convolution/kernel.h"
#include "../gemm/kernel.h"
#include "../losses/kernel.h"

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
}  // namespace zoo

// A constant: a table is looked at on processors that do not have its instructions.
#define ZOO_STORAGES(name, argument) {name<float>, name<double>, name<bfloat16>, name<float16>},
#define ZOO_FLOAT32(name, argument) name,
#define ZOO_TABLE(instruction_set) {instruction_set, ZOO_KERNEL_LIST(ZOO_STORAGES, ZOO_FLOAT32)}
