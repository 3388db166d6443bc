#include <tenon/autograd/saved_tensor.h>

#include <utility>

#include <tenon/autograd/meta_internal.h>
#include <tenon/runtime/device_context.h>
#include <tenon/runtime/dispatch/record_hooks.h>

namespace tenon::autograd {
namespace {

// Asked for every tensor that is saved.
__attribute__((tls_model("initial-exec"))) constinit thread_local const SavedTensorHooks* active =
    nullptr;

// What hooks compute is nobody's history, and is not packed itself.
class HookScope {
 public:
  HookScope() : previous_(std::exchange(active, nullptr)) {}
  ~HookScope() { active = previous_; }
  HookScope(const HookScope&) = delete;
  HookScope& operator=(const HookScope&) = delete;

 private:
  const SavedTensorHooks* previous_;
  RecordingScope off_{false};
};

}  // namespace

SavedTensorHooks::SavedTensorHooks(Pack pack, Unpack unpack)
    : pack_(std::move(pack)),
      unpack_(std::make_shared<const Unpack>(std::move(unpack))),
      previous_(std::exchange(active, this)) {}

SavedTensorHooks::~SavedTensorHooks() { active = previous_; }

bool PackedTensor::is_wanted() noexcept { return active != nullptr; }

PackedTensor::PackedTensor(const Tensor& tensor)
    : unpack_(active->unpack_), sizes_(tensor.sizes()), options_(tensor.options()) {
  const SavedTensorHooks& hooks = *active;
  const HookScope scope;
  value_ = hooks.pack_(tensor);
}

Tensor PackedTensor::get() const {
  const HookScope scope;
  const Tensor tensor = (*unpack_)(value_);
  check(tensor.defined(), ErrorCode::kAutograd, "unpack", "the hook returned an undefined tensor");
  check(tensor.sizes() == sizes_ && tensor.dtype() == options_.dtype() &&
            tensor.device() == options_.device(),
        ErrorCode::kAutograd, "unpack", "the hook must return what was packed, ", sizes_, " ",
        name(options_.dtype()), " on ", options_.device(), ", got ", tensor);
  return tensor;
}

SavedVariable::SavedVariable(const Tensor& tensor) {
  if (!tensor.defined()) return;
  const Tensor alias(tensor.impl()->alias());
  if (PackedTensor::is_wanted()) {
    packed_ = std::make_shared<const PackedTensor>(alias);
    return;
  }
  tensor_ = alias;
  version_ = tensor.version();
}

Tensor SavedVariable::get(const std::string& node) const {
  if (packed_) return packed_->get();
  if (!tensor_.defined()) return {};
  check(tensor_.version() == version_, ErrorCode::kAutograd, node,
        "one of the variables needed for gradient computation has been modified by an inplace "
        "operation: ",
        tensor_, " is at version ", tensor_.version(), "; expected version ", version_, " instead");
  return tensor_;
}

}  // namespace tenon::autograd
