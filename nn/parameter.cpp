#include <tenon/nn/parameter.h>

namespace tenon::nn {

Tensor parameter(const Tensor& data) {
  Tensor leaf = data.detach();
  leaf.requires_grad_();
  return leaf;
}

void set_data(Tensor& tensor, const Tensor& data) {
  check(tensor.defined() && data.defined(), ErrorCode::kInvalidArgument, "set_data",
        "expected two defined tensors");
  const bool wants_gradient = tensor.requires_grad();
  check(tensor.is_leaf(), ErrorCode::kAutograd, "set_data", "expected a leaf of the graph, got ",
        tensor);
  // The leaf's node knows how gradients must look; it is made anew.
  if (wants_gradient) tensor.requires_grad_(false);
  tensor.set_grad({});
  tensor.impl()->take_geometry(*data.impl());
  tensor.impl()->base.reset();
  if (wants_gradient) tensor.requires_grad_();
}

}  // namespace tenon::nn
