// The guard layer (TENON_ALLOC=guard): after each launch, whether anything beside a tensor changed,
// and before it, whether each operand lies in the tensor whose buffer it names.
#include <memory>
#include <mutex>
#include <unordered_map>

#include <tenon/runtime/dtype.h>
#include <tenon/runtime/fork_internal.h>
#include <tenon/runtime/layers/install_internal.h>
#include <tenon/runtime/layers/interpose_internal.h>
#include <tenon/runtime/layers/naming_internal.h>
#include <tenon/runtime/layers/validate_state_internal.h>
#include <tenon/runtime/memory/guard_internal.h>
#include <tenon/runtime/shape.h>

namespace tenon::layers {
namespace {

class GuardLayer : public LayerBase {
 public:
  using LayerBase::LayerBase;

  template <auto Member, class... A>
  auto around(A... args) {
    return call(SlotConstant<Member>{}, args...);
  }

 private:
  struct Kernel {
    std::string op;
    size_t outputs = 0, operands = 0;
  };

  template <auto Member, class... A>
  auto call(SlotConstant<Member>, A... args) {
    return next<Member>(args...);
  }

  tn_status call(SlotConstant<&tn_core::stream_create>, tn_device device, tn_stream* out) {
    const tn_status status = next<&tn_core::stream_create>(device, out);
    const ForkLock lock(kLock);
    if (status == TN_OK) devices_[*out] = device;
    return status;
  }
  tn_status call(SlotConstant<&tn_ops::prepare>, tn_device device, const tn_signature* signature,
                 tn_kernel* out) {
    const tn_status status = next<&tn_ops::prepare>(device, signature, out);
    const ForkLock lock(kLock);
    if (status == TN_OK)
      kernels_[*out] = {std::string(preparing.name), signature->output_count,
                        signature->operand_count};
    return status;
  }

  tn_status call(SlotConstant<&tn_ops::launch>, tn_stream stream, tn_kernel kernel,
                 const tn_tensor* const* operands, const uint64_t* scalars,
                 const tn_workspace* workspace, uint64_t tag) {
    const ForkLock lock(kLock);  // one at a time, so that who wrote is known
    const Kernel& facts = kernels_[kernel];
    if (const std::string problem = operand_problem(facts, operands); !problem.empty())
      return blame(facts, problem);
    set_guarded_op(facts.op.c_str());
    const tn_status status =
        next<&tn_ops::launch>(stream, kernel, operands, scalars, workspace, tag);
    if (status != TN_OK) return status;
    if (const tn_status done = wait(stream); done != TN_OK) return done;
    const auto read = [&](tn_buffer buffer, uint64_t offset_bytes, void* to, uint64_t size_bytes) {
      return next<&tn_core::download>(stream, buffer, offset_bytes, to, size_bytes) == TN_OK &&
             wait(stream) == TN_OK;
    };
    const GuardBreak found = find_guard_break(devices_[stream], read);
    if (found.where.empty()) return TN_OK;
    return blame(facts, join_text("its kernel wrote beside ", name_of(found, facts, operands), ": ",
                                  found.where));
  }

  tn_status wait(tn_stream stream) {
    uint64_t tag = 0;
    return next<&tn_core::stream_sync>(stream, &tag);
  }

  tn_status blame(const Kernel& kernel, const std::string& text) {
    set_error("TENON_ALLOC=guard: ", kernel.op, ": ", text);
    return TN_INTERNAL;
  }

  static std::string describe(const Kernel& kernel, size_t i, const tn_tensor& operand) {
    const bool is_output = i < kernel.outputs;
    return join_text(is_output ? "output " : "input ", is_output ? i : i - kernel.outputs, " ",
                     static_cast<DType>(operand.dtype), " ",
                     Shape(std::span(operand.shape, operand.rank)));
  }

  static std::string operand_problem(const Kernel& kernel, const tn_tensor* const* operands) {
    for (size_t i = 0; i < kernel.operands; ++i) {
      const ByteSpan span = span_of(*operands[i]);
      if (span.end == 0) continue;
      const std::string problem = guard_violation(operands[i]->buffer, span.begin, span.end);
      if (!problem.empty()) return join_text(describe(kernel, i, *operands[i]), " spans ", problem);
    }
    return {};
  }

  static std::string name_of(const GuardBreak& found, const Kernel& kernel,
                             const tn_tensor* const* operands) {
    for (size_t i = 0; i < kernel.operands; ++i) {
      if (found.buffer != nullptr && operands[i]->buffer == found.buffer)
        return describe(kernel, i, *operands[i]);
    }
    return "a tensor that is none of its operands";
  }

  // Of all plugins, so that one launch runs at a time.
  static constexpr ForkLockId kLock = ForkLockId::kGuardLayers;

  std::unordered_map<tn_stream, tn_device> devices_;
  std::unordered_map<tn_kernel, Kernel> kernels_;
};

}  // namespace

void install_guard(Plugin& plugin, const tn_host* host) {
  auto layer = std::make_unique<GuardLayer>(plugin, host);
  interpose(plugin, layer.get(), "TENON_ALLOC=guard");
  layer.release();  // for ever, as the plugin
}

}  // namespace tenon::layers
