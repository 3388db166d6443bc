// The graph that backward() walks: a node for every recorded call and for every leaf.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tenon/autograd/saved_tensor.h>
#include <tenon/runtime/tensor.h>

namespace tenon::autograd {

struct Node;

// Where a gradient goes: output number `output_nr` (counted in the forward direction) of `node`.
struct Edge {
  Ref<Node> node;
  uint32_t output_nr = 0;
};

// What a gradient must look like: that of the tensor it belongs to.
struct TensorMeta {
  Shape sizes;
  DType dtype{};
  DeviceContext* context = nullptr;

  TensorMeta() = default;
  explicit TensorMeta(const TensorImpl& impl)
      : sizes(impl.shape()), dtype(impl.dtype()), context(&impl.storage->context()) {}
};

// Holds a gradient where its tensor and nodes both reach it. The tensor closes it when it goes, so
// that a gradient whose own history leads to the node does not keep itself alive.
struct TENON_API GradCell : RefCounted {
  std::mutex mutex;
  Tensor grad;
  bool open = true;

  [[nodiscard]] Tensor get();
  void set(const Tensor& gradient);
  // Adds; in place where that is not recorded. False when the tensor is gone.
  bool add(const Tensor& gradient);
  void close() noexcept;
  static void destroy(GradCell* cell) noexcept { delete cell; }
};

// The way through one node: gradients of its outputs come in, gradients of its inputs go out.
// Incoming ones have the shape, dtype and device of the outputs, or are undefined, which means
// zero.
struct Backprop {
  std::span<Tensor> incoming;
  std::span<Tensor> outgoing;
  uint64_t needed = ~uint64_t{0};  // bit i: somebody wants gradient i (i < 64)

  [[nodiscard]] bool needs(size_t i) const noexcept { return i >= 64 || (needed >> i & 1) != 0; }
};

// What few nodes have.
struct NodeExtras {
  struct TensorHook {
    uint64_t id;
    uint32_t output_nr;
    std::function<Tensor(const Tensor&)> call;
  };
  struct Retained {
    uint32_t output_nr;
    Ref<GradCell> cell;
  };
  struct Packed {
    uint32_t slot;
    PackedTensor tensor;
  };
  using Gradients = std::vector<Tensor>;
  // Before the node runs: gets the gradients of its outputs, returns others or nothing.
  using PreHook = std::function<Gradients(const Gradients& grad_outputs)>;
  // After it: gets the gradients of its inputs and outputs, returns others of the inputs or
  // nothing.
  using PostHook =
      std::function<Gradients(const Gradients& grad_inputs, const Gradients& grad_outputs)>;

  std::vector<TensorHook> hooks;   // run in order on an incoming gradient
  std::vector<Retained> retained;  // then it is put here (retain_grad)
  std::vector<std::pair<uint64_t, PreHook>> pre_hooks;
  std::vector<std::pair<uint64_t, PostHook>> post_hooks;
  std::vector<Packed> packed;  // saved tensors, where SavedTensorHooks were on
  std::string trace;           // anomaly mode: the forward call
};

// A recorded call. Threads: the graph is built by one thread at a time; engines only read it.
struct TENON_API Node : RefCounted {
 public:
  // "AddBackward0", "AccumulateGrad".
  [[nodiscard]] virtual std::string name() const = 0;
  // The chain rule. Errors: Autograd when saved tensors are gone or were changed.
  virtual void apply(Backprop& pass) = 0;
  // Frees the saved tensors; edges stay.
  virtual void release_saved() noexcept {}
  [[nodiscard]] virtual bool is_leaf() const noexcept { return false; }

  // One per input of the call; an edge without node leads nowhere.
  [[nodiscard]] std::span<const Edge> edges() const noexcept { return {edges_, edge_count_}; }
  [[nodiscard]] std::span<const TensorMeta> outputs() const noexcept {
    return {outputs_, output_count_};
  }
  // What the gradient of input i must look like; its edge must have a node.
  [[nodiscard]] const TensorMeta& input_meta(size_t i) const noexcept {
    return edges_[i].node->outputs_[edges_[i].output_nr];
  }
  // Grows with every node that a thread makes.
  [[nodiscard]] uint64_t sequence() const noexcept { return sequence_; }
  [[nodiscard]] NodeExtras* extras() const noexcept { return extras_.get(); }
  [[nodiscard]] NodeExtras& make_extras();

  // ---- hooks around apply(), in the order of registration; each returns an id ----
  // A hook must return as many tensors as it got, or none. Errors in a pass: Autograd when not.
  uint64_t register_prehook(NodeExtras::PreHook hook);
  uint64_t register_hook(NodeExtras::PostHook hook);
  void remove_hook(uint64_t id) noexcept;

  // Iterative: what a destroyed node was the last owner of is destroyed after it, not inside it.
  static void destroy(Node* node) noexcept;
  // Nodes alive in the process, for leak tests.
  [[nodiscard]] static int64_t live_count() noexcept;

 protected:
  Node();
  virtual ~Node();
  virtual void dispose() noexcept { delete this; }

  Edge* edges_ = nullptr;
  TensorMeta* outputs_ = nullptr;
  uint32_t edge_count_ = 0;
  uint32_t output_count_ = 0;
  uint64_t sequence_;

 private:
  std::unique_ptr<NodeExtras> extras_;
  Node* next_doomed_ = nullptr;
};

// A node whose edges and outputs are added one by one.
struct TENON_API GrowingNode : Node {
  void add_edge(Edge edge);
  void add_output(const TensorMeta& meta);

 private:
  std::vector<Edge> own_edges_;
  std::vector<TensorMeta> own_outputs_;
};

// The end of every path: adds what comes in to its leaf's gradient.
struct TENON_API AccumulateGrad final : Node {
  using Hook = std::function<void(const Tensor& leaf)>;

  AccumulateGrad(const TensorImpl& leaf, Ref<GradCell> cell);
  [[nodiscard]] std::string name() const override { return "AccumulateGrad"; }
  void apply(Backprop& pass) override;
  [[nodiscard]] bool is_leaf() const noexcept override { return true; }

  // The leaf took another geometry: gradients must look like that from now on.
  void become(const TensorImpl& geometry);

  // Calls the hook after each accumulation, while the leaf lives.
  uint64_t register_accumulated_hook(const TensorImpl& leaf, Hook hook);
  void remove_accumulated_hook(uint64_t id) noexcept;

 private:
  TensorMeta meta_;
  Ref<GradCell> cell_;
  Ref<TensorImpl> leaf_;  // its memory; set with the first hook
  std::vector<std::pair<uint64_t, Hook>> hooks_;
};

// Numbers for hooks, unique in the process.
[[nodiscard]] uint64_t next_hook_id() noexcept;

// `gradient` summed to the sizes, cast to the dtype and moved to the device of `meta`.
// Errors: Autograd when the sizes do not broadcast; names node and index.
[[nodiscard]] TENON_API Tensor fit_gradient(const Tensor& gradient, const TensorMeta& meta,
                                            const Node& node, size_t index);

// True when only one handle sees this dense tensor and its memory, so it may be overwritten.
[[nodiscard]] TENON_API bool is_sole_owner(const Tensor& tensor) noexcept;

}  // namespace tenon::autograd
