#include <tenon/nn/layers/convolution.h>

#include <tenon/nn/init.h>
#include <tenon/nn/parameter.h>
#include <tenon/runtime/ops/convolution.h>
#include <tenon/runtime/ops/creation.h>

namespace tenon::nn {

Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel_size,
               const Conv2dOptions& options)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {
  const int64_t groups = options.groups;
  check(in_channels > 0 && out_channels > 0 && kernel_size.height > 0 && kernel_size.width > 0,
        ErrorCode::kInvalidArgument, "Conv2d", "channels and kernel size must be > 0, got ",
        in_channels, ", ", out_channels, " and ", kernel_size);
  check(groups > 0 && in_channels % groups == 0 && out_channels % groups == 0,
        ErrorCode::kInvalidArgument, "Conv2d", "groups must divide both channels, got ", groups,
        " for ", in_channels, " and ", out_channels);
  weight = parameter(empty(
      {out_channels, in_channels / groups, kernel_size.height, kernel_size.width}, options.tensor));
  if (options.bias) bias = parameter(empty({out_channels}, options.tensor));
  register_parameter("weight", &Conv2d::weight);
  register_parameter("bias", &Conv2d::bias);
  init::layer_uniform_(weight, bias);
}

Tensor Conv2d::forward(const Tensor& input) {
  return conv2d(input, weight, bias,
                {options_.stride, options_.padding, options_.dilation, options_.groups});
}

std::string Conv2d::describe() const {
  std::string text = join_text("Conv2d(", in_channels_, ", ", out_channels_,
                               ", kernel_size=", kernel_size_, ", stride=", options_.stride);
  if (options_.padding != Pair(0)) text += join_text(", padding=", options_.padding);
  if (options_.dilation != Pair(1)) text += join_text(", dilation=", options_.dilation);
  if (options_.groups != 1) text += join_text(", groups=", options_.groups);
  if (!options_.bias) text += ", bias=false";
  return text + ")";
}

}  // namespace tenon::nn
