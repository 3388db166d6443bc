// The short way of pointwise calls: a look at the operands, a key, a plan, a launch. Here is what
// every call runs, for one function to hold it whole; pointwise_flat.cpp has the rest.
#pragma once

#include <cstring>
#include <utility>
#include <vector>

#include <tenon/runtime/dispatch/pointwise_internal.h>
#include <tenon/runtime/dispatch/recorded_call_internal.h>

namespace tenon {

// What the plan of a call on the short way depends on.
struct FlatKey {
  static constexpr size_t kMaxAttributes = 2;
  uint64_t call = 0, operands = 0;
  int64_t attributes[kMaxAttributes] = {};
  friend bool operator==(const FlatKey&, const FlatKey&) = default;
};

// Where a launch slot comes from.
struct SlotSource {
  enum Kind : uint8_t { kConstant, kOperand, kExtra } kind = kConstant;
  uint8_t index = 0;
  DType dtype{};
  uint64_t constant = 0;
};

struct FlatPlan : CacheEntry {
  static constexpr size_t kMaxSlots = 16;
  FlatKey key;
  tn_kernel kernel = nullptr;
  uint64_t result_word = 0;  // TensorImpl::call_word() of the output
  std::vector<SlotSource> slots;
};

// A look at the operands of a call, before anything else. They fit the short way when they are on
// one device and each is row-major and of one shape, or is one element that is repeated. What the
// general way would find out about such a call follows from its key alone.
class FlatOperands {
 public:
  // Errors: InvalidArgument for undefined tensors.
  explicit FlatOperands(const PointwiseCall& call);

  [[nodiscard]] bool fit() const noexcept { return fit_; }
  // Whether some operand, or the output, takes part in the graph.
  [[nodiscard]] bool in_graph() const noexcept { return in_graph_; }

  // Runs the call when its plan is known; makes the output if need be.
  [[nodiscard]] bool run(const PointwiseCall& call) const;
  // Keeps the plan that the general way went by.
  void keep(const PointwiseCall& call, const PointwisePlan& plan) const;

 private:
  static bool have_one_shape(const tn_tensor& a, const tn_tensor& b) noexcept;
  static bool on_one_device(const TensorImpl& a, const TensorImpl& b) noexcept {
    return &a.storage->context() == &b.storage->context();
  }
  [[nodiscard]] bool are_alike() const noexcept;
  void sort_singles() noexcept;
  void look_at_output(const TensorImpl& out) noexcept;
  void make_key(const PointwiseCall& call, uint64_t operand_bits) noexcept;
  void push_words(CacheKey& key) const;
  [[nodiscard]] const FlatPlan* find_plan(const Op& op) const;
  static void fill_slots(const FlatPlan& plan, const PointwiseCall& call, uint64_t* slots) noexcept;
  void launch_singles(const FlatPlan& plan, const Op& op, const tn_tensor* const* operands,
                      const uint64_t* slots) const;

  bool fit_ = false;
  bool in_graph_ = false;
  uint32_t count_ = 0;           // tensors among the operands
  uint32_t singles_ = 0;         // bit i: tensor i is one element, repeated
  TensorImpl* model_ = nullptr;  // the output is like it
  TensorImpl* tensors_[kMaxArguments];
  FlatKey key_;
};

// An operand that is a number, among the key bits of TensorImpl::call_word().
inline constexpr uint64_t kIsNumber = 128;

inline bool FlatOperands::have_one_shape(const tn_tensor& a, const tn_tensor& b) noexcept {
  if (a.rank != b.rank) return false;
  for (uint32_t d = 0; d < a.rank; ++d)
    if (a.shape[d] != b.shape[d]) return false;
  return true;
}

// All in one shape, on one device.
[[gnu::always_inline]] inline bool FlatOperands::are_alike() const noexcept {
  for (uint32_t i = 1; i < count_; ++i)
    if (!on_one_device(*tensors_[i], *model_) || !have_one_shape(tensors_[i]->desc, model_->desc))
      return false;
  return true;
}

[[gnu::always_inline]] inline FlatOperands::FlatOperands(const PointwiseCall& call) {
  uint64_t bits = 1;  // in front of all operands: tells how many they are
  uint64_t traits = 0;
  uint32_t count = 0;
  bool in_graph = call.out.defined() && call.out.impl()->in_graph();
  for (const Operand& operand : call.operands) {
    bits <<= kOperandKeyBits;
    if (!operand.is_tensor()) {
      bits |= kIsNumber | static_cast<uint64_t>(operand.scalar().dtype());
      continue;
    }
    TensorImpl* impl = operand.tensor().impl();
    if (impl == nullptr) [[unlikely]]
      (void)operand.tensor().dim();  // throws
    in_graph = in_graph || impl->in_graph();
    const uint64_t word = impl->call_word();
    bits |= word >> kOperandKeyShift & kOperandKeyMask;
    traits |= word;
    tensors_[count++] = impl;
  }
  count_ = count;
  in_graph_ = in_graph;
  if ((traits & kNotFlat) != 0 || count == 0) return;
  model_ = tensors_[0];
  if ((traits & (kOneElement | kRepeated)) == 0) [[likely]]
    fit_ = are_alike();
  else
    sort_singles();
  if (call.out.defined()) look_at_output(*call.out.impl());
  if (fit_) make_key(call, bits);
}

// FlatKey::call: device, rank, default dtype, counts, kinds of extra scalars, output, singles.
[[gnu::always_inline]] inline void FlatOperands::make_key(const PointwiseCall& call, uint64_t operand_bits) noexcept {
  constexpr uint32_t kRankShift = 8, kDTypeShift = 16, kExtrasShift = 24, kAttributesShift = 28;
  constexpr uint32_t kDoublesShift = 32, kOutputShift = 48, kSinglesShift = 56;
  constexpr uint64_t kFlatKey = uint64_t{1} << 63;  // no key of the general way starts like this
  static_assert(DeviceContext::kMaxOpen <= 1u << kRankShift);
  static_assert(kMaxScalars < 16 && FlatKey::kMaxAttributes < 16 && kMaxArguments <= 7);
  const size_t attributes = call.attributes.size();
  if (attributes > FlatKey::kMaxAttributes) [[unlikely]] {
    fit_ = false;
    return;
  }
  uint64_t head = kFlatKey | model_->storage->context().id() |
                  uint64_t{model_->desc.rank} << kRankShift |
                  static_cast<uint64_t>(default_dtype()) << kDTypeShift |
                  uint64_t{call.extras.size()} << kExtrasShift |
                  uint64_t{attributes} << kAttributesShift | uint64_t{singles_} << kSinglesShift;
  for (size_t i = 0; i < call.extras.size(); ++i)
    head |= uint64_t{call.extras[i].is_double()} << (kDoublesShift + i);
  if (call.out.defined()) {
    const uint64_t bits = call.out.impl()->call_word() >> kOperandKeyShift;
    head |= (kIsNumber | bits % kIsNumber) << kOutputShift;
  }
  key_.call = head;
  key_.operands = operand_bits;
  for (size_t i = 0; i < attributes; ++i) key_.attributes[i] = call.attributes[i];
}

[[gnu::always_inline]] inline bool FlatOperands::run(const PointwiseCall& call) const {
  // Most calls are like the one before.
  const auto* plan = static_cast<const FlatPlan*>(call.op.cache().latest());
  if (plan == nullptr || plan->key != key_) [[unlikely]] {
    plan = find_plan(call.op);
    if (plan == nullptr) return false;
  }
  DeviceContext& context = model_->storage->context();
  context.require_compute();
  if (!call.out.defined()) {
    Ref<TensorImpl> made = make_dense_like(*model_, plan->result_word);
    if (made->call_word() != plan->result_word) [[unlikely]]
      return false;  // of another alignment
    call.out = Tensor(std::move(made));
  }
  const tn_tensor* operands[kMaxArguments + 1];
  operands[0] = call.out.impl()->operand();
  for (uint32_t i = 0; i < count_; ++i) operands[i + 1] = tensors_[i]->operand();
  uint64_t slots[FlatPlan::kMaxSlots];
  if (!plan->slots.empty()) fill_slots(*plan, call, slots);
  const VersionBump bump(call.form == CallForm::kFunctional ? nullptr
                                                            : call.out.impl()->storage.get());
  if (singles_ != 0) [[unlikely]]
    launch_singles(*plan, call.op, operands, slots);
  else
    context.launch(plan->kernel, call.op, operands, slots);
  return true;
}

}  // namespace tenon
