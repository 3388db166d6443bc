// The short way of pointwise calls, what few of them run.
#include <tenon/runtime/dispatch/pointwise_flat_internal.h>

namespace tenon {

bool PointwisePlan::is_simple(size_t tensor_count) const noexcept {
  if (split.steps.size() != 1 || !split.temporaries.empty()) return false;
  const ProgramStep& step = split.steps[0];
  if (step.inputs.size() != tensor_count || step.scalars.size() > FlatPlan::kMaxSlots) return false;
  for (uint32_t i = 0; i < step.inputs.size(); ++i)
    if (step.inputs[i].is_temporary || step.inputs[i].index != i) return false;
  return true;
}

// Where all are single elements the first is the model and all others must be like it.
void FlatOperands::sort_singles() noexcept {
  model_ = nullptr;
  for (uint32_t i = 0; i < count_; ++i) {
    if ((tensors_[i]->call_word() & (kOneElement | kRepeated)) != 0)
      singles_ |= 1u << i;
    else if (model_ == nullptr)
      model_ = tensors_[i];
  }
  if (model_ == nullptr) {  // none may be repeated
    singles_ = 0;
    model_ = tensors_[0];
    fit_ = are_alike();
    for (uint32_t i = 0; i < count_; ++i) fit_ = fit_ && tensors_[i]->numel == 1;
    return;
  }
  for (uint32_t i = 0; i < count_; ++i) {
    const TensorImpl& impl = *tensors_[i];
    const bool fits_in =
        (singles_ >> i & 1u) != 0 && impl.numel == 1 && impl.desc.rank <= model_->desc.rank;
    fit_ = fit_ && on_one_device(impl, *model_) &&
           (fits_in || have_one_shape(impl.desc, model_->desc));
  }
}

// An input may be the output itself, but not another part of its memory.
void FlatOperands::look_at_output(const TensorImpl& out) noexcept {
  fit_ = fit_ && out.contiguous && on_one_device(*model_, out) &&
         have_one_shape(model_->desc, out.desc);
  for (uint32_t i = 0; i < count_ && fit_; ++i) {
    const TensorImpl& input = *tensors_[i];
    if (&input == &out || input.storage.get() != out.storage.get()) continue;
    fit_ = (singles_ >> i & 1u) == 0 && input.desc.offset_bytes == out.desc.offset_bytes &&
           input.desc.dtype == out.desc.dtype;
  }
}

const FlatPlan* FlatOperands::find_plan(const Op& op) const {
  CacheKey key;
  push_words(key);
  auto* found = static_cast<FlatPlan*>(op.cache().find(key));
  if (found != nullptr) op.cache().set_latest(found);
  return found;
}

void FlatOperands::fill_slots(const FlatPlan& plan, const PointwiseCall& call,
                              uint64_t* slots) noexcept {
  for (const SlotSource& source : plan.slots) {
    if (source.kind == SlotSource::kConstant)
      *slots++ = source.constant;
    else if (source.kind == SlotSource::kOperand)
      *slots++ = call.operands[source.index].scalar().slot(source.dtype);
    else
      *slots++ = call.extras[source.index].slot(source.dtype);
  }
}

// In one dimension of all elements; the step 0 repeats the first.
void FlatOperands::launch_singles(const FlatPlan& plan, const Op& op,
                                  const tn_tensor* const* operands, const uint64_t* slots) const {
  tn_tensor flat[kMaxArguments + 1];
  const tn_tensor* given[kMaxArguments + 1];
  for (uint32_t i = 0; i <= count_; ++i) {
    const tn_tensor& desc = *operands[i];
    flat[i].struct_size = desc.struct_size;
    flat[i].flags = desc.flags;
    flat[i].buffer = desc.buffer;
    flat[i].offset_bytes = desc.offset_bytes;
    flat[i].dtype = desc.dtype;
    flat[i].rank = 1;
    flat[i].shape[0] = model_->numel;
    flat[i].strides[0] = (singles_ << 1 >> i & 1u) != 0 ? 0 : 1;
    given[i] = &flat[i];
  }
  model_->storage->context().launch(plan.kernel, op, given, slots);
}

void FlatOperands::keep(const PointwiseCall& call, const PointwisePlan& plan) const {
  if (!plan.is_simple(count_)) return;
  std::vector<SlotSource> arguments;  // the call's scalars
  for (size_t i = 0; i < call.operands.size(); ++i)
    if (!call.operands[i].is_tensor())
      arguments.push_back({SlotSource::kOperand, static_cast<uint8_t>(i)});
  for (size_t i = 0; i < call.extras.size(); ++i)
    arguments.push_back({SlotSource::kExtra, static_cast<uint8_t>(i)});
  auto kept = std::make_unique<FlatPlan>();
  kept->key = key_;
  kept->kernel = plan.kernels[0]->kernel;
  kept->result_word = call.out.impl()->call_word();
  for (const uint32_t index : plan.split.steps[0].scalars) {
    const ScalarSource& source = plan.scalars[index];
    SlotSource slot;
    if (source.is_constant)
      slot.constant = source.constant.slot(source.dtype);
    else
      slot = arguments[source.argument];
    slot.dtype = source.dtype;
    kept->slots.push_back(slot);
  }
  CacheKey key;
  push_words(key);
  call.op.cache().insert(key, std::move(kept));
}

void FlatOperands::push_words(CacheKey& key) const {
  key.push(key_.call);
  key.push(key_.operands);
  for (const int64_t attribute : key_.attributes) key.push(static_cast<uint64_t>(attribute));
}

}  // namespace tenon
