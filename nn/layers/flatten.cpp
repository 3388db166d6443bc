#include <tenon/nn/layers/flatten.h>

namespace tenon::nn {

Tensor Flatten::forward(const Tensor& input) { return input.flatten(start_dim_, end_dim_); }

std::string Flatten::describe() const {
  return join_text("Flatten(start_dim=", start_dim_, ", end_dim=", end_dim_, ")");
}

}  // namespace tenon::nn
