#include <tenon/nn/layers/pooling.h>

#include <tenon/runtime/ops/pooling.h>

namespace tenon::nn {

MaxPool2d::MaxPool2d(Pair kernel_size, const MaxPool2dOptions& options)
    : kernel_size_(kernel_size),
      stride_(options.stride.value_or(kernel_size)),
      padding_(options.padding),
      dilation_(options.dilation) {}

Tensor MaxPool2d::forward(const Tensor& input) {
  return max_pool2d(input, {kernel_size_, stride_, padding_, dilation_});
}

std::string MaxPool2d::describe() const {
  return join_text("MaxPool2d(kernel_size=", kernel_size_, ", stride=", stride_,
                   ", padding=", padding_, ", dilation=", dilation_, ")");
}

}  // namespace tenon::nn
