// Functions with a derivative of their own.
//
//   struct Cube : autograd::Function<Cube> {
//     static Tensor forward(autograd::FunctionContext& context, const Tensor& x) {
//       context.save_for_backward({x});
//       return x * x * x;
//     }
//     static std::vector<Tensor> backward(autograd::FunctionContext& context,
//                                         const std::vector<Tensor>& gradients) {
//       const Tensor x = context.saved()[0];
//       return {gradients[0] * 3 * x * x};
//     }
//   };
//   Tensor y = Cube::apply(x);
#pragma once

#include <any>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <tenon/autograd/node.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/tensor.h>

namespace tenon::autograd {

struct FunctionNode;

// What forward() leaves for backward().
class TENON_API FunctionContext {
 public:
  // Inputs and outputs of the function, or other tensors. Checked for in-place edits on use.
  void save_for_backward(std::vector<Tensor> tensors);
  // Errors: Autograd when freed or changed in place.
  [[nodiscard]] std::vector<Tensor> saved() const;
  // Anything else.
  template <class T>
  void save(T value) {
    values_.emplace_back(std::move(value));
  }
  template <class T>
  [[nodiscard]] const T& value(size_t i) const {
    return *std::any_cast<T>(&values_.at(i));
  }
  // forward() changed these inputs in place and must return them. Other results that share memory
  // with an input can't be edited in place by a recorded call.
  void mark_dirty(const std::vector<Tensor>& inputs) { dirty_ = inputs; }
  // These outputs get no history.
  void mark_non_differentiable(const std::vector<Tensor>& outputs) { constant_ = outputs; }
  // Undefined gradients reach backward() as zeros unless switched off.
  void set_materialize_grads(bool value) { materialize_ = value; }
  // Whether the gradient of tensor argument i is wanted.
  [[nodiscard]] bool needs_input_grad(size_t i) const;

 private:
  friend struct FunctionNode;
  struct Saved {
    SavedVariable tensor;
    Edge edge;               // where its gradient goes, unless it is an output
    int64_t output_nr = -1;  // outputs: the node itself, which must not own itself
  };
  std::vector<Tensor> to_save_;
  std::vector<Saved> saved_;
  std::vector<std::any> values_;
  std::vector<Tensor> dirty_, constant_;
  bool materialize_ = true;
  bool released_ = false;
  FunctionNode* node_ = nullptr;
  uint64_t needed_ = ~uint64_t{0};
};

// The node of a custom function.
struct TENON_API FunctionNode : GrowingNode {
  using Backward = std::vector<Tensor> (*)(FunctionContext&, const std::vector<Tensor>&);

  FunctionNode(std::string name, Backward backward, size_t argument_count)
      : name_(std::move(name)), backward_(backward), argument_count_(argument_count) {}
  [[nodiscard]] std::string name() const override { return name_; }
  void apply(Backprop& pass) override;
  void release_saved() noexcept override;

  // Tensor argument `position` of the call.
  void add_input(const Tensor& input, size_t position);
  // Whether calls on the inputs are recorded here and now.
  [[nodiscard]] bool is_recorded() const noexcept { return recorded_; }
  // Gives the results of forward() their history.
  void finish(std::vector<Tensor>& outputs);

  FunctionContext context;

 private:
  void check_dirty(const std::vector<Tensor>& outputs) const;
  std::vector<FunctionContext::Saved> make_saved(const std::vector<Tensor>& outputs);

  std::string name_;
  Backward backward_;
  size_t argument_count_;
  std::vector<size_t> positions_;  // of the tensor arguments
  std::vector<Tensor> inputs_;     // until finish()
  bool recorded_ = false;
};

[[nodiscard]] TENON_API std::string demangled_name(const std::type_info& type);

// Base of a custom function T with static forward(FunctionContext&, arguments…), which returns a
// Tensor or a vector of them and runs without recording, and static backward(FunctionContext&,
// gradients of the outputs), which returns one gradient for each argument (an undefined tensor
// where there is none) and is recorded under create_graph.
template <class T>
class Function {
 public:
  template <class... Arguments>
  static auto apply(Arguments&&... arguments) {
    const Ref<FunctionNode> node(new FunctionNode(demangled_name(typeid(T)) + "Backward",
                                                  &T::backward, sizeof...(arguments)));
    size_t position = 0;
    (add_argument(*node, arguments, position++), ...);
    return finish(*node, run(*node, std::forward<Arguments>(arguments)...));
  }

 private:
  template <class Argument>
  static void add_argument(FunctionNode& node, const Argument& argument, size_t position) {
    if constexpr (std::is_same_v<Argument, Tensor>) node.add_input(argument, position);
  }
  template <class... Arguments>
  static auto run(FunctionNode& node, Arguments&&... arguments) {
    const RecordingScope off(false);
    return T::forward(node.context, std::forward<Arguments>(arguments)...);
  }
  static Tensor finish(FunctionNode& node, Tensor output) {
    std::vector<Tensor> outputs{std::move(output)};
    node.finish(outputs);
    return outputs[0];
  }
  static std::vector<Tensor> finish(FunctionNode& node, std::vector<Tensor> outputs) {
    node.finish(outputs);
    return outputs;
  }
};

}  // namespace tenon::autograd
