#include <tenon/autograd/checkpoint.h>

#include <memory>
#include <utility>

#include <tenon/autograd/engine.h>
#include <tenon/autograd/meta_internal.h>
#include <tenon/autograd/saved_tensor.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/random.h>

namespace tenon::autograd {
namespace {

constexpr const char* kName = "checkpoint";

// Puts the default generator back where it was, for the second call, and then forward again.
class GeneratorScope {
 public:
  explicit GeneratorScope(const Generator& then) : now_(default_generator()) {
    default_generator() = then;
  }
  ~GeneratorScope() { default_generator() = now_; }
  GeneratorScope(const GeneratorScope&) = delete;
  GeneratorScope& operator=(const GeneratorScope&) = delete;

 private:
  Generator now_;
};

// One call of checkpoint(): what is needed to make it again, and in a pass what that saved.
class Frame : public std::enable_shared_from_this<Frame> {
 public:
  Frame(CheckpointFunction function, const std::vector<Tensor>& inputs)
      : function_(std::move(function)), generator_(default_generator()) {
    for (const Tensor& input : inputs) {
      inputs_.emplace_back(input);
      wanted_.push_back(input.defined() && input.requires_grad());
    }
  }

  // A tensor was saved in the first call. Its number.
  size_t note(const Tensor& tensor) {
    sizes_.push_back(tensor.sizes());
    return sizes_.size() - 1;
  }
  void finish() { finished_ = true; }

  Tensor get(size_t number) {
    if (number >= again_.size() || !again_[number].defined()) call_again();
    check(number < again_.size(), ErrorCode::kAutograd, kName,
          "the second call of the function saved ", again_.size(),
          " tensors, the first one more; it must do the same each time");
    check(again_[number].sizes() == sizes_[number], ErrorCode::kAutograd, kName,
          "the second call of the function saved other tensors than the first, ", again_[number],
          " in place of ", sizes_[number], "; it must do the same each time");
    return again_[number];
  }
  // The node of a saved tensor went or is done.
  void drop(size_t number) noexcept {
    if (number < again_.size()) again_[number] = Tensor();
  }

 private:
  void call_again() {
    std::vector<Tensor> arguments;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const Tensor input = inputs_[i].get(kName);
      arguments.push_back(input.defined() ? Tensor(input.impl()->alias()) : Tensor());
      if (wanted_[i]) arguments.back().requires_grad_();
    }
    again_.clear();
    Engine::at_end_of_pass([frame = weak_from_this()] {
      if (const auto self = frame.lock()) self->again_.clear();
    });
    {
      const GeneratorScope generator(generator_);
      const RecordingScope on(true);
      const SavedTensorHooks hooks(
          [this](const Tensor& tensor) {
            again_.push_back(tensor);
            return std::any(tensor);  // the function may itself ask for gradients
          },
          [](const std::any& tensor) { return std::any_cast<Tensor>(tensor); });
      (void)function_(arguments);
    }
    check(!finished_ || again_.size() == sizes_.size(), ErrorCode::kAutograd, kName,
          "the function saved ", sizes_.size(), " tensors in the first call and ", again_.size(),
          " in the second; it must do the same each time");
  }

  CheckpointFunction function_;
  std::vector<SavedVariable> inputs_;
  std::vector<bool> wanted_;
  Generator generator_;
  std::vector<Shape> sizes_;  // of what the first call saved
  bool finished_ = false;
  std::vector<Tensor> again_;
};

// What a node holds in place of a tensor.
struct Promise {
  Promise(std::shared_ptr<Frame> owner, size_t n) : frame(std::move(owner)), number(n) {}
  ~Promise() { frame->drop(number); }
  Promise(const Promise&) = delete;
  Promise& operator=(const Promise&) = delete;
  std::shared_ptr<Frame> frame;
  size_t number;
};

}  // namespace

std::vector<Tensor> checkpoint(const CheckpointFunction& function,
                               const std::vector<Tensor>& inputs) {
  if (!recording_enabled()) return function(inputs);
  const auto frame = std::make_shared<Frame>(function, inputs);
  std::vector<Tensor> outputs;
  {
    const SavedTensorHooks hooks(
        [&frame](const Tensor& tensor) {
          return std::any(std::make_shared<const Promise>(frame, frame->note(tensor)));
        },
        [](const std::any& value) {
          const auto& promise = *std::any_cast<const std::shared_ptr<const Promise>&>(value);
          return promise.frame->get(promise.number);
        });
    outputs = function(inputs);
  }
  frame->finish();
  return outputs;
}

Tensor checkpoint(const std::function<Tensor(const Tensor&)>& function, const Tensor& input) {
  return checkpoint(
      [function](const std::vector<Tensor>& inputs) { return std::vector{function(inputs[0])}; },
      std::vector{input})[0];
}

}  // namespace tenon::autograd
