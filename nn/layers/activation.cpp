#include <tenon/nn/layers/activation.h>

#include <tenon/nn/parameter.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/loss.h>

namespace tenon::nn {

Tensor ReLU::forward(const Tensor& input) { return relu(input); }
Tensor ReLU6::forward(const Tensor& input) { return relu6(input); }
Tensor Tanh::forward(const Tensor& input) { return tanh(input); }
Tensor Sigmoid::forward(const Tensor& input) { return sigmoid(input); }
Tensor LogSigmoid::forward(const Tensor& input) { return log_sigmoid(input); }
Tensor SiLU::forward(const Tensor& input) { return silu(input); }
Tensor Mish::forward(const Tensor& input) { return mish(input); }
Tensor SELU::forward(const Tensor& input) { return selu(input); }
Tensor Hardsigmoid::forward(const Tensor& input) { return hardsigmoid(input); }
Tensor Hardswish::forward(const Tensor& input) { return hardswish(input); }
Tensor Softsign::forward(const Tensor& input) { return softsign(input); }
Tensor Tanhshrink::forward(const Tensor& input) { return tanhshrink(input); }

Tensor GELU::forward(const Tensor& input) { return gelu(input, approximate_); }
std::string GELU::describe() const {
  return approximate_ == Gelu::kNone ? "GELU(approximate=none)" : "GELU(approximate=tanh)";
}

Tensor LeakyReLU::forward(const Tensor& input) { return leaky_relu(input, negative_slope_); }
std::string LeakyReLU::describe() const {
  return join_text("LeakyReLU(negative_slope=", negative_slope_, ")");
}

Tensor ELU::forward(const Tensor& input) { return elu(input, alpha_); }
std::string ELU::describe() const { return join_text("ELU(alpha=", alpha_, ")"); }

Tensor CELU::forward(const Tensor& input) { return celu(input, alpha_); }
std::string CELU::describe() const { return join_text("CELU(alpha=", alpha_, ")"); }

Tensor Softplus::forward(const Tensor& input) { return softplus(input, beta_, threshold_); }
std::string Softplus::describe() const {
  return join_text("Softplus(beta=", beta_, ", threshold=", threshold_, ")");
}

Hardtanh::Hardtanh(double min_val, double max_val) : min_val_(min_val), max_val_(max_val) {
  check(min_val < max_val, ErrorCode::kInvalidArgument, "Hardtanh",
        "min_val must be below max_val, got ", min_val, " and ", max_val);
}
Tensor Hardtanh::forward(const Tensor& input) { return hardtanh(input, min_val_, max_val_); }
std::string Hardtanh::describe() const {
  return join_text("Hardtanh(min_val=", min_val_, ", max_val=", max_val_, ")");
}

Tensor Threshold::forward(const Tensor& input) {
  return tenon::threshold(input, threshold_, value_);
}
std::string Threshold::describe() const {
  return join_text("Threshold(threshold=", threshold_, ", value=", value_, ")");
}

Tensor Softmax::forward(const Tensor& input) { return softmax(input, dim_); }
std::string Softmax::describe() const { return join_text("Softmax(dim=", dim_, ")"); }

Tensor Softmin::forward(const Tensor& input) { return softmin(input, dim_); }
std::string Softmin::describe() const { return join_text("Softmin(dim=", dim_, ")"); }

Tensor LogSoftmax::forward(const Tensor& input) { return log_softmax(input, dim_); }
std::string LogSoftmax::describe() const { return join_text("LogSoftmax(dim=", dim_, ")"); }

Tensor GLU::forward(const Tensor& input) { return glu(input, dim_); }
std::string GLU::describe() const { return join_text("GLU(dim=", dim_, ")"); }

PReLU::PReLU(const PReLUOptions& options) {
  check(options.num_parameters > 0, ErrorCode::kInvalidArgument, "PReLU",
        "num_parameters must be > 0, got ", options.num_parameters);
  weight = parameter(full({options.num_parameters}, options.init, options.tensor));
  register_parameter("weight", &PReLU::weight);
}
Tensor PReLU::forward(const Tensor& input) { return prelu(input, weight); }
std::string PReLU::describe() const {
  return join_text("PReLU(num_parameters=", weight.numel(), ")");
}

}  // namespace tenon::nn
