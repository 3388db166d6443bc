// What all optimizers share: parameters in groups, one state per parameter, saving and loading.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tenon/autograd/grad_mode.h>
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

  // ---- groups, numbered from 0 in the order they were given. Errors: Index ----
  [[nodiscard]] virtual size_t group_count() const noexcept = 0;
  [[nodiscard]] virtual double lr(size_t group = 0) const = 0;
  virtual void set_group_lr(size_t group, double value) = 0;
  // Of every group.
  void set_lr(double value);
  // The group's momentum, or its first beta; none where the optimizer has neither.
  [[nodiscard]] virtual std::optional<double> momentum(size_t group = 0) const = 0;
  virtual void set_momentum(size_t group, double value) = 0;
  // The learning rate from before the first scheduler, which is kept from then on.
  [[nodiscard]] double initial_lr(size_t group);

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
    std::vector<Tensor> buffers;  // named by buffer_names, shaped as the parameter
    int64_t steps = 0;
    double number = 0;  // named by number_name
  };

  Optimizer(std::string_view name, std::vector<std::string_view> buffer_names,
            std::string_view number_name = {})
      : name_(name), buffer_names_(std::move(buffer_names)), number_name_(number_name) {}
  Optimizer(const Optimizer&) = default;
  Optimizer& operator=(const Optimizer&) = default;

  // Errors: InvalidArgument (none, undefined, no leaf, twice the same).
  void add_parameters(const std::vector<Tensor>& parameters);
  [[nodiscard]] std::vector<State>& states() noexcept { return states_; }
  // The class's name, for errors.
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  void check_group(size_t group) const;
  // Errors: InvalidArgument, "<class>: <what> must be >= 0, got …".
  void check_not_negative(std::string_view what, double value) const;
  void check_betas(const std::pair<double, double>& betas) const;
  // Buffer `position`, zeros of the parameter's shape at first.
  static Tensor& buffer(State& state, size_t position);

 private:
  std::string_view name_;  // these are literals
  std::vector<std::string_view> buffer_names_;
  std::string_view number_name_;
  std::vector<State> states_;
  std::vector<double> initial_lrs_;
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
  using Groups = std::vector<ParameterGroup<Options>>;

  void step() override {
    const NoGradGuard no_grad;
    size_t next = 0;
    for (const Group& group : groups_) {
      for (size_t i = 0; i < group.count; ++i) {
        State& state = states()[next++];
        Tensor gradient = state.parameter.grad();
        if (!gradient.defined()) continue;
        if (group.options.maximize) gradient = gradient.neg();
        update(state, gradient, group.options);
      }
    }
  }
  // Errors: InvalidArgument for options out of range and for parameters as above.
  void add_param_group(const ParameterGroup<Options>& group) {
    check_options(group.options);
    add_parameters(group.parameters);
    groups_.push_back({group.parameters.size(), group.options});
  }
  // May be changed between steps. Errors: Index.
  [[nodiscard]] Options& options(size_t group = 0) {
    check_group(group);
    return groups_[group].options;
  }
  [[nodiscard]] const Options& options(size_t group = 0) const {
    check_group(group);
    return groups_[group].options;
  }
  [[nodiscard]] size_t group_count() const noexcept override { return groups_.size(); }
  [[nodiscard]] double lr(size_t group = 0) const override { return options(group).lr; }
  void set_group_lr(size_t group, double value) override { options(group).lr = value; }
  [[nodiscard]] std::optional<double> momentum(size_t group = 0) const override {
    if constexpr (requires(Options o) { o.momentum; })
      return options(group).momentum;
    else if constexpr (requires(Options o) { o.betas; })
      return options(group).betas.first;
    else
      return std::nullopt;
  }
  void set_momentum(size_t group, double value) override {
    if constexpr (requires(Options o) { o.momentum; })
      options(group).momentum = value;
    else if constexpr (requires(Options o) { o.betas; })
      options(group).betas.first = value;
  }

 protected:
  using Optimizer::Optimizer;
  // One step of one parameter, unrecorded. `gradient` is negated already when maximizing.
  virtual void update(State& state, const Tensor& gradient, const Options& options) = 0;
  // Errors: InvalidArgument.
  virtual void check_options(const Options& options) const = 0;

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

// Clamps every element of every gradient to [−clip_value, clip_value].
// Errors: InvalidArgument unless clip_value >= 0. Source: torch.nn.utils.clip_grad_value_.
TENON_API void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value);

}  // namespace tenon::optim
