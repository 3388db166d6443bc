// Pooling layers.
#pragma once

#include <optional>

#include <tenon/nn/layers/pair.h>
#include <tenon/nn/module.h>

namespace tenon::nn {

struct MaxPool2dOptions {
  std::optional<Pair> stride = {};  // the kernel size unless set
  Pair padding = 0;
  Pair dilation = 1;
};

// y[n, c, i, j] = max of the window of x[n, c] that begins at (i, j)·stride − padding
// Shapes: input (N, C, H, W), output (N, C, H', W') with
//   H' = (H + 2·padding − dilation·(kernel − 1) − 1) / stride + 1, W' likewise.
class TENON_API MaxPool2d : public Cloneable<MaxPool2d> {
 public:
  explicit MaxPool2d(Pair kernel_size, const MaxPool2dOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  Pair kernel_size_, stride_, padding_, dilation_;
};

}  // namespace tenon::nn
