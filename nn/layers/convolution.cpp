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

// The parameters of a layer whose weight has these sizes.
template <class Layer, class Options>
void make_parameters(Layer& layer, const Shape& weight_sizes, int64_t out_channels,
                     const Options& options) {
  layer.weight = parameter(empty(weight_sizes, options.tensor));
  if (options.bias) layer.bias = parameter(empty({out_channels}, options.tensor));
  layer.register_parameter("weight", &Layer::weight);
  layer.register_parameter("bias", &Layer::bias);
  init::layer_uniform_(layer.weight, layer.bias);
}

// "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))", and what is not the default.
template <class Size, class Options>
std::string text_of(const char* name, int64_t in, int64_t out, const Size& kernel_size,
                    const Options& options) {
  std::string text = join_text(name, "(", in, ", ", out, ", kernel_size=", kernel_size,
                               ", stride=", options.stride);
  bool automatic = false;
  if constexpr (requires { options.auto_padding; }) {
    automatic = options.auto_padding != AutoPadding::kNone;
    if (automatic)
      text += options.auto_padding == AutoPadding::kSame ? ", padding=same" : ", padding=valid";
  }
  if (!automatic && options.padding != Size(0)) text += join_text(", padding=", options.padding);
  if constexpr (requires { options.output_padding; })
    if (options.output_padding != Size(0))
      text += join_text(", output_padding=", options.output_padding);
  if (options.dilation != Size(1)) text += join_text(", dilation=", options.dilation);
  if (options.groups != 1) text += join_text(", groups=", options.groups);
  if (!options.bias) text += ", bias=false";
  return text + ")";
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
  make_parameters(*this,
                  {out_channels, in_channels / groups, kernel_size.height, kernel_size.width},
                  out_channels, options);
}

Tensor Conv2d::forward(const Tensor& input) {
  return conv2d(input, weight, bias,
                {options_.stride, options_.padding, options_.dilation, options_.groups,
                 options_.auto_padding});
}

std::string Conv2d::describe() const {
  return text_of("Conv2d", in_channels_, out_channels_, kernel_size_, options_);
}

Conv1d::Conv1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size,
               const Conv1dOptions& options)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {
  const int64_t groups = options.groups;
  check_channels("Conv1d", in_channels, out_channels, groups, Pair(kernel_size));
  make_parameters(*this, {out_channels, in_channels / groups, kernel_size}, out_channels, options);
}

Tensor Conv1d::forward(const Tensor& input) {
  return conv1d(input, weight, bias,
                {options_.stride, options_.padding, options_.dilation, options_.groups,
                 options_.auto_padding});
}

std::string Conv1d::describe() const {
  return text_of("Conv1d", in_channels_, out_channels_, kernel_size_, options_);
}

ConvTranspose2d::ConvTranspose2d(int64_t in_channels, int64_t out_channels, Pair kernel_size,
                                 const ConvTranspose2dOptions& options)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {
  const int64_t groups = options.groups;
  check_channels("ConvTranspose2d", in_channels, out_channels, groups, kernel_size);
  make_parameters(*this,
                  {in_channels, out_channels / groups, kernel_size.height, kernel_size.width},
                  out_channels, options);
}

Tensor ConvTranspose2d::forward(const Tensor& input) {
  return conv_transpose2d(input, weight, bias,
                          {options_.stride, options_.padding, options_.output_padding,
                           options_.groups, options_.dilation});
}

std::string ConvTranspose2d::describe() const {
  return text_of("ConvTranspose2d", in_channels_, out_channels_, kernel_size_, options_);
}

ConvTranspose1d::ConvTranspose1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size,
                                 const ConvTranspose1dOptions& options)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {
  const int64_t groups = options.groups;
  check_channels("ConvTranspose1d", in_channels, out_channels, groups, Pair(kernel_size));
  make_parameters(*this, {in_channels, out_channels / groups, kernel_size}, out_channels, options);
}

Tensor ConvTranspose1d::forward(const Tensor& input) {
  return conv_transpose1d(input, weight, bias,
                          {options_.stride, options_.padding, options_.output_padding,
                           options_.groups, options_.dilation});
}

std::string ConvTranspose1d::describe() const {
  return text_of("ConvTranspose1d", in_channels_, out_channels_, kernel_size_, options_);
}

}  // namespace tenon::nn
