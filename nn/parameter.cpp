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
  TensorImpl& to = *tensor.impl();
  const TensorImpl& from = *data.impl();
  to.desc = from.desc;
  to.storage = from.storage;
  to.numel = from.numel;
  to.contiguous = from.contiguous;
  to.base.reset();
}

}  // namespace tenon::nn
