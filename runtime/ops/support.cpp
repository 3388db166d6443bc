#include <tenon/runtime/ops/support_internal.h>

#include <tenon/runtime/dispatch/geometry.h>

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

bool takes_any_size(const Tensor& out) { return out.dim() == 1 && out.numel() == 0; }

void check_fits(const Op& op, const Tensor& out, const Tensor& result) {
  check(out.device() == result.device(), ErrorCode::kDevice, op.name(), "out must be on ",
        result.device(), ", got ", out.device(), "; make it with tenon::empty on that device");
  check(can_cast(result.dtype(), out.dtype()), ErrorCode::kDType, op.name(), "result type ",
        type_word(result.dtype()), " can't be cast to the desired output type ",
        type_word(out.dtype()), "; make out with dtype ", result.dtype());
  check(takes_any_size(out) || out.sizes() == result.sizes(), ErrorCode::kInvalidArgument,
        op.name(), "out must have the shape ", result.sizes(), ", got ", out.sizes(),
        "; make it with tenon::empty of that shape");
  check_writable(out, op.name());
}

Tensor& store(const Op& op, Tensor& out, const Tensor& result) {
  if (out.sizes() == result.sizes()) return out.copy_(result);
  adopt(op, out, result);
  return out;
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
  check_fits(op, out, result);
  return store(op, out, result);
}

std::pair<Tensor&, Tensor&> store_out(const Op& op, Tensor& first, Tensor& second,
                                      const std::pair<Tensor, Tensor>& results) {
  for (const auto& [out, result] :
       {std::pair(&first, &results.first), std::pair(&second, &results.second)}) {
    check_fits(op, *out, *result);
    check(out->dtype() == result->dtype(), ErrorCode::kDType, op.name(), "out must have dtype ",
          result->dtype(), ", got ", out->dtype());
  }
  check(!first.is_same(second) && overlap_of(*first.impl(), *second.impl()) == Overlap::kNone,
        ErrorCode::kInvalidArgument, op.name(),
        "two outputs can't share memory; make a tensor for each");
  return {store(op, first, results.first), store(op, second, results.second)};
}

}  // namespace tenon::ops
