#include <tenon/nn/layers/dropout.h>

#include <tenon/runtime/ops/random.h>

namespace tenon::nn {

Dropout::Dropout(double probability) : probability_(probability) {
  check(probability >= 0 && probability <= 1, ErrorCode::kInvalidArgument, "Dropout",
        "the probability must be in [0, 1], got ", probability);
}

Tensor Dropout::forward(const Tensor& input) { return dropout(input, probability_, is_training()); }

std::string Dropout::describe() const { return join_text("Dropout(p=", probability_, ")"); }

}  // namespace tenon::nn
