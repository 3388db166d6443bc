#include <tenon/nn/layers/pooling.h>

namespace tenon::nn {

namespace {

const char* ceil_text(Rounding rounding) {
  return rounding == Rounding::kCeil ? ", ceil_mode=true)" : ")";
}

}  // namespace

MaxPool2d::MaxPool2d(Pair kernel_size, const MaxPool2dOptions& options)
    : kernel_size_(kernel_size),
      stride_(options.stride.value_or(kernel_size)),
      padding_(options.padding),
      dilation_(options.dilation),
      rounding_(options.rounding) {}

Tensor MaxPool2d::forward(const Tensor& input) {
  return max_pool2d(input,
                    {kernel_size_, stride_, padding_, dilation_, rounding_ == Rounding::kCeil});
}

std::string MaxPool2d::describe() const {
  return join_text("MaxPool2d(kernel_size=", kernel_size_, ", stride=", stride_,
                   ", padding=", padding_, ", dilation=", dilation_, ceil_text(rounding_));
}

MaxPool1d::MaxPool1d(int64_t kernel_size, const MaxPool1dOptions& options)
    : kernel_size_(kernel_size), options_(options) {}

Tensor MaxPool1d::forward(const Tensor& input) {
  return max_pool1d(input, {kernel_size_, options_.stride, options_.padding, options_.dilation,
                            options_.rounding == Rounding::kCeil});
}

std::string MaxPool1d::describe() const {
  return join_text("MaxPool1d(kernel_size=", kernel_size_,
                   ", stride=", options_.stride.value_or(kernel_size_),
                   ", padding=", options_.padding, ", dilation=", options_.dilation,
                   ceil_text(options_.rounding));
}

AvgPool2d::AvgPool2d(Pair kernel_size, const AvgPool2dOptions& options)
    : kernel_size_(kernel_size), options_(options) {}

Tensor AvgPool2d::forward(const Tensor& input) {
  return avg_pool2d(input,
                    {.kernel = kernel_size_,
                     .stride = options_.stride.value_or(kernel_size_),
                     .padding = options_.padding,
                     .ceil_mode = options_.rounding == Rounding::kCeil},
                    options_.pad_count == PadCount::kInclude, options_.divisor_override);
}

std::string AvgPool2d::describe() const {
  return join_text("AvgPool2d(kernel_size=", kernel_size_,
                   ", stride=", options_.stride.value_or(kernel_size_),
                   ", padding=", options_.padding, ceil_text(options_.rounding));
}

AvgPool1d::AvgPool1d(int64_t kernel_size, const AvgPool1dOptions& options)
    : kernel_size_(kernel_size), options_(options) {}

Tensor AvgPool1d::forward(const Tensor& input) {
  return avg_pool1d(input,
                    {.kernel = kernel_size_,
                     .stride = options_.stride,
                     .padding = options_.padding,
                     .ceil_mode = options_.rounding == Rounding::kCeil},
                    options_.pad_count == PadCount::kInclude);
}

std::string AvgPool1d::describe() const {
  return join_text("AvgPool1d(kernel_size=", kernel_size_,
                   ", stride=", options_.stride.value_or(kernel_size_),
                   ", padding=", options_.padding, ceil_text(options_.rounding));
}

Tensor AdaptiveAvgPool2d::forward(const Tensor& input) {
  return adaptive_avg_pool2d(input, output_size_);
}

std::string AdaptiveAvgPool2d::describe() const {
  return join_text("AdaptiveAvgPool2d(output_size=", output_size_, ")");
}

Tensor AdaptiveMaxPool2d::forward(const Tensor& input) {
  return adaptive_max_pool2d(input, output_size_);
}

std::string AdaptiveMaxPool2d::describe() const {
  return join_text("AdaptiveMaxPool2d(output_size=", output_size_, ")");
}

Tensor AdaptiveAvgPool1d::forward(const Tensor& input) {
  return adaptive_avg_pool1d(input, output_size_);
}

std::string AdaptiveAvgPool1d::describe() const {
  return join_text("AdaptiveAvgPool1d(output_size=", output_size_, ")");
}

Tensor Upsample::forward(const Tensor& input) { return interpolate(input, options_); }

std::string Upsample::describe() const {
  if (!options_.size.empty()) return join_text("Upsample(size=", options_.size, ")");
  std::string text = "Upsample(scale_factor=";
  for (size_t i = 0; i < options_.scale_factor.size(); ++i)
    text += join_text(i == 0 ? "" : ", ", options_.scale_factor[i]);
  return text + ")";
}

}  // namespace tenon::nn
