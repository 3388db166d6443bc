#include <tenon/autograd/node.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <limits>
#include <utility>

#include <tenon/autograd/meta_internal.h>
#include <tenon/runtime/device_context.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/reduction.h>

namespace tenon::autograd {
namespace {

// Nodes are counted in slots. A thread has a slot of its own while it runs, which it alone writes,
// so that recording needs no locked instruction; threads that find no free one share the last. A
// node may die on another thread than it was made on: only the sum of all slots means something.
struct alignas(64) LiveSlot {
  std::atomic<int64_t> count{0};
};
constexpr uint32_t kOwnSlots = 64;
LiveSlot live_slots[kOwnSlots + 1];
std::atomic<uint64_t> taken_slots{0};  // a bit each

struct ThreadState {
  uint64_t next_sequence = 0;
  Node* doomed = nullptr;  // nodes that wait for their destruction
  bool destroying = false;
  bool has_slot = false;    // was given one, or the shared one
  LiveSlot* own = nullptr;  // null: the shared one
};
__attribute__((tls_model("initial-exec"))) constinit thread_local ThreadState thread_state;

struct SlotDrain {  // a thread ends: another may go on counting in its slot
  ~SlotDrain() {
    if (thread_state.own == nullptr) return;
    const auto index = static_cast<uint32_t>(thread_state.own - live_slots);
    thread_state.own = nullptr;
    taken_slots.fetch_and(~(uint64_t{1} << index), std::memory_order_release);
  }
};

void take_slot() noexcept {
  thread_state.has_slot = true;
  static thread_local SlotDrain drain;
  (void)drain;
  uint64_t taken = taken_slots.load(std::memory_order_relaxed);
  while (~taken != 0) {
    const int index = std::countr_one(taken);
    if (!taken_slots.compare_exchange_weak(taken, taken | uint64_t{1} << index,
                                           std::memory_order_acquire))
      continue;
    thread_state.own = &live_slots[index];
    return;
  }
}

void count_live(int64_t change) noexcept {
  if (thread_state.own == nullptr && !thread_state.has_slot) [[unlikely]]
    take_slot();
  if (thread_state.own == nullptr) [[unlikely]] {
    live_slots[kOwnSlots].count.fetch_add(change, std::memory_order_relaxed);
    return;
  }
  std::atomic<int64_t>& count = thread_state.own->count;
  count.store(count.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
}

}  // namespace

Node::Node() : sequence_(thread_state.next_sequence++) { count_live(1); }

Node::~Node() { count_live(-1); }

NodeExtras& Node::make_extras() {
  if (!extras_) extras_ = std::make_unique<NodeExtras>();
  return *extras_;
}

uint64_t next_hook_id() noexcept {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

uint64_t Node::register_prehook(NodeExtras::PreHook hook) {
  const uint64_t id = next_hook_id();
  make_extras().pre_hooks.emplace_back(id, std::move(hook));
  return id;
}

uint64_t Node::register_hook(NodeExtras::PostHook hook) {
  const uint64_t id = next_hook_id();
  make_extras().post_hooks.emplace_back(id, std::move(hook));
  return id;
}

void Node::remove_hook(uint64_t id) noexcept {
  if (!extras_) return;
  const auto is_it = [id](const auto& hook) { return hook.first == id; };
  std::erase_if(extras_->pre_hooks, is_it);
  std::erase_if(extras_->post_hooks, is_it);
}

void Node::destroy(Node* node) noexcept {
  ThreadState& state = thread_state;
  if (state.destroying) {
    node->next_doomed_ = state.doomed;
    state.doomed = node;
    return;
  }
  state.destroying = true;
  node->dispose();
  while (state.doomed != nullptr) {
    Node* next = state.doomed;
    state.doomed = next->next_doomed_;
    next->dispose();
  }
  state.destroying = false;
}

int64_t Node::live_count() noexcept {
  int64_t sum = 0;
  for (const LiveSlot& slot : live_slots) sum += slot.count.load(std::memory_order_relaxed);
  return sum;
}

void GrowingNode::add_edge(Edge edge) {
  own_edges_.push_back(std::move(edge));
  edges_ = own_edges_.data();
  edge_count_ = static_cast<uint32_t>(own_edges_.size());
}

void GrowingNode::add_output(const TensorMeta& meta) {
  own_outputs_.push_back(meta);
  outputs_ = own_outputs_.data();
  output_count_ = static_cast<uint32_t>(own_outputs_.size());
}

AccumulateGrad::AccumulateGrad(const TensorImpl& leaf, Ref<GradCell> cell)
    : meta_(leaf), cell_(std::move(cell)) {
  outputs_ = &meta_;
  output_count_ = 1;
  sequence_ = std::numeric_limits<uint64_t>::max();  // leaves first: it frees gradients early
}

void AccumulateGrad::become(const TensorImpl& geometry) {
  meta_ = TensorMeta(geometry);
  if (leaf_) leaf_ = geometry.alias();
}

void AccumulateGrad::apply(Backprop& pass) {
  if (!cell_->add(pass.incoming[0]) || hooks_.empty()) return;
  // The leaf itself may go at any time: hooks get another handle on what it consists of.
  const Ref<TensorImpl> leaf = leaf_->alias();
  AutogradMeta& meta = ensure_meta(*leaf);
  meta.edge = {Ref<Node>(this), 0};
  meta.cell = cell_;
  meta.owns_cell = false;
  leaf->requires_grad = true;
  const auto hooks = hooks_;  // a hook may remove itself
  for (const auto& [id, call] : hooks) call(Tensor(leaf));
}

uint64_t AccumulateGrad::register_accumulated_hook(const TensorImpl& leaf, Hook hook) {
  leaf_ = leaf.alias();
  const uint64_t id = next_hook_id();
  hooks_.emplace_back(id, std::move(hook));
  return id;
}

void AccumulateGrad::remove_accumulated_hook(uint64_t id) noexcept {
  std::erase_if(hooks_, [id](const auto& hook) { return hook.first == id; });
  if (hooks_.empty()) leaf_.reset();
}

Tensor GradCell::get() {
  const std::lock_guard lock(mutex);
  return grad;
}

void GradCell::set(const Tensor& gradient) {
  Tensor previous = gradient;  // destroyed outside the lock: it may own a graph
  const std::lock_guard lock(mutex);
  std::swap(grad, previous);
}

void GradCell::close() noexcept {
  Tensor last;
  const std::lock_guard lock(mutex);
  std::swap(grad, last);
  open = false;
}

bool GradCell::add(const Tensor& gradient) {
  const bool create_graph = recording_enabled();
  Tensor previous;  // destroyed outside the lock
  const std::lock_guard lock(mutex);
  if (!open) return false;
  if (!grad.defined())
    grad = !create_graph && is_sole_owner(gradient) ? gradient : clone(gradient);
  else if (create_graph || grad.requires_grad())
    previous = std::exchange(grad, tenon::add(grad, gradient));
  else
    grad.add_(gradient);
  return true;
}

namespace {

bool has_sizes(const tn_tensor& desc, const Shape& sizes) noexcept {
  return desc.rank == sizes.rank() && std::equal(sizes.begin(), sizes.end(), desc.shape);
}

Tensor sum_to(const Tensor& gradient, const Shape& sizes, const Node& node, size_t index) {
  const Shape got = gradient.sizes();
  bool fits = got.rank() >= sizes.rank();
  for (int64_t d = 1; fits && d <= sizes.rank(); ++d) {
    const int64_t want = sizes[sizes.rank() - d];
    fits = want == 1 || want == got[got.rank() - d];
  }
  if (!fits)
    fail(ErrorCode::kAutograd, node.name(), "returned an invalid gradient at index ", index,
         " - got ", got, " but expected shape compatible with ", sizes);
  return sum_to_size(gradient, sizes);
}

}  // namespace

Tensor fit_gradient(const Tensor& gradient, const TensorMeta& meta, const Node& node,
                    size_t index) {
  const TensorImpl& impl = *gradient.impl();
  DeviceContext& context = impl.storage->context();
  Tensor result = gradient;
  if (!has_sizes(impl.desc, meta.sizes)) result = sum_to(result, meta.sizes, node, index);
  if (result.dtype() != meta.dtype) result = result.to(meta.dtype);
  if (&context != meta.context) result = result.to(meta.context->device());
  return result;
}

bool is_sole_owner(const Tensor& tensor) noexcept {
  const TensorImpl& impl = *tensor.impl();
  return impl.use_count() == 1 && impl.contiguous && impl.storage->use_count() == 1 &&
         !impl.requires_grad;
}

}  // namespace tenon::autograd
