// TENON_SHADOW: every launch of a required operator runs on a second device too, from the same
// bytes, and the first that differs ends in an error with a file that runs it again.
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include <tenon/runtime/device.h>
#include <tenon/runtime/dtype.h>
#include <tenon/runtime/fork_internal.h>
#include <tenon/runtime/layers/install_internal.h>
#include <tenon/runtime/layers/interpose_internal.h>
#include <tenon/runtime/layers/naming_internal.h>
#include <tenon/runtime/layers/recorded_launch_internal.h>
#include <tenon/runtime/layers/validate_state_internal.h>
#include <tenon/runtime/log.h>

namespace tenon::layers {
namespace {

// How many scalars a launch has is not in it: a program says its own, the others' are described
// with the operators.
struct ScalarCount {
  std::string_view kernel;
  size_t count;
};
constexpr ScalarCount kScalarCounts[] = {
    {TN_OP_FILL, 1},         {TN_OP_COPY, 0},          {TN_OP_REDUCE, 0},
    {TN_OP_MATMUL, 0},       {TN_OP_GATHER, 0},        {TN_OP_SCATTER, 0},
    {TN_OP_SCAN, 0},         {TN_OP_SORT, 0},          {TN_OP_NONZERO_COUNT, 0},
    {TN_OP_NONZERO, 0},      {TN_OP_RANDOM, 2},        {"linear", 0},
    {"conv2d", 0},           {"conv2d_input_grad", 0}, {"conv2d_weight_grad", 0},
    {"max_pool2d", 0},       {"max_pool2d_grad", 0},   {"avg_pool2d", 0},
    {"softmax", 0},          {"log_softmax", 0},       {"softmax_grad", 0},
    {"log_softmax_grad", 0}, {"sgd_step", 4},          {"adam_step", 7}};

std::optional<size_t> scalar_count(const RecordedLaunch& launch) {
  if (launch.has_program) return launch.program.scalar_dtypes.size();
  for (const ScalarCount& row : kScalarCounts)
    if (row.kernel == launch.kernel) return row.count;
  return std::nullopt;
}

class ShadowLayer : public LayerBase {
 public:
  ShadowLayer(const Plugin& plugin, const tn_host* host, Device shadow)
      : LayerBase(plugin, host), shadow_(std::move(shadow)) {}

  template <auto Member, class... A>
  auto around(A... args) {
    return call(SlotConstant<Member>{}, args...);
  }

 private:
  // Around all: a comparison is no fast path. It may prepare kernels itself, and has the lock then.
  class Own {
   public:
    Own() {
      if (!Comparing::now()) lock_.emplace(ForkLockId::kShadowLayers);
    }

   private:
    std::optional<ForkLock> lock_;
  };

  struct Kernel {
    RecordedLaunch launch;  // without operands
    std::string device;
    const Op* op;
  };

  template <auto Member, class... A>
  auto call(SlotConstant<Member>, A... args) {
    return next<Member>(args...);
  }

  tn_status call(SlotConstant<&tn_core::device_open>, tn_plugin plugin, uint32_t index,
                 tn_device* out) {
    const tn_status status = next<&tn_core::device_open>(plugin, index, out);
    const Own lock;
    if (status == TN_OK) devices_[*out] = join_text(plugin_, ":", index);
    return status;
  }
  tn_status call(SlotConstant<&tn_ops::prepare>, tn_device device, const tn_signature* signature,
                 tn_kernel* out) {
    const tn_status status = next<&tn_ops::prepare>(device, signature, out);
    if (status != TN_OK) return status;
    const Own lock;
    kernels_[*out] = {record_signature(*signature, preparing.name), devices_[device], preparing.op};
    return status;
  }
  void call(SlotConstant<&tn_ops::kernel_release>, tn_kernel kernel) {
    {
      const Own lock;
      kernels_.erase(kernel);
    }
    next<&tn_ops::kernel_release>(kernel);
  }

  tn_status call(SlotConstant<&tn_ops::launch>, tn_stream stream, tn_kernel kernel,
                 const tn_tensor* const* operands, const uint64_t* scalars,
                 const tn_workspace* workspace, uint64_t tag) {
    if (Comparing::now())
      return next<&tn_ops::launch>(stream, kernel, operands, scalars, workspace, tag);
    const Own lock;
    const auto facts = kernels_.find(kernel);
    if (facts == kernels_.end() || !is_comparable(facts->second))
      return next<&tn_ops::launch>(stream, kernel, operands, scalars, workspace, tag);
    RecordedLaunch launch = facts->second.launch;
    if (const size_t count = scalar_count(launch).value(); count != 0)
      launch.scalars.assign(scalars, scalars + count);
    tn_status status = take_operands(stream, operands, launch);
    if (status != TN_OK) return status;
    status = next<&tn_ops::launch>(stream, kernel, operands, scalars, workspace, tag);
    if (status != TN_OK) return status;
    std::vector<std::vector<std::byte>> outputs(launch.output_count);
    for (uint32_t i = 0; i < launch.output_count && status == TN_OK; ++i)
      status = take_bytes(stream, *operands[i], outputs[i]);
    if (status != TN_OK) return status;
    compare(launch, outputs, facts->second.device, facts->second.op);
    return TN_OK;
  }

  // Optional operators are composed on the other device.
  bool is_comparable(const Kernel& kernel) {
    const bool described = scalar_count(kernel.launch).has_value();
    if (described && (is_required(kernel.launch.kernel) || has_composition(kernel.op))) return true;
    leave_out(kernel.launch.kernel,
              described ? "it has no composition" : "it is not in OPERATORS.md");
    return false;
  }
  void leave_out(const std::string& what, std::string_view why) {
    if (unseen_.insert(what).second)
      log(LogLevel::kInfo, join_text("shadow: ", what, " is not compared: ", why));
  }

  // What the operand spans, as it is now. Waits for the stream.
  tn_status take_bytes(tn_stream stream, const tn_tensor& operand, std::vector<std::byte>& bytes) {
    const ByteSpan span = span_of(operand);
    bytes.resize(span.end - span.begin);
    if (!bytes.empty()) {
      const tn_status status =
          next<&tn_core::download>(stream, operand.buffer, span.begin, bytes.data(), bytes.size());
      if (status != TN_OK) return status;
    }
    uint64_t tag = 0;
    return next<&tn_core::stream_sync>(stream, &tag);
  }

  tn_status take_operands(tn_stream stream, const tn_tensor* const* operands,
                          RecordedLaunch& launch) {
    for (size_t i = 0; i < launch.classes.size(); ++i) {
      const tn_tensor& tensor = *operands[i];
      RecordedOperand operand{.dtype = tensor.dtype,
                              .shape = {tensor.shape, tensor.shape + tensor.rank},
                              .strides = {tensor.strides, tensor.strides + tensor.rank},
                              .bytes = {},
                              .memory = static_cast<uint32_t>(i)};
      const tn_status status = take_bytes(stream, tensor, operand.bytes);
      if (status != TN_OK) return status;
      // In place: the same bytes on the other device, too.
      for (size_t j = 0; j < i; ++j) {
        const bool same = operands[j]->buffer == tensor.buffer &&
                          span_of(*operands[j]).begin == span_of(tensor).begin &&
                          span_of(*operands[j]).end == span_of(tensor).end;
        if (same) operand.memory = launch.operands[j].memory;
      }
      launch.operands.push_back(std::move(operand));
    }
    return TN_OK;
  }

  void compare(const RecordedLaunch& launch, const std::vector<std::vector<std::byte>>& outputs,
               const std::string& device, const Op* op) {
    const Comparing comparing;
    if (replay_ == nullptr) {
      replay_ = std::make_unique<ReplayDevice>(require_plugin(shadow_.type()),
                                               static_cast<uint32_t>(shadow_.index()));
    }
    const bool composed = !is_required(launch.kernel);
    if (!composed) {
      if (const std::string refusal = replay_->refusal(launch); !refusal.empty())
        return leave_out(launch.op, refusal);
    }
    const std::string shadow = join_text(shadow_.type(), ":", shadow_.index());
    const auto found = find_divergence(
        launch, outputs, composed ? compose_launch(launch, *op, shadow_) : replay_->run(launch));
    if (found == nullptr) return;
    const std::string path = join_text("tenon_shadow.", ::getpid(), ".json");
    write_launch(path, launch, device, shadow);
    fail(
        ErrorCode::kInternal, launch.op, "TENON_SHADOW: ", layers::describe(*found, device, shadow),
        "; operands: ", describe_operands(launch), "; run it again with `tenon replay ", path, "`");
  }

  const Device shadow_;
  std::unordered_map<tn_device, std::string> devices_;
  std::unordered_map<tn_kernel, Kernel> kernels_;
  std::unordered_set<std::string> unseen_;  // said already
  std::unique_ptr<ReplayDevice> replay_;
};

}  // namespace

void install_shadow(Plugin& plugin, const tn_host* host, const std::string& spec) {
  try {
    Device shadow(spec);
    if (shadow.type() == plugin.name) return;
    auto layer = std::make_unique<ShadowLayer>(plugin, host, std::move(shadow));
    interpose(plugin, layer.get(), "shadow");
    layer.release();  // for ever, as the plugin
  } catch (const Error& e) {
    throw loader::LoadFailure("refused", join_text("TENON_SHADOW: ", e.what()));
  }
}

}  // namespace tenon::layers
