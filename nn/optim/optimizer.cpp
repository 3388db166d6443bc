#include <tenon/nn/optim/optimizer.h>

#include <tenon/autograd/grad_mode.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/manipulation.h>
#include <tenon/runtime/ops/reduction.h>

#include <charconv>
#include <cmath>

namespace tenon::optim {

namespace {

constexpr std::string_view kPrefix = "state.";
constexpr std::string_view kStep = "step";

// "state.12.exp_avg" → 12 and "exp_avg".
std::pair<size_t, std::string_view> split_name(std::string_view name, size_t count) {
  size_t index = count;
  std::string_view rest = name;
  if (rest.starts_with(kPrefix)) {
    rest.remove_prefix(kPrefix.size());
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), index);
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    if (error != std::errc() || !rest.starts_with('.'))
      index = count;
    else
      rest.remove_prefix(1);
  }
  check(index < count, ErrorCode::kInvalidArgument, "Optimizer::load_state_dict",
        "expected names like state.0.step for ", count, " parameters, got \"", name,
        "\"; was it saved for another model?");
  return {index, rest};
}

Tensor norm_of(const Tensor& gradient, double norm_type) {
  const Tensor size = abs(gradient);
  if (std::isinf(norm_type)) return size.max();
  if (norm_type == 2.0) return sqrt(square(gradient).sum());
  return pow(pow(size, norm_type).sum(), 1.0 / norm_type);
}

}  // namespace

Optimizer::~Optimizer() = default;

void Optimizer::add_parameters(const std::vector<Tensor>& parameters) {
  check(!parameters.empty(), ErrorCode::kInvalidArgument, name_,
        "expected at least one parameter, got none; has the module registered them?");
  for (const Tensor& parameter : parameters) {
    check(parameter.defined() && parameter.is_leaf(), ErrorCode::kInvalidArgument, name_,
          "parameters must be leaves of the graph, got ",
          parameter.defined() ? parameter.describe() : "an undefined tensor",
          "; pass module.parameters(), or call detach() first");
    for (const State& state : states_)
      check(!state.parameter.is_same(parameter), ErrorCode::kInvalidArgument, name_,
            "each parameter must be given once, got ", parameter.describe(), " twice");
    states_.push_back({parameter, std::vector<Tensor>(buffer_names_.size()), 0, 0});
  }
}

void Optimizer::zero_grad() {
  for (const State& state : states_) state.parameter.set_grad({});
}

void Optimizer::set_lr(double value) {
  for (size_t group = 0; group < group_count(); ++group) set_group_lr(group, value);
}

double Optimizer::initial_lr(size_t group) {
  check_group(group);
  while (initial_lrs_.size() < group_count()) initial_lrs_.push_back(lr(initial_lrs_.size()));
  return initial_lrs_[group];
}

void Optimizer::check_group(size_t group) const {
  check(group < group_count(), ErrorCode::kIndex, name_, "expected a group in [0, ", group_count(),
        "), got ", group);
}

void Optimizer::check_not_negative(std::string_view what, double value) const {
  check(value >= 0, ErrorCode::kInvalidArgument, name_, what, " must be >= 0, got ", value);
}

void Optimizer::check_betas(const std::pair<double, double>& betas) const {
  const auto is_beta = [](double beta) { return beta >= 0 && beta < 1; };
  check(is_beta(betas.first) && is_beta(betas.second), ErrorCode::kInvalidArgument, name_,
        "betas must be in [0, 1), got ", betas.first, " and ", betas.second);
}

Tensor& Optimizer::buffer(State& state, size_t position) {
  Tensor& tensor = state.buffers[position];
  if (!tensor.defined()) tensor = zeros_like(state.parameter.detach());
  return tensor;
}

NamedTensors Optimizer::state_dict() const {
  NamedTensors result;
  for (size_t i = 0; i < states_.size(); ++i) {
    const std::string prefix = join_text(kPrefix, i, ".");
    if (states_[i].steps > 0)
      result.emplace_back(join_text(prefix, kStep), tensor<int64_t>({states_[i].steps}, Device()));
    if (states_[i].steps > 0 && !number_name_.empty())
      result.emplace_back(join_text(prefix, number_name_),
                          tensor<double>({states_[i].number}, TensorOptions(kFloat64, Device())));
    for (size_t b = 0; b < buffer_names_.size(); ++b)
      if (const Tensor& buffer = states_[i].buffers[b]; buffer.defined())
        result.emplace_back(join_text(prefix, buffer_names_[b]), buffer);
  }
  return result;
}

void Optimizer::load_state_dict(const NamedTensors& state) {
  constexpr std::string_view kOp = "Optimizer::load_state_dict";
  const NoGradGuard no_grad;
  std::vector<State> loaded;
  for (const State& mine : states_)
    loaded.push_back({mine.parameter, std::vector<Tensor>(buffer_names_.size()), 0, 0});
  for (const auto& [name, value] : state) {
    const auto [index, field] = split_name(name, loaded.size());
    State& target = loaded[index];
    if (field == kStep) {
      target.steps = value.item<int64_t>();
      check(target.steps >= 0, ErrorCode::kInvalidArgument, kOp, "\"", name,
            "\" must be >= 0, got ", target.steps);
      continue;
    }
    if (!number_name_.empty() && field == number_name_) {
      target.number = value.item<double>();
      continue;
    }
    size_t b = 0;
    while (b < buffer_names_.size() && buffer_names_[b] != field) ++b;
    check(b < buffer_names_.size(), ErrorCode::kInvalidArgument, kOp, "this optimizer has no \"",
          field, "\" (in \"", name, "\"); was it saved by another kind?");
    check(value.sizes() == target.parameter.sizes(), ErrorCode::kInvalidArgument, kOp, "\"", name,
          "\" must have the parameter's shape ", target.parameter.sizes(), ", got ", value.sizes());
    target.buffers[b] = empty_like(target.parameter.detach());
    target.buffers[b].copy_(value);
  }
  states_ = std::move(loaded);
}

Tensor clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, double norm_type) {
  check(max_norm >= 0 && norm_type > 0, ErrorCode::kInvalidArgument, "clip_grad_norm_",
        "expected max_norm >= 0 and norm_type > 0, got ", max_norm, " and ", norm_type);
  const NoGradGuard no_grad;
  std::vector<Tensor> gradients, norms;
  for (const Tensor& parameter : parameters)
    if (Tensor gradient = parameter.grad(); gradient.defined()) gradients.push_back(gradient);
  if (gradients.empty()) return zeros({});
  const Device device = gradients.front().device();
  for (const Tensor& gradient : gradients) norms.push_back(norm_of(gradient, norm_type).to(device));
  const Tensor total = norm_of(stack(norms), norm_type);
  const Tensor factor = clamp(max_norm / (total + 1e-6), std::nullopt, 1.0);
  for (Tensor& gradient : gradients) gradient.mul_(factor.to(gradient.device()));
  return total;
}

void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value) {
  check(clip_value >= 0, ErrorCode::kInvalidArgument, "clip_grad_value_",
        "expected clip_value >= 0, got ", clip_value);
  const NoGradGuard no_grad;
  for (const Tensor& parameter : parameters)
    if (Tensor gradient = parameter.grad(); gradient.defined())
      clamp_(gradient, -clip_value, clip_value);
}

}  // namespace tenon::optim
