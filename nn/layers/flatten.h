// Merging of dimensions.
#pragma once

#include <tenon/nn/module.h>

namespace tenon::nn {

// Merges the dimensions start_dim … end_dim into one.
// Shapes: (N, C, H, W) becomes (N, C·H·W) by default.
class TENON_API Flatten : public Cloneable<Flatten> {
 public:
  explicit Flatten(int64_t start_dim = 1, int64_t end_dim = -1)
      : start_dim_(start_dim), end_dim_(end_dim) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  int64_t start_dim_, end_dim_;
};

}  // namespace tenon::nn
