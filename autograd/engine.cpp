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
__attribute__((tls_model("initial-exec"))) constinit thread_local Engine* current = nullptr;

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

// ---- the workspace ----

namespace {

constexpr size_t kKeptSize = 4096;  // what a larger graph needed is not kept

}  // namespace

// The one that a thread keeps. Trivial, so that a pass needs no initialisation guard; Drain has
// the destructor.
struct SpareWorkspace {
  Engine::Workspace* workspace;
  bool is_open, is_closed;

  struct Drain {
    ~Drain();
  };
};
static __attribute__((tls_model("initial-exec"))) constinit thread_local SpareWorkspace spare{};

SpareWorkspace::Drain::~Drain() {
  spare.is_closed = true;
  delete std::exchange(spare.workspace, nullptr);
}

std::unique_ptr<Engine::Workspace> Engine::take_workspace() {
  if (spare.workspace != nullptr)
    return std::unique_ptr<Workspace>(std::exchange(spare.workspace, nullptr));
  auto workspace = std::make_unique<Workspace>();
  workspace->states.reserve(kSmall);  // room for a small graph at once
  workspace->targets.reserve(2 * kSmall);
  workspace->buffers.reserve(kSmall);
  workspace->outgoing.resize(kSmall);
  workspace->ready.reserve(kSmall);
  return workspace;
}

void Engine::give_workspace(std::unique_ptr<Workspace> workspace) noexcept {
  workspace->clear();
  if (spare.workspace != nullptr || spare.is_closed || workspace->index.size() > kKeptSize) return;
  if (!spare.is_open) {
    static thread_local SpareWorkspace::Drain drain;
    (void)drain;
    spare.is_open = true;
  }
  spare.workspace = workspace.release();
}

void Engine::Workspace::clear() noexcept {
  index.clear();
  states.clear();
  targets.clear();
  buffers.clear();
  for (Tensor& gradient : outgoing) gradient = Tensor();
  ready.clear();
  at_end.clear();
}

Engine::Engine(Options options) : options_(options), work_(take_workspace()) {}

Engine::~Engine() { give_workspace(std::move(work_)); }

void Engine::at_end_of_pass(std::function<void()> action) {
  if (current != nullptr) current->work_->at_end.push_back(std::move(action));
}

// ---- the index ----

uint32_t& Engine::Index::slot(const Node* node) {
  if (2 * used_ >= entries_.size()) grow();
  const size_t mask = entries_.size() - 1;
  size_t at = (reinterpret_cast<uintptr_t>(node) >> 6) * 0x9e3779b97f4a7c15u >> 20 & mask;
  while (entries_[at].pass == pass_ && entries_[at].node != node) at = (at + 1) & mask;
  Entry& entry = entries_[at];
  if (entry.pass != pass_) {
    entry = {node, kNowhere, pass_};
    ++used_;
  }
  return entry.state;
}

void Engine::Index::grow() {
  std::vector<Entry> old(entries_.size() * 2);
  old.swap(entries_);
  used_ = 0;
  for (const Entry& entry : old)
    if (entry.pass == pass_) slot(entry.node) = entry.state;
}

void Engine::Index::clear() noexcept {
  used_ = 0;
  if (++pass_ != 0) return;
  for (Entry& entry : entries_) entry = {};  // the numbers start again
  pass_ = 1;
}

// ---- before the walk ----

uint32_t Engine::add_state(Node* node) {
  uint32_t& state = work_->index.slot(node);
  if (state == kNowhere) {
    state = static_cast<uint32_t>(work_->states.size());
    work_->states.push_back({node, 0, static_cast<uint32_t>(work_->buffers.size()), 0});
    for (size_t i = 0; i < node->outputs().size(); ++i) work_->buffers.emplace_back();
  }
  return state;
}

void Engine::discover(std::span<const Edge> roots) {
  for (const Edge& root : roots) add_state(root.node.get());
  for (size_t i = 0; i < work_->states.size(); ++i) {  // grows while it is walked
    work_->states[i].first_target = static_cast<uint32_t>(work_->targets.size());
    for (const Edge& edge : work_->states[i].node->edges()) {
      const uint32_t target = edge.node ? add_state(edge.node.get()) : kNowhere;
      work_->targets.push_back(target);
      if (target != kNowhere) ++work_->states[target].dependencies;
    }
  }
}

// Only nodes run from which a target can be reached.
void Engine::mark_wanted(std::span<const Edge> targets) {
  for (State& state : work_->states) state.runs = false;
  for (const Edge& target : targets) {
    const uint32_t state = work_->index.slot(target.node.get());
    if (state != kNowhere && state < work_->states.size()) work_->states[state].captured = true;
  }
  // Users before what they use (Kahn), then back again.
  std::vector<uint32_t> open(work_->states.size());
  std::vector<uint32_t> order;
  order.reserve(work_->states.size());
  for (uint32_t i = 0; i < work_->states.size(); ++i) {
    open[i] = work_->states[i].dependencies;
    if (open[i] == 0) order.push_back(i);
  }
  const auto each_target = [&](uint32_t i, auto&& call) {
    for (size_t e = 0; e < work_->states[i].node->edges().size(); ++e)
      if (const uint32_t target = work_->targets[work_->states[i].first_target + e];
          target != kNowhere)
        call(target);
  };
  for (size_t i = 0; i < order.size(); ++i)
    each_target(order[i], [&](uint32_t target) {
      if (--open[target] == 0) order.push_back(target);
    });
  for (auto i = order.rbegin(); i != order.rend(); ++i)
    each_target(*i, [&](uint32_t target) {
      if (work_->states[target].runs || work_->states[target].captured)
        work_->states[*i].runs = true;
    });
}

void Engine::seed(std::span<const Edge> roots, std::span<const Tensor> gradients) {
  for (size_t i = 0; i < roots.size(); ++i) {
    const State& state = work_->states[work_->index.slot(roots[i].node.get())];
    add_to(work_->buffers[state.first_buffer + roots[i].output_nr], gradients[i]);
  }
  for (uint32_t i = 0; i < work_->states.size(); ++i)
    if (work_->states[i].dependencies == 0) push_ready(i);
}

// ---- the walk ----

void Engine::push_ready(uint32_t index) {
  work_->ready.emplace_back(work_->states[index].node->sequence(), index);
  std::push_heap(work_->ready.begin(), work_->ready.end());
}

void Engine::drain(std::span<const Edge> targets, std::vector<Tensor>& results) {
  while (!work_->ready.empty()) {
    std::pop_heap(work_->ready.begin(), work_->ready.end());
    const uint32_t index = work_->ready.back().second;
    work_->ready.pop_back();
    visit(index, targets, results);
  }
}

void Engine::visit(uint32_t index, std::span<const Edge> targets, std::vector<Tensor>& results) {
  const State state = work_->states[index];
  const std::span<Tensor> incoming(&work_->buffers[state.first_buffer],
                                   state.node->outputs().size());
  const size_t edges = state.node->edges().size();
  if (work_->outgoing.size() < edges) work_->outgoing.resize(edges);
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
  const size_t edges = node.edges().size();
  Backprop pass{.incoming = incoming, .outgoing = {work_->outgoing.data(), edges}};
  const size_t count = std::min<size_t>(edges, 64);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t target = work_->targets[state.first_target + i];
    if (target == kNowhere || !(work_->states[target].runs || work_->states[target].captured))
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
  for (size_t i = 0; i < work_->outgoing.size(); ++i) {
    const Tensor& gradient = work_->outgoing[i];
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

// Leaves all of `outgoing` undefined.
void Engine::deliver(const State& state) {
  const std::span<const Edge> edges = state.node->edges();
  for (size_t i = 0; i < edges.size(); ++i) {
    const uint32_t target = work_->targets[state.first_target + i];
    Tensor gradient = std::move(work_->outgoing[i]);
    if (target == kNowhere) continue;
    State& next = work_->states[target];
    if (gradient.defined())
      add_to(work_->buffers[next.first_buffer + edges[i].output_nr], std::move(gradient));
    if (--next.dependencies == 0) push_ready(target);
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
      for (const auto& action : engine_.work_->at_end) action();
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
  for (State& state : work_->states)
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
