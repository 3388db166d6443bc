#include <tenon/autograd/node.h>

#include <atomic>
#include <limits>
#include <utility>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/reduction.h>

namespace tenon::autograd {
namespace {

thread_local uint64_t next_sequence = 0;
thread_local Node* doomed = nullptr;  // nodes that wait for their destruction
thread_local bool destroying = false;

// Each thread counts its own nodes into a slot of its own, so that recording shares no cache line.
// A node may die on another thread than it was made on: only the sum means something.
struct alignas(64) LiveSlot {
  std::atomic<int64_t> count{0};
};
constexpr size_t kLiveSlots = 64;
LiveSlot live_slots[kLiveSlots];
std::atomic<size_t> next_slot{0};
thread_local LiveSlot* live_slot = nullptr;

void count_live(int64_t change) noexcept {
  if (live_slot == nullptr)
    live_slot = &live_slots[next_slot.fetch_add(1, std::memory_order_relaxed) % kLiveSlots];
  live_slot->count.fetch_add(change, std::memory_order_relaxed);
}

}  // namespace

Node::Node() : sequence_(next_sequence++) { count_live(1); }

Node::~Node() { count_live(-1); }

NodeExtras& Node::make_extras() {
  if (!extras_) extras_ = std::make_unique<NodeExtras>();
  return *extras_;
}

void Node::destroy(Node* node) noexcept {
  if (destroying) {
    node->next_doomed_ = doomed;
    doomed = node;
    return;
  }
  destroying = true;
  node->dispose();
  while (doomed != nullptr) {
    Node* next = doomed;
    doomed = next->next_doomed_;
    next->dispose();
  }
  destroying = false;
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

void AccumulateGrad::apply(Backprop& pass) { cell_->add(pass.incoming[0]); }

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

void GradCell::add(const Tensor& gradient) {
  const bool create_graph = recording_enabled();
  Tensor previous;  // destroyed outside the lock
  const std::lock_guard lock(mutex);
  if (!open) return;
  if (!grad.defined())
    grad = !create_graph && is_sole_owner(gradient) ? gradient : clone(gradient);
  else if (create_graph || grad.requires_grad())
    previous = std::exchange(grad, tenon::add(grad, gradient));
  else
    grad.add_(gradient);
}

Tensor fit_gradient(const Tensor& gradient, const TensorMeta& meta, const Node& node,
                    size_t index) {
  const TensorImpl& impl = *gradient.impl();
  const bool same_sizes = impl.shape() == meta.sizes;
  DeviceContext& context = impl.storage->context();
  if (same_sizes && impl.dtype() == meta.dtype && &context == meta.context) return gradient;
  Tensor result = gradient;
  if (!same_sizes) {
    const Shape got = impl.shape();
    bool fits = got.rank() >= meta.sizes.rank();
    for (int64_t d = 1; fits && d <= meta.sizes.rank(); ++d) {
      const int64_t want = meta.sizes[meta.sizes.rank() - d];
      fits = want == 1 || want == got[got.rank() - d];
    }
    check(fits, ErrorCode::kAutograd, node.name(), "returned an invalid gradient at index ", index,
          " - got ", got, " but expected shape compatible with ", meta.sizes);
    result = sum_to_size(result, meta.sizes);
  }
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
