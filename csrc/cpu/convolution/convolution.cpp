// zoo::conv2d_forward, zoo::conv_transpose2d_forward and zoo::conv2d_weight_gradient on the CPU, for float32.
#include <torch/csrc/stable/library.h>

#include "../../tensors.h"
#include "../isa/kernels.h"
#include "outputs.h"

namespace zoo {
namespace {

void require_image(const char* op, const char* name, const Tensor& t) {
  ZOO_REQUIRE(t.scalar_type() == ScalarType::Float, op, ": ", name, " of shape ", shape_of(t), " is not float32");
  ZOO_REQUIRE(t.dim() == 4 && t.size(1) > 0, op, ": ", name, " has shape ", shape_of(t), "; (N, C, H, W) is needed");
}

// What kernel.h knows.
void require_kernel(const char* op, int64_t kernel, int64_t stride, int64_t padding) {
  const bool known = stride == 2 ? kernel >= 3 && kernel <= 5 : stride == 1 && kernel == 3;
  ZOO_REQUIRE(known, op, ": no kernel of ", kernel, "x", kernel, " with stride ", stride);
  ZOO_REQUIRE(padding >= 0 && padding < kernel, op, ": padding is ", padding, "; 0 to ", kernel - 1, " fit");
}

// The struct without memory. `x` is the larger image and `y` the smaller one.
Convolution convolution(
    const char* op, int64_t kernel, int64_t stride, int64_t padding, int64_t batch, std::array<int64_t, 3> x,
    std::array<int64_t, 3> y) {
  require_kernel(op, kernel, stride, padding);
  for (const int d : {1, 2}) {
    const int64_t room = x[d] + 2 * padding - kernel;
    ZOO_REQUIRE(
        x[d] > 0 && room >= 0 && room / stride + 1 == y[d], op, ": images of ", x[1], "x", x[2], " and ", y[1], "x", y[2],
        " do not go together with a kernel of ", kernel, ", stride ", stride, " and padding ", padding);
  }
  Convolution c{};
  c.kernel = int(kernel);
  c.stride = int(stride);
  c.top = c.left = padding;
  c.batch = batch;
  c.x_channels = x[0];
  c.x_height = x[1];
  c.x_width = x[2];
  c.y_channels = y[0];
  c.y_height = y[1];
  c.y_width = y[2];
  return c;
}

// The weights' memory: contiguous, or channels_last.
void set_weight(Convolution& c, float* data, bool contiguous) {
  const int64_t taps = int64_t(c.kernel) * c.kernel, kernel = c.kernel, inner = contiguous ? 1 : c.x_channels;
  c.weight = data;
  c.weight_steps[0] = taps * c.x_channels;
  c.weight_steps[1] = contiguous ? taps : 1;
  c.weight_steps[2] = kernel * inner;
  c.weight_steps[3] = inner;
}

float* memory_of(const Tensor& t) { return const_cast<float*>(static_cast<const float*>(t.const_data_ptr())); }

void require_weight(const char* op, const Tensor& weight, const Tensor& x, int64_t channels) {
  require_image(op, "weight", weight);
  ZOO_REQUIRE(weight.size(0) > 0, op, ": weight has shape ", shape_of(weight), ", without a channel");
  ZOO_REQUIRE(
      weight.size(2) == weight.size(3) && weight.size(channels) == x.size(1), op, ": weight has shape ", shape_of(weight),
      ", which does not fit images of shape ", shape_of(x));
}

Tensor forward(const Tensor& input, const Tensor& given, int64_t stride, int64_t padding) {
  constexpr const char* op = "conv2d";
  require_image(op, "x", input);
  require_weight(op, given, input, 1);
  const int64_t kernel = given.size(2);
  require_kernel(op, kernel, stride, padding);
  const int64_t height = (input.size(2) + 2 * padding - kernel) / stride + 1;
  const int64_t width = (input.size(3) + 2 * padding - kernel) / stride + 1;
  Convolution c = convolution(
      op, kernel, stride, padding, input.size(0), {input.size(1), input.size(2), input.size(3)},
      {given.size(0), height, width});
  const Tensor x = in_layout(input, true), weight = plain(given);
  Tensor y = new_images(x, c.batch, c.y_channels, height, width, true);
  c.x = memory_of(x);
  c.y = static_cast<float*>(y.mutable_data_ptr());
  set_weight(c, memory_of(weight), weight.is_contiguous());
  c.outputs = outputs_per_tile(c, Direction::forward);
  if (c.batch > 0) kernels().convolve_forward(c);
  return y;
}

Tensor transposed(
    const Tensor& input, const Tensor& given, int64_t stride, int64_t padding, int64_t height, int64_t width) {
  constexpr const char* op = "conv_transpose2d";
  require_image(op, "x", input);
  require_weight(op, given, input, 0);
  Convolution c = convolution(
      op, given.size(2), stride, padding, input.size(0), {given.size(1), height, width},
      {input.size(1), input.size(2), input.size(3)});
  const Tensor y = in_layout(input, true), weight = plain(given);
  Tensor x = new_images(y, c.batch, c.x_channels, height, width, true);
  c.x = static_cast<float*>(x.mutable_data_ptr());
  c.y = memory_of(y);
  set_weight(c, memory_of(weight), weight.is_contiguous());
  c.outputs = outputs_per_tile(c, Direction::transposed);
  if (c.batch > 0) kernels().convolve_transposed(c);
  return x;
}

Tensor weight_gradient(
    const Tensor& input, const Tensor& given, int64_t kernel, int64_t stride, int64_t padding, bool channels_last) {
  constexpr const char* op = "conv2d_weight_gradient";
  require_image(op, "x", input);
  require_image(op, "gradient", given);
  ZOO_REQUIRE(
      input.size(0) == given.size(0), op, ": x of shape ", shape_of(input), " and gradient of shape ", shape_of(given),
      " differ in their number of images");
  Convolution c = convolution(
      op, kernel, stride, padding, input.size(0), {input.size(1), input.size(2), input.size(3)},
      {given.size(1), given.size(2), given.size(3)});
  const Tensor x = in_layout(input, true), gradient = in_layout(given, true);
  Tensor weight = new_images(x, c.y_channels, c.x_channels, kernel, kernel, channels_last);
  c.x = memory_of(x);
  c.y = memory_of(gradient);
  set_weight(c, static_cast<float*>(weight.mutable_data_ptr()), !channels_last);
  c.outputs = outputs_per_tile(c, Direction::weight);
  kernels().convolve_weight(c);
  return weight;
}

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CPU, m) {
  m.impl("conv2d_forward", TORCH_BOX(&zoo::forward));
  m.impl("conv_transpose2d_forward", TORCH_BOX(&zoo::transposed));
  m.impl("conv2d_weight_gradient", TORCH_BOX(&zoo::weight_gradient));
}
