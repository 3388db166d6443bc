// The short way of pointwise calls: a key, a plan, a launch.
#include <tenon/runtime/dispatch/pointwise_internal.h>
#include <tenon/runtime/dispatch/recorded_call_internal.h>

namespace tenon {
namespace {

constexpr size_t kMaxSlots = 16;
constexpr uint64_t kFlatKey = uint64_t{1} << 63;  // no key of the general way starts like this

// Where a launch slot comes from.
struct SlotSource {
  enum Kind : uint8_t { kConstant, kOperand, kExtra } kind = kConstant;
  uint8_t index = 0;
  DType dtype{};
  uint64_t constant = 0;
};

struct FlatPlan : CacheEntry {
  tn_kernel kernel = nullptr;
  DType result{};
  uint32_t alignment = 0;  // of the output
  std::vector<SlotSource> slots;
};

uint32_t alignment_of(const TensorImpl& impl) noexcept { return TN_CLASS_ALIGN(impl.class_word()); }

bool have_one_shape(const tn_tensor& a, const tn_tensor& b) noexcept {
  if (a.rank != b.rank) return false;
  for (uint32_t d = 0; d < a.rank; ++d)
    if (a.shape[d] != b.shape[d]) return false;
  return true;
}

bool on_one_device(const TensorImpl& a, const TensorImpl& b) noexcept {
  return &a.storage->context() == &b.storage->context();
}

// An operand in 9 bits of the key: dtype, alignment, whether it is a number, whether it has no
// dimensions, which makes it weak in promotion.
constexpr uint32_t kOperandBits = 9;
constexpr uint64_t kIsNumber = 128, kIsZeroDim = 256;
constexpr uint32_t kOutputShift = 48, kSinglesShift = 56;

uint64_t bits_of(const TensorImpl& impl) noexcept {
  const uint32_t word = impl.class_word();
  return (word & 15u) | TN_CLASS_ALIGN(word) << 4 | (impl.desc.rank == 0 ? kIsZeroDim : 0);
}

// One dimension of all elements; `step` 0 repeats the first.
void flatten(tn_tensor& flat, const tn_tensor& desc, int64_t count, int64_t step) noexcept {
  flat.struct_size = desc.struct_size;
  flat.flags = desc.flags;
  flat.buffer = desc.buffer;
  flat.offset_bytes = desc.offset_bytes;
  flat.dtype = desc.dtype;
  flat.rank = 1;
  flat.shape[0] = count;
  flat.strides[0] = step;
}

}  // namespace

bool PointwisePlan::is_simple(size_t tensor_count) const noexcept {
  if (split.steps.size() != 1 || !split.temporaries.empty()) return false;
  const ProgramStep& step = split.steps[0];
  if (step.inputs.size() != tensor_count || step.scalars.size() > kMaxSlots) return false;
  for (uint32_t i = 0; i < step.inputs.size(); ++i)
    if (step.inputs[i].is_temporary || step.inputs[i].index != i) return false;
  return true;
}

FlatOperands::FlatOperands(const PointwiseCall& call) {
  uint64_t bits = 1;  // in front of all operands: tells how many they are
  for (const Operand& operand : call.operands) {
    bits <<= kOperandBits;
    if (!operand.is_tensor()) {
      bits |= kIsNumber | static_cast<uint64_t>(operand.scalar().dtype());
      continue;
    }
    TensorImpl* impl = operand.tensor().impl();
    if (impl == nullptr) [[unlikely]]
      (void)operand.tensor().dim();  // throws
    in_graph_ = in_graph_ || impl->in_graph();
    bits |= bits_of(*impl);
    look_at(*impl);
  }
  choose_model();
  if (call.out.defined()) look_at_output(*call.out.impl());
  if (fit_) make_key(call, bits);
}

void FlatOperands::look_at(TensorImpl& impl) noexcept {
  tensors_[count_] = &impl;
  if (impl.numel == 1) {
    singles_ |= 1u << count_;
  } else if (impl.contiguous) {
    if (model_ == nullptr) model_ = &impl;
    fit_ = fit_ && have_one_shape(model_->desc, impl.desc);
  } else {
    singles_ |= 1u << count_;
    fit_ = fit_ && TN_CLASS_LAYOUT(impl.class_word()) == TN_LAYOUT_BROADCAST;
  }
  fit_ = fit_ && impl.numel > 0 && !impl.wrapped_number && on_one_device(*tensors_[0], impl);
  ++count_;
}

// Where all are single elements the first is the model and all others must be like it.
void FlatOperands::choose_model() noexcept {
  fit_ = fit_ && count_ > 0;
  if (!fit_ || (singles_ == 0 && model_ != nullptr)) return;
  const bool only_singles = model_ == nullptr;
  if (only_singles) model_ = tensors_[0];
  for (uint32_t i = 0; i < count_; ++i) {
    if ((singles_ >> i & 1u) == 0) continue;
    const TensorImpl& single = *tensors_[i];
    const bool fits_in =
        !only_singles && single.numel == 1 && single.desc.rank <= model_->desc.rank;
    fit_ = fit_ && (fits_in || have_one_shape(model_->desc, single.desc)) &&
           (!only_singles || single.numel == 1);
  }
  if (only_singles) singles_ = 0;
}

// An input may be the output itself, but not another part of its memory.
void FlatOperands::look_at_output(const TensorImpl& out) noexcept {
  in_graph_ = in_graph_ || out.in_graph();
  fit_ = fit_ && out.contiguous && on_one_device(*model_, out) &&
         have_one_shape(model_->desc, out.desc);
  for (uint32_t i = 0; i < count_ && fit_; ++i) {
    const TensorImpl& input = *tensors_[i];
    if (&input == &out || input.storage.get() != out.storage.get()) continue;
    fit_ = (singles_ >> i & 1u) == 0 && input.desc.offset_bytes == out.desc.offset_bytes &&
           input.desc.dtype == out.desc.dtype;
  }
}

void FlatOperands::make_key(const PointwiseCall& call, uint64_t operand_bits) noexcept {
  uint64_t head = kFlatKey | model_->storage->context().id() | uint64_t{model_->desc.rank} << 8 |
                  static_cast<uint64_t>(default_dtype()) << 16 |
                  static_cast<uint64_t>(call.extras.size()) << 24 |
                  uint64_t{singles_} << kSinglesShift;
  for (size_t i = 0; i < call.extras.size(); ++i)
    head |= uint64_t{call.extras[i].is_double()} << (32 + i);
  if (call.out.defined())
    head |= (uint64_t{kIsNumber} | bits_of(*call.out.impl()) % kIsNumber) << kOutputShift;
  key_.push(head);
  key_.push(operand_bits);
  for (const int64_t attribute : call.attributes) key_.push(static_cast<uint64_t>(attribute));
}

bool FlatOperands::run(PointwiseCall& call) const {
  const auto* plan = static_cast<const FlatPlan*>(call.op.cache().find(key_));
  if (plan == nullptr) [[unlikely]]
    return false;
  DeviceContext& context = model_->storage->context();
  context.require_compute();
  if (!call.out.defined()) {
    Ref<TensorImpl> made = make_dense_like(*model_, plan->result);
    if (alignment_of(*made) != plan->alignment) [[unlikely]]
      return false;
    call.out = Tensor(std::move(made));
  }
  const tn_tensor* operands[kMaxArguments + 1];
  operands[0] = call.out.impl()->operand();
  for (uint32_t i = 0; i < count_; ++i) operands[i + 1] = tensors_[i]->operand();
  tn_tensor flat[kMaxArguments + 1];
  if (singles_ != 0) {
    for (uint32_t i = 0; i <= count_; ++i) {
      const bool single = (singles_ << 1 >> i & 1u) != 0;
      flatten(flat[i], *operands[i], model_->numel, single ? 0 : 1);
      operands[i] = &flat[i];
    }
  }
  uint64_t slots[kMaxSlots];
  size_t used = 0;
  for (const SlotSource& source : plan->slots) {
    if (source.kind == SlotSource::kConstant)
      slots[used++] = source.constant;
    else if (source.kind == SlotSource::kOperand)
      slots[used++] = call.operands[source.index].scalar().slot(source.dtype);
    else
      slots[used++] = call.extras[source.index].slot(source.dtype);
  }
  const VersionBump bump(call.form == CallForm::kFunctional ? nullptr
                                                            : call.out.impl()->storage.get());
  context.launch(plan->kernel, call.op, operands, slots);
  return true;
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
  kept->kernel = plan.kernels[0]->kernel;
  kept->result = call.out.dtype();
  kept->alignment = alignment_of(*call.out.impl());
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
  call.op.cache().insert(key_, std::move(kept));
}

}  // namespace tenon
