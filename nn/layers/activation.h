// Nonlinearities without parameters, element by element, and softmax along a dimension; PReLU
// learns its slope. Shapes: output as input unless said.
#pragma once

#include <tenon/nn/module.h>
#include <tenon/runtime/ops/activation.h>

namespace tenon::nn {

// y = max(x, 0)
class TENON_API ReLU : public Cloneable<ReLU> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

// y = min(max(x, 0), 6)
class TENON_API ReLU6 : public Cloneable<ReLU6> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

// y = tanh x
class TENON_API Tanh : public Cloneable<Tanh> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

// y = 1 / (1 + e^−x)
class TENON_API Sigmoid : public Cloneable<Sigmoid> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

// y = ln(1 / (1 + e^−x))
class TENON_API LogSigmoid : public Cloneable<LogSigmoid> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

// y = x / (1 + e^−x), also called swish
class TENON_API SiLU : public Cloneable<SiLU> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

// y = x·tanh(ln(1 + e^x))
class TENON_API Mish : public Cloneable<Mish> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

// y = s·(x > 0 ? x : a·(e^x − 1)) with the constants that keep mean 0 and variance 1
class TENON_API SELU : public Cloneable<SELU> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

// y = min(max(x + 3, 0), 6) / 6
class TENON_API Hardsigmoid : public Cloneable<Hardsigmoid> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

// y = x·min(max(x + 3, 0), 6) / 6
class TENON_API Hardswish : public Cloneable<Hardswish> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

// y = x / (1 + |x|)
class TENON_API Softsign : public Cloneable<Softsign> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

// y = x − tanh x
class TENON_API Tanhshrink : public Cloneable<Tanhshrink> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

// y = x·Φ(x), Φ the normal distribution function, exactly or by tanh. Source: Hendrycks, 2016.
class TENON_API GELU : public Cloneable<GELU> {
 public:
  explicit GELU(Gelu approximate = Gelu::kNone) : approximate_(approximate) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  Gelu approximate_;
};

// y = x > 0 ? x : slope·x
class TENON_API LeakyReLU : public Cloneable<LeakyReLU> {
 public:
  explicit LeakyReLU(double negative_slope = 0.01) : negative_slope_(negative_slope) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  double negative_slope_;
};

// y = x > 0 ? x : α·(e^x − 1)
class TENON_API ELU : public Cloneable<ELU> {
 public:
  explicit ELU(double alpha = 1) : alpha_(alpha) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  double alpha_;
};

// y = x > 0 ? x : α·(e^(x/α) − 1)
class TENON_API CELU : public Cloneable<CELU> {
 public:
  explicit CELU(double alpha = 1) : alpha_(alpha) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  double alpha_;
};

// y = ln(1 + e^(β·x)) / β, and x where β·x is above the threshold
class TENON_API Softplus : public Cloneable<Softplus> {
 public:
  explicit Softplus(double beta = 1, double threshold = 20) : beta_(beta), threshold_(threshold) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  double beta_, threshold_;
};

// y = min(max(x, min_val), max_val). Errors: InvalidArgument unless min_val < max_val.
class TENON_API Hardtanh : public Cloneable<Hardtanh> {
 public:
  explicit Hardtanh(double min_val = -1, double max_val = 1);
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  double min_val_, max_val_;
};

// y = x > threshold ? x : value
class TENON_API Threshold : public Cloneable<Threshold> {
 public:
  Threshold(double threshold, double value) : threshold_(threshold), value_(value) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  double threshold_, value_;
};

// y = e^x / Σ e^x along dim
class TENON_API Softmax : public Cloneable<Softmax> {
 public:
  explicit Softmax(int64_t dim) : dim_(dim) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  int64_t dim_;
};

// y = e^−x / Σ e^−x along dim
class TENON_API Softmin : public Cloneable<Softmin> {
 public:
  explicit Softmin(int64_t dim) : dim_(dim) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  int64_t dim_;
};

// y = x − ln Σ e^x along dim
class TENON_API LogSoftmax : public Cloneable<LogSoftmax> {
 public:
  explicit LogSoftmax(int64_t dim) : dim_(dim) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  int64_t dim_;
};

// y = a·sigmoid(b), where a and b are the halves of x along dim. The output has half the size.
class TENON_API GLU : public Cloneable<GLU> {
 public:
  explicit GLU(int64_t dim = -1) : dim_(dim) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  int64_t dim_;
};

struct PReLUOptions {
  int64_t num_parameters = 1;  // 1, or the number of channels
  double init = 0.25;
  TensorOptions tensor = {};
};

// y = x > 0 ? x : weight·x, where weight is learned, by channel (dimension 1) or for all.
// Shapes: weight (num_parameters). Errors: InvalidArgument unless num_parameters > 0.
// Source: He et al., 2015.
class TENON_API PReLU : public Cloneable<PReLU> {
 public:
  explicit PReLU(const PReLUOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

  Tensor weight;
};

}  // namespace tenon::nn
