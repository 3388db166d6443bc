#include <tenon/runtime/ops/support_internal.h>

namespace tenon::ops {
namespace {

// Gives an empty `out` the memory of the result.
void adopt(const Op& op, Tensor& out, const Tensor& result) {
  TensorImpl& target = *out.impl();
  Tensor own = result.to(target.dtype());
  if (own.impl()->storage.get() == result.impl()->storage.get()) own = own.clone();
  target.storage = own.impl()->storage;
  target.base.reset();
  target.set_geometry(own.sizes(), own.strides(), own.storage_offset(), target.dtype(), op.name());
}

}  // namespace

void check_out(const Op& op, const Tensor& out, std::initializer_list<const Tensor*> inputs) {
  check(out.defined(), ErrorCode::kInvalidArgument, op.name(),
        "out= needs a defined tensor; make it with tenon::empty");
  if (!recording_enabled()) return;
  bool recorded = out.impl()->in_graph();
  for (const Tensor* input : inputs)
    recorded = recorded || (input->defined() && input->impl()->in_graph());
  if (!recorded) return;
  Tensor target = out;
  record_hooks().check_write({.op = op,
                              .inputs = {inputs.begin(), inputs.size()},
                              .outputs = {&target, 1},
                              .form = CallForm::kOut});
}

Tensor& store_out(const Op& op, Tensor& out, const Tensor& result) {
  check(out.device() == result.device(), ErrorCode::kDevice, op.name(), "out must be on ",
        result.device(), ", got ", out.device(), "; make it with tenon::empty on that device");
  check(can_cast(result.dtype(), out.dtype()), ErrorCode::kDType, op.name(), "result type ",
        type_word(result.dtype()), " can't be cast to the desired output type ",
        type_word(out.dtype()), "; make out with dtype ", result.dtype());
  if (out.dim() == 1 && out.numel() == 0 && out.sizes() != result.sizes()) {
    adopt(op, out, result);
    return out;
  }
  check(out.sizes() == result.sizes(), ErrorCode::kInvalidArgument, op.name(),
        "out must have the shape ", result.sizes(), ", got ", out.sizes(),
        "; make it with tenon::empty of that shape");
  check_writable(out, op.name());
  return out.copy_(result);
}

}  // namespace tenon::ops
