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
  TensorImpl& to = *tensor.impl();
  const TensorImpl& from = *data.impl();
  to.desc = from.desc;
  to.buffer_state.store(TensorImpl::BufferState::kUnknown, std::memory_order_relaxed);
  to.storage = from.storage;
  to.numel = from.numel;
  to.contiguous = from.contiguous;
  to.base.reset();
  if (wants_gradient) tensor.requires_grad_();
}

}  // namespace tenon::nn
