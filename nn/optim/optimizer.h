// What all optimizers share: parameters in groups, one state per parameter, saving and loading.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tenon/runtime/interop/safetensors.h>
#include <tenon/runtime/tensor.h>

namespace tenon::optim {

// Changes parameters by their gradients, in place and unrecorded. Parameters without a gradient are
// left alone.
class TENON_API Optimizer {
 public:
  virtual ~Optimizer();

  virtual void step() = 0;
  // Drops the gradients of all parameters.
  void zero_grad();

  // Learning rates; set_lr sets that of every group.
  virtual void set_lr(double value) = 0;
  [[nodiscard]] virtual double lr() const = 0;  // of the first group

  // State by parameter number, as PyTorch counts them ("state.0.exp_avg"). A training that was
  // saved and loaded goes on bit for bit. Options are not part of it.
  [[nodiscard]] NamedTensors state_dict() const;
  // Errors: InvalidArgument when names or shapes do not fit these parameters. Nothing is changed on
  // error.
  void load_state_dict(const NamedTensors& state);

 protected:
  // The state of one parameter. Undefined tensors have not been needed yet.
  struct State {
    Tensor parameter;
    std::vector<Tensor> buffers;  // named by buffer_names(), shaped as the parameter
    int64_t steps = 0;
  };

  explicit Optimizer(std::vector<std::string_view> buffer_names)
      : buffer_names_(std::move(buffer_names)) {}
  Optimizer(const Optimizer&) = default;
  Optimizer& operator=(const Optimizer&) = default;

  // Errors: InvalidArgument (none, undefined, no leaf, twice the same).
  void add_parameters(const std::vector<Tensor>& parameters, std::string_view op);
  [[nodiscard]] std::vector<State>& states() noexcept { return states_; }

 private:
  std::vector<std::string_view> buffer_names_;  // literals
  std::vector<State> states_;
};

// Some parameters and how to change them.
template <class Options>
struct ParameterGroup {
  std::vector<Tensor> parameters;
  Options options = {};
};

// An optimizer whose options may differ between groups of parameters. Options has lr.
template <class Options>
class GroupedOptimizer : public Optimizer {
 public:
  void step() override {
    size_t next = 0;
    for (const Group& group : groups_)
      for (size_t i = 0; i < group.count; ++i) update(states()[next++], group.options);
  }
  void set_lr(double value) override {
    for (Group& group : groups_) group.options.lr = value;
  }
  [[nodiscard]] double lr() const override { return options().lr; }
  // May be changed between steps.
  [[nodiscard]] Options& options(size_t group = 0) { return groups_.at(group).options; }
  [[nodiscard]] const Options& options(size_t group = 0) const { return groups_.at(group).options; }
  [[nodiscard]] size_t group_count() const noexcept { return groups_.size(); }

 protected:
  using Optimizer::Optimizer;
  // One step of one parameter.
  virtual void update(State& state, const Options& options) = 0;
  void add_group(const ParameterGroup<Options>& group, std::string_view op) {
    add_parameters(group.parameters, op);
    groups_.push_back({group.parameters.size(), group.options});
  }

 private:
  struct Group {
    size_t count = 0;
    Options options;
  };
  std::vector<Group> groups_;
};

// Scales all gradients so that their joint p-norm is at most max_norm. Returns the norm before, as
// a tensor on the device of the first gradient; nothing waits for the device.
//   g *= min(1, max_norm / (norm + 1e-6));  norm_type may be infinity.
// Errors: InvalidArgument unless max_norm >= 0 and norm_type > 0.
// Source: torch.nn.utils.clip_grad_norm_.
TENON_API Tensor clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm,
                                 double norm_type = 2.0);

}  // namespace tenon::optim
