#include <tenon/nn/layers/linear.h>

#include <tenon/nn/init.h>
#include <tenon/nn/parameter.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/matmul.h>

namespace tenon::nn {

Linear::Linear(int64_t in_features, int64_t out_features, const LinearOptions& options)
    : in_features_(in_features), out_features_(out_features) {
  check(in_features >= 0 && out_features >= 0, ErrorCode::kInvalidArgument, "Linear",
        "sizes must be >= 0, got ", in_features, " and ", out_features);
  weight = parameter(empty({out_features, in_features}, options.tensor));
  register_parameter("weight", &Linear::weight);
  register_parameter("bias", &Linear::bias);
  if (options.bias) bias = parameter(empty({out_features}, options.tensor));
  init::layer_uniform_(weight, bias);
}

Tensor Linear::forward(const Tensor& input) { return linear(input, weight, bias); }

std::string Linear::describe() const {
  return join_text("Linear(in_features=", in_features_, ", out_features=", out_features_,
                   ", bias=", bias.defined(), ")");
}

}  // namespace tenon::nn
