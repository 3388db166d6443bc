#include <tenon/nn/layers/convolution.h>

#include <tenon/nn/init.h>
#include <tenon/nn/parameter.h>
#include <tenon/runtime/ops/creation.h>

namespace tenon::nn {

namespace {

void check_channels(const char* name, int64_t in, int64_t out, int64_t groups, Pair kernel) {
  check(in > 0 && out > 0 && kernel.height > 0 && kernel.width > 0, ErrorCode::kInvalidArgument,
        name, "channels and kernel size must be > 0, got ", in, ", ", out, " and ", kernel);
  check(groups > 0 && in % groups == 0 && out % groups == 0, ErrorCode::kInvalidArgument, name,
        "groups must divide both channels, got ", groups, " for ", in, " and ", out);
}

}  // namespace

Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel_size,
               const Conv2dOptions& options)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {
  const int64_t groups = options.groups;
  check_channels("Conv2d", in_channels, out_channels, groups, kernel_size);
  weight = parameter(empty(
      {out_channels, in_channels / groups, kernel_size.height, kernel_size.width}, options.tensor));
  if (options.bias) bias = parameter(empty({out_channels}, options.tensor));
  register_parameter("weight", &Conv2d::weight);
  register_parameter("bias", &Conv2d::bias);
  init::layer_uniform_(weight, bias);
}

Tensor Conv2d::forward(const Tensor& input) {
  return conv2d(input, weight, bias,
                {options_.stride, options_.padding, options_.dilation, options_.groups,
                 options_.auto_padding});
}

std::string Conv2d::describe() const {
  std::string text = join_text("Conv2d(", in_channels_, ", ", out_channels_,
                               ", kernel_size=", kernel_size_, ", stride=", options_.stride);
  if (options_.auto_padding != AutoPadding::kNone)
    text += options_.auto_padding == AutoPadding::kSame ? ", padding=same" : ", padding=valid";
  else if (options_.padding != Pair(0))
    text += join_text(", padding=", options_.padding);
  if (options_.dilation != Pair(1)) text += join_text(", dilation=", options_.dilation);
  if (options_.groups != 1) text += join_text(", groups=", options_.groups);
  if (!options_.bias) text += ", bias=false";
  return text + ")";
}

Conv1d::Conv1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size,
               const Conv1dOptions& options)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {
  const int64_t groups = options.groups;
  check_channels("Conv1d", in_channels, out_channels, groups, Pair(kernel_size));
  weight = parameter(empty({out_channels, in_channels / groups, kernel_size}, options.tensor));
  if (options.bias) bias = parameter(empty({out_channels}, options.tensor));
  register_parameter("weight", &Conv1d::weight);
  register_parameter("bias", &Conv1d::bias);
  init::layer_uniform_(weight, bias);
}

Tensor Conv1d::forward(const Tensor& input) {
  return conv1d(input, weight, bias,
                {options_.stride, options_.padding, options_.dilation, options_.groups,
                 options_.auto_padding});
}

std::string Conv1d::describe() const {
  std::string text = join_text("Conv1d(", in_channels_, ", ", out_channels_,
                               ", kernel_size=", kernel_size_, ", stride=", options_.stride);
  if (options_.auto_padding != AutoPadding::kNone)
    text += options_.auto_padding == AutoPadding::kSame ? ", padding=same" : ", padding=valid";
  else if (options_.padding != 0)
    text += join_text(", padding=", options_.padding);
  if (options_.dilation != 1) text += join_text(", dilation=", options_.dilation);
  if (options_.groups != 1) text += join_text(", groups=", options_.groups);
  if (!options_.bias) text += ", bias=false";
  return text + ")";
}

ConvTranspose2d::ConvTranspose2d(int64_t in_channels, int64_t out_channels, Pair kernel_size,
                                 const ConvTranspose2dOptions& options)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {
  const int64_t groups = options.groups;
  check_channels("ConvTranspose2d", in_channels, out_channels, groups, kernel_size);
  weight = parameter(empty(
      {in_channels, out_channels / groups, kernel_size.height, kernel_size.width}, options.tensor));
  if (options.bias) bias = parameter(empty({out_channels}, options.tensor));
  register_parameter("weight", &ConvTranspose2d::weight);
  register_parameter("bias", &ConvTranspose2d::bias);
  init::layer_uniform_(weight, bias);
}

Tensor ConvTranspose2d::forward(const Tensor& input) {
  return conv_transpose2d(input, weight, bias,
                          {options_.stride, options_.padding, options_.output_padding,
                           options_.groups, options_.dilation});
}

std::string ConvTranspose2d::describe() const {
  std::string text = join_text("ConvTranspose2d(", in_channels_, ", ", out_channels_,
                               ", kernel_size=", kernel_size_, ", stride=", options_.stride);
  if (options_.padding != Pair(0)) text += join_text(", padding=", options_.padding);
  if (options_.output_padding != Pair(0))
    text += join_text(", output_padding=", options_.output_padding);
  if (options_.dilation != Pair(1)) text += join_text(", dilation=", options_.dilation);
  if (options_.groups != 1) text += join_text(", groups=", options_.groups);
  if (!options_.bias) text += ", bias=false";
  return text + ")";
}

ConvTranspose1d::ConvTranspose1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size,
                                 const ConvTranspose1dOptions& options)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {
  const int64_t groups = options.groups;
  check_channels("ConvTranspose1d", in_channels, out_channels, groups, Pair(kernel_size));
  weight = parameter(empty({in_channels, out_channels / groups, kernel_size}, options.tensor));
  if (options.bias) bias = parameter(empty({out_channels}, options.tensor));
  register_parameter("weight", &ConvTranspose1d::weight);
  register_parameter("bias", &ConvTranspose1d::bias);
  init::layer_uniform_(weight, bias);
}

Tensor ConvTranspose1d::forward(const Tensor& input) {
  return conv_transpose1d(input, weight, bias,
                          {options_.stride, options_.padding, options_.output_padding,
                           options_.groups, options_.dilation});
}

std::string ConvTranspose1d::describe() const {
  std::string text = join_text("ConvTranspose1d(", in_channels_, ", ", out_channels_,
                               ", kernel_size=", kernel_size_, ", stride=", options_.stride);
  if (options_.padding != 0) text += join_text(", padding=", options_.padding);
  if (options_.output_padding != 0) text += join_text(", output_padding=", options_.output_padding);
  if (options_.dilation != 1) text += join_text(", dilation=", options_.dilation);
  if (options_.groups != 1) text += join_text(", groups=", options_.groups);
  if (!options_.bias) text += ", bias=false";
  return text + ")";
}

}  // namespace tenon::nn
