// zoo::conv2d_forward, zoo::conv_transpose2d_forward and zoo::conv2d_weight_gradient on the CPU, for float32 and bfloat16.
#include <type_traits>

#include <torch/csrc/stable/library.h>

#include "../../tensors.h"
#include "../isa/kernels.h"
#include "outputs.h"

namespace zoo {
namespace {

void require_image(const char* op, const char* name, const Tensor& t) {
  const ScalarType type = t.scalar_type();
  ZOO_REQUIRE(
      type == ScalarType::Float || type == ScalarType::BFloat16, op, ": ", name, " of shape ", shape_of(t),
      " is neither float32 nor bfloat16");
  ZOO_REQUIRE(t.dim() == 4 && t.size(1) > 0, op, ": ", name, " has shape ", shape_of(t), "; (N, C, H, W) is needed");
}

bool is_bfloat16(const Tensor& t) { return t.scalar_type() == ScalarType::BFloat16; }

// What convolution/kernel.h knows, and bfloat16/, which takes any kernel that leaves out no pixel.
void require_kernel(const char* op, int64_t kernel, int64_t stride, int64_t padding, bool any) {
  const bool known = any           ? stride > 0 && kernel >= stride
                     : stride == 2 ? kernel >= 3 && kernel <= 5
                                   : stride == 1 && kernel == 3;
  ZOO_REQUIRE(known, op, ": no kernel of ", kernel, "x", kernel, " with stride ", stride);
  ZOO_REQUIRE(padding >= 0 && padding < kernel, op, ": padding is ", padding, "; 0 to ", kernel - 1, " fit");
}

// The struct of either kind without memory. `x` is the larger image and `y` the smaller one.
template <class C>
C convolution(
    const char* op, int64_t kernel, int64_t stride, int64_t padding, int64_t batch, std::array<int64_t, 3> x,
    std::array<int64_t, 3> y) {
  require_kernel(op, kernel, stride, padding, std::is_same_v<C, ConvolutionBFloat16>);
  for (const int d : {1, 2}) {
    const int64_t room = x[d] + 2 * padding - kernel;
    ZOO_REQUIRE(
        x[d] > 0 && room >= 0 && room / stride + 1 == y[d], op, ": images of ", x[1], "x", x[2], " and ", y[1], "x", y[2],
        " do not go together with a kernel of ", kernel, ", stride ", stride, " and padding ", padding);
  }
  C c{};
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

template <class T>
T* memory(const Tensor& t) {
  return const_cast<T*>(static_cast<const T*>(t.const_data_ptr()));
}

void require_weight(const char* op, const Tensor& weight, const Tensor& x, int64_t channels) {
  require_image(op, "weight", weight);
  ZOO_REQUIRE(
      is_bfloat16(x) || !is_bfloat16(weight), op, ": weight of shape ", shape_of(weight), " is bfloat16, and x float32");
  ZOO_REQUIRE(weight.size(0) > 0, op, ": weight has shape ", shape_of(weight), ", without a channel");
  ZOO_REQUIRE(
      weight.size(2) == weight.size(3) && weight.size(channels) == x.size(1), op, ": weight has shape ", shape_of(weight),
      ", which does not fit images of shape ", shape_of(x));
}

std::array<int64_t, 3> extent(const Tensor& t) { return {t.size(1), t.size(2), t.size(3)}; }

// From x or from y to the other one, whichever the kernel writes.
void convolve(
    ConvolutionBFloat16& c, const Tensor& x, const Tensor& y, const Tensor& given,
    void (*kernel)(const ConvolutionBFloat16&)) {
  if (c.batch == 0) return;
  const Tensor weight = in_layout(given, true);
  c.x = memory<uint16_t>(x);
  c.y = memory<uint16_t>(y);
  c.weight = memory<void>(weight);
  c.weight_storage = is_bfloat16(weight) ? kBFloat16 : kFloat32;
  c.multiplier = bfloat16_multiplier();
  kernel(c);
}

Tensor forward(const Tensor& input, const Tensor& given, int64_t stride, int64_t padding) {
  constexpr const char* op = "conv2d";
  require_image(op, "x", input);
  require_weight(op, given, input, 1);
  const int64_t kernel = given.size(2);
  require_kernel(op, kernel, stride, padding, is_bfloat16(input));
  const int64_t height = (input.size(2) + 2 * padding - kernel) / stride + 1;
  const int64_t width = (input.size(3) + 2 * padding - kernel) / stride + 1;
  const std::array<int64_t, 3> result = {given.size(0), height, width};
  const Tensor x = in_layout(input, true);
  if (is_bfloat16(x)) {
    auto c = convolution<ConvolutionBFloat16>(op, kernel, stride, padding, x.size(0), extent(x), result);
    Tensor y = new_images(x, c.batch, c.y_channels, height, width, true);
    convolve(c, x, y, given, kernels().convolve_bfloat16_forward);
    return y;
  }
  auto c = convolution<Convolution>(op, kernel, stride, padding, x.size(0), extent(x), result);
  Tensor y = new_images(x, c.batch, c.y_channels, height, width, true);
  const Tensor weight = plain(given);
  c.x = memory<float>(x);
  c.y = memory<float>(y);
  set_weight(c, memory<float>(weight), weight.is_contiguous());
  c.outputs = outputs_per_tile(c, Direction::forward);
  if (c.batch > 0) kernels().convolve_forward(c);
  return y;
}

Tensor transposed(
    const Tensor& input, const Tensor& given, int64_t stride, int64_t padding, int64_t height, int64_t width) {
  constexpr const char* op = "conv_transpose2d";
  require_image(op, "x", input);
  require_weight(op, given, input, 0);
  const int64_t kernel = given.size(2);
  const std::array<int64_t, 3> result = {given.size(1), height, width};
  const Tensor y = in_layout(input, true);
  if (is_bfloat16(y)) {
    auto c = convolution<ConvolutionBFloat16>(op, kernel, stride, padding, y.size(0), result, extent(y));
    Tensor x = new_images(y, c.batch, c.x_channels, height, width, true);
    convolve(c, x, y, given, kernels().convolve_bfloat16_transposed);
    return x;
  }
  auto c = convolution<Convolution>(op, kernel, stride, padding, y.size(0), result, extent(y));
  const Tensor weight = plain(given);
  Tensor x = new_images(y, c.batch, c.x_channels, height, width, true);
  c.x = memory<float>(x);
  c.y = memory<float>(y);
  set_weight(c, memory<float>(weight), weight.is_contiguous());
  c.outputs = outputs_per_tile(c, Direction::transposed);
  if (c.batch > 0) kernels().convolve_transposed(c);
  return x;
}

// In float32, whatever the images are in: it is a sum of many products.
Tensor weight_gradient(
    const Tensor& input, const Tensor& given, int64_t kernel, int64_t stride, int64_t padding, bool channels_last) {
  constexpr const char* op = "conv2d_weight_gradient";
  require_image(op, "x", input);
  require_image(op, "gradient", given);
  ZOO_REQUIRE(
      input.size(0) == given.size(0), op, ": x of shape ", shape_of(input), " and gradient of shape ", shape_of(given),
      " differ in their number of images");
  ZOO_REQUIRE(
      input.scalar_type() == given.scalar_type(), op, ": x of shape ", shape_of(input), " and gradient of shape ",
      shape_of(given), " differ in their dtype");
  const Tensor x = in_layout(input, true), gradient = in_layout(given, true);
  const std::array<int64_t, 4> sizes = {gradient.size(1), x.size(1), kernel, kernel};
  const std::array<int64_t, 4> last = {kernel * kernel * x.size(1), 1, kernel * x.size(1), x.size(1)};
  const auto new_weight = [&](bool nhwc) {
    return nhwc ? new_strided(x, sizes.data(), last.data(), 4, ScalarType::Float) : new_tensor(x, sizes, ScalarType::Float);
  };
  if (is_bfloat16(x)) {
    auto c = convolution<ConvolutionBFloat16>(op, kernel, stride, padding, x.size(0), extent(x), extent(gradient));
    const bool both = c.x_channels == 1 || kernel == 1;  // layouts at once: the strides say which is meant
    const Tensor weight = new_weight(channels_last || !both);
    c.x = memory<uint16_t>(x);
    c.y = memory<uint16_t>(gradient);
    c.weight = memory<float>(weight);
    c.multiplier = bfloat16_multiplier();
    kernels().convolve_bfloat16_weight(c);
    return channels_last || both ? weight : torch::stable::contiguous(weight);
  }
  auto c = convolution<Convolution>(op, kernel, stride, padding, x.size(0), extent(x), extent(gradient));
  Tensor weight = new_weight(channels_last);
  c.x = memory<float>(x);
  c.y = memory<float>(gradient);
  set_weight(c, memory<float>(weight), !channels_last);
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
