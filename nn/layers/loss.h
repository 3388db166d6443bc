// Losses: how far an output is from its target. The mean over all elements unless told otherwise.
#pragma once

#include <tenon/nn/module.h>
#include <tenon/runtime/ops/loss.h>

namespace tenon::nn {

// Base of modules that compare two tensors.
class TENON_API Loss : public Module {
 public:
  explicit Loss(Reduction reduction = Reduction::kMean) : reduction_(reduction) {}
  [[nodiscard]] virtual Tensor compare(const Tensor& input, const Tensor& target) const = 0;
  [[nodiscard]] Tensor operator()(const Tensor& input, const Tensor& target) const;

 protected:
  [[nodiscard]] Reduction reduction() const noexcept { return reduction_; }

 private:
  Reduction reduction_;
};

// l[n] = −log softmax(x[n])[target[n]]
// Shapes: input (N, C), target (N) of class numbers; result () or, without reduction, (N).
class TENON_API CrossEntropyLoss : public Loss {
 public:
  using Loss::Loss;
  [[nodiscard]] Tensor compare(const Tensor& input, const Tensor& target) const override;
};

// l = (x − target)²
// Shapes: input and target the same; result () or, without reduction, as input.
class TENON_API MSELoss : public Loss {
 public:
  using Loss::Loss;
  [[nodiscard]] Tensor compare(const Tensor& input, const Tensor& target) const override;
};

}  // namespace tenon::nn
