#include <tenon/autograd/engine.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <tenon/autograd/anomaly.h>
#include <tenon/runtime/device_context.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/reduction.h>

namespace tenon::autograd {
namespace {

constexpr size_t kSmall = 16;  // nodes

// The innermost pass of this thread.
constinit thread_local Engine* current = nullptr;

// A hook around a node got `count` tensors.
void check_hook_result(size_t got, size_t count, const Node& node) {
  check(got == count, ErrorCode::kAutograd, node.name(),
        "a hook returned an incorrect number of gradients (expected ", count, " or none, got ", got,
        ")");
}

// Tensor hooks may replace the gradient; retain_grad() sees the replacement.
void run_hooks(const Node& node, std::span<Tensor> incoming) {
  NodeExtras* extras = node.extras();
  if (extras == nullptr) return;
  const auto hooks = extras->hooks;  // a hook may remove itself
  for (const auto& hook : hooks) {
    Tensor& gradient = incoming[hook.output_nr];
    if (!gradient.defined()) continue;
    Tensor replacement = hook.call(gradient);
    if (replacement.defined())
      gradient = fit_gradient(replacement, node.outputs()[hook.output_nr], node, hook.output_nr);
  }
  for (const auto& retained : extras->retained)
    if (incoming[retained.output_nr].defined()) retained.cell->add(incoming[retained.output_nr]);
}

}  // namespace

// Room for a small graph at once.
Engine::Engine(Options options) : options_(options) {
  states_.reserve(kSmall);
  targets_.reserve(2 * kSmall);
  buffers_.reserve(kSmall);
  ready_.reserve(kSmall);
}

void Engine::at_end_of_pass(std::function<void()> action) {
  if (current != nullptr) current->at_end_.push_back(std::move(action));
}

// ---- the index ----

uint32_t& Engine::Index::slot(const Node* node) {
  if (2 * used_ >= entries_.size()) grow();
  const size_t mask = entries_.size() - 1;
  size_t at = (reinterpret_cast<uintptr_t>(node) >> 6) * 0x9e3779b97f4a7c15u >> 20 & mask;
  while (entries_[at].node != nullptr && entries_[at].node != node) at = (at + 1) & mask;
  if (entries_[at].node == nullptr) {
    entries_[at].node = node;
    ++used_;
  }
  return entries_[at].state;
}

void Engine::Index::grow() {
  std::vector<Entry> old(entries_.size() * 2);
  old.swap(entries_);
  used_ = 0;
  for (const Entry& entry : old)
    if (entry.node != nullptr) slot(entry.node) = entry.state;
}

// ---- before the walk ----

uint32_t Engine::add_state(Node* node) {
  uint32_t& state = index_.slot(node);
  if (state == kNowhere) {
    state = static_cast<uint32_t>(states_.size());
    states_.push_back({node, 0, static_cast<uint32_t>(buffers_.size()), 0});
    buffers_.resize(buffers_.size() + node->outputs().size());
  }
  return state;
}

void Engine::discover(std::span<const Edge> roots) {
  for (const Edge& root : roots) add_state(root.node.get());
  for (size_t i = 0; i < states_.size(); ++i) {  // grows while it is walked
    states_[i].first_target = static_cast<uint32_t>(targets_.size());
    for (const Edge& edge : states_[i].node->edges()) {
      const uint32_t target = edge.node ? add_state(edge.node.get()) : kNowhere;
      targets_.push_back(target);
      if (target != kNowhere) ++states_[target].dependencies;
    }
  }
}

// Only nodes run from which a target can be reached.
void Engine::mark_wanted(std::span<const Edge> targets) {
  for (State& state : states_) state.runs = false;
  for (const Edge& target : targets) {
    const uint32_t state = index_.slot(target.node.get());
    if (state != kNowhere && state < states_.size()) states_[state].captured = true;
  }
  // Users before what they use (Kahn), then back again.
  std::vector<uint32_t> open(states_.size());
  std::vector<uint32_t> order;
  order.reserve(states_.size());
  for (uint32_t i = 0; i < states_.size(); ++i) {
    open[i] = states_[i].dependencies;
    if (open[i] == 0) order.push_back(i);
  }
  const auto each_target = [&](uint32_t i, auto&& call) {
    for (size_t e = 0; e < states_[i].node->edges().size(); ++e)
      if (const uint32_t target = targets_[states_[i].first_target + e]; target != kNowhere)
        call(target);
  };
  for (size_t i = 0; i < order.size(); ++i)
    each_target(order[i], [&](uint32_t target) {
      if (--open[target] == 0) order.push_back(target);
    });
  for (auto i = order.rbegin(); i != order.rend(); ++i)
    each_target(*i, [&](uint32_t target) {
      if (states_[target].runs || states_[target].captured) states_[*i].runs = true;
    });
}

void Engine::seed(std::span<const Edge> roots, std::span<const Tensor> gradients) {
  for (size_t i = 0; i < roots.size(); ++i) {
    const State& state = states_[index_.slot(roots[i].node.get())];
    add_to(buffers_[state.first_buffer + roots[i].output_nr], gradients[i]);
  }
  for (uint32_t i = 0; i < states_.size(); ++i)
    if (states_[i].dependencies == 0) push_ready(i);
}

// ---- the walk ----

void Engine::push_ready(uint32_t index) {
  ready_.emplace_back(states_[index].node->sequence(), index);
  std::push_heap(ready_.begin(), ready_.end());
}

void Engine::drain(std::span<const Edge> targets, std::vector<Tensor>& results) {
  while (!ready_.empty()) {
    std::pop_heap(ready_.begin(), ready_.end());
    const uint32_t index = ready_.back().second;
    ready_.pop_back();
    visit(index, targets, results);
  }
}

void Engine::visit(uint32_t index, std::span<const Edge> targets, std::vector<Tensor>& results) {
  const State state = states_[index];
  const std::span<Tensor> incoming(&buffers_[state.first_buffer], state.node->outputs().size());
  outgoing_.assign(state.node->edges().size(), Tensor());
  const bool any = std::any_of(incoming.begin(), incoming.end(),
                               [](const Tensor& gradient) { return gradient.defined(); });
  if (any) {
    run_hooks(*state.node, incoming);
    if (state.captured)
      for (size_t i = 0; i < targets.size(); ++i)
        if (targets[i].node.get() == state.node) results[i] = incoming[targets[i].output_nr];
    if (state.runs) apply(state, incoming);
  }
  for (Tensor& gradient : incoming) gradient = Tensor();
  deliver(state);
}

void Engine::apply(const State& state, std::span<Tensor> incoming) {
  Node& node = *state.node;
  Backprop pass{.incoming = incoming, .outgoing = outgoing_};
  const size_t count = std::min<size_t>(outgoing_.size(), 64);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t target = targets_[state.first_target + i];
    if (target == kNowhere || !(states_[target].runs || states_[target].captured))
      pass.needed &= ~(uint64_t{1} << i);
  }
  if (node.extras() == nullptr || node.extras()->trace.empty()) [[likely]] {
    apply_with_hooks(node, pass);
  } else {
    try {
      apply_with_hooks(node, pass);
    } catch (const Error& error) {
      throw Error(error.code(), join_text(error.what(), "\n  recorded by ", node.extras()->trace));
    }
  }
  if (is_anomaly_enabled()) [[unlikely]]
    check_gradients(node);
  if (!options_.keep_graph) node.release_saved();
}

void Engine::apply_with_hooks(Node& node, Backprop& pass) {
  const NodeExtras* extras = node.extras();
  if (extras == nullptr || (extras->pre_hooks.empty() && extras->post_hooks.empty())) [[likely]]
    return node.apply(pass);
  const auto pre_hooks = extras->pre_hooks;  // a hook may remove itself
  const auto post_hooks = extras->post_hooks;
  std::vector<Tensor> incoming(pass.incoming.begin(), pass.incoming.end());
  for (const auto& [id, call] : pre_hooks) {
    std::vector<Tensor> replaced = call(incoming);
    if (replaced.empty()) continue;
    check_hook_result(replaced.size(), incoming.size(), node);
    for (size_t i = 0; i < replaced.size(); ++i)
      incoming[i] =
          replaced[i].defined() ? fit_gradient(replaced[i], node.outputs()[i], node, i) : Tensor();
  }
  std::copy(incoming.begin(), incoming.end(), pass.incoming.begin());
  node.apply(pass);
  for (const auto& [id, call] : post_hooks) {
    const std::vector<Tensor> outgoing(pass.outgoing.begin(), pass.outgoing.end());
    std::vector<Tensor> replaced = call(outgoing, incoming);
    if (replaced.empty()) continue;
    check_hook_result(replaced.size(), outgoing.size(), node);
    for (size_t i = 0; i < replaced.size(); ++i)
      pass.outgoing[i] = replaced[i].defined() && node.edges()[i].node
                             ? fit_gradient(replaced[i], node.input_meta(i), node, i)
                             : Tensor();
  }
}

namespace {

// The first element that is wrong, as an index.
Shape first_wrong(const Tensor& gradient, bool nan_only) {
  const std::vector<double> values = gradient.to_vector<double>();
  const auto found = std::find_if(values.begin(), values.end(), [&](double value) {
    return nan_only ? std::isnan(value) : !std::isfinite(value);
  });
  int64_t position = found - values.begin();
  Shape index = gradient.sizes();
  for (int64_t d = index.rank() - 1; d >= 0; --d) {
    const int64_t size = index[d];
    index[d] = position % size;
    position /= size;
  }
  return index;
}

}  // namespace

void Engine::check_gradients(const Node& node) const {
  if (anomaly_check() == AnomalyCheck::kNone) return;
  const bool nan_only = anomaly_check() == AnomalyCheck::kNan;
  const RecordingScope off(false);
  for (size_t i = 0; i < outgoing_.size(); ++i) {
    const Tensor& gradient = outgoing_[i];
    if (!gradient.defined()) continue;
    const Tensor nan = isnan(gradient);
    // x - x is NaN where x is infinite.
    if (!any(nan_only ? nan : isnan(gradient - gradient)).item<bool>()) continue;
    const NodeExtras* extras = node.extras();
    fail(ErrorCode::kAutograd, node.name(), "Function '", node.name(), "' returned ",
         any(nan).item<bool>() ? "nan" : "infinite", " values in its ", i,
         "th output, the gradient of its input ", i, " ", gradient, ", first at ",
         first_wrong(gradient, nan_only),
         extras != nullptr && !extras->trace.empty() ? "\n  recorded by " + extras->trace
                                                     : std::string());
  }
}

void Engine::deliver(const State& state) {
  for (size_t i = 0; i < outgoing_.size(); ++i) {
    const uint32_t target = targets_[state.first_target + i];
    if (target == kNowhere) continue;
    if (outgoing_[i].defined()) {
      const uint32_t output_nr = state.node->edges()[i].output_nr;
      add_to(buffers_[states_[target].first_buffer + output_nr], std::move(outgoing_[i]));
      outgoing_[i] = Tensor();
    }
    if (--states_[target].dependencies == 0) push_ready(target);
  }
}

// In place where nobody can tell.
void Engine::add_to(Tensor& buffer, Tensor gradient) const {
  if (!buffer.defined()) {
    buffer = std::move(gradient);
  } else if (!options_.create_graph && is_sole_owner(buffer)) {
    buffer.add_(gradient);
  } else if (!options_.create_graph && is_sole_owner(gradient)) {
    gradient.add_(buffer);
    buffer = std::move(gradient);
  } else {
    buffer = add(buffer, gradient);
  }
}

// ---- entry ----

void Engine::walk(std::span<const Edge> targets, std::vector<Tensor>& results) {
  struct Pass {
    explicit Pass(Engine& engine) : engine_(engine), outer_(std::exchange(current, &engine)) {}
    ~Pass() {
      current = outer_;
      for (const auto& action : engine_.at_end_) action();
    }
    Engine& engine_;
    Engine* outer_;
  } pass(*this);
  drain(targets, results);
}

void Engine::accumulate(std::span<const Edge> roots, std::span<const Tensor> gradients) {
  const RecordingScope recording(options_.create_graph);
  discover(roots);
  seed(roots, gradients);
  std::vector<Tensor> none;
  walk({}, none);
}

void Engine::accumulate(std::span<const Edge> roots, std::span<const Tensor> gradients,
                        std::span<const Edge> targets) {
  const RecordingScope recording(options_.create_graph);
  discover(roots);
  mark_wanted(targets);
  for (State& state : states_)
    if (state.captured && state.node->is_leaf()) state.runs = true;
  seed(roots, gradients);
  std::vector<Tensor> none;
  walk({}, none);
}

std::vector<Tensor> Engine::collect(std::span<const Edge> roots, std::span<const Tensor> gradients,
                                    std::span<const Edge> targets) {
  const RecordingScope recording(options_.create_graph);
  discover(roots);
  mark_wanted(targets);
  seed(roots, gradients);
  std::vector<Tensor> results(targets.size());
  walk(targets, results);
  return results;
}

}  // namespace tenon::autograd
