// Walks the graph from its roots to its leaves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <tenon/autograd/node.h>

namespace tenon::autograd {

// One backward pass. In micrograd's words: sort the graph topologically, then for every node from
// the roots on, call its chain rule and add what it gives to the gradients of its inputs. Sorted
// here means: a node runs when all nodes that use its outputs have run, later made ones first.
// Iterative; runs on the calling thread; may run inside another pass (hooks, checkpoints).
class TENON_API Engine {
 public:
  struct Options {
    bool keep_graph = false;    // saved tensors survive
    bool create_graph = false;  // the pass itself is recorded
  };

  explicit Engine(Options options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Adds d(root)/d(leaf) * gradient to every leaf's grad.
  void accumulate(std::span<const Edge> roots, std::span<const Tensor> gradients);
  // The same for the leaves among `targets`; others must be retained. Only what leads there runs.
  void accumulate(std::span<const Edge> roots, std::span<const Tensor> gradients,
                  std::span<const Edge> targets);
  // Returns the gradients that reach `targets` (undefined where none does); leaves stay as they
  // are. Only what leads to a target is computed.
  [[nodiscard]] std::vector<Tensor> collect(std::span<const Edge> roots,
                                            std::span<const Tensor> gradients,
                                            std::span<const Edge> targets);

  // Calls `action` when the pass of this thread ends, also by an error; ignored outside of a pass.
  // It must not throw.
  static void at_end_of_pass(std::function<void()> action);

 private:
  static constexpr uint32_t kNowhere = ~uint32_t{0};

  // A node in this pass.
  struct State {
    Node* node;
    uint32_t dependencies;  // edges that lead here and were not walked yet
    uint32_t first_buffer;  // of node->outputs().size() in buffers_
    uint32_t first_target;  // of node->edges().size() in targets_
    bool runs = true;       // its rule is wanted
    bool captured = false;  // a target of grad()
  };
  using Ready = std::pair<uint64_t, uint32_t>;  // sequence, state

  // From pointers to states: open addressing, since this is the only look-up by node.
  class Index {
   public:
    // The slot of `node`; holds kNowhere when it is new.
    uint32_t& slot(const Node* node);
    void clear() noexcept;
    [[nodiscard]] size_t size() const noexcept { return entries_.size(); }

   private:
    struct Entry {
      const Node* node = nullptr;
      uint32_t state = kNowhere;
      uint32_t pass = 0;  // the entry is free unless this is the pass
    };
    void grow();
    std::vector<Entry> entries_ = std::vector<Entry>(64);
    size_t used_ = 0;
    uint32_t pass_ = 1;
  };

  // What a pass works with. A thread keeps one for its next pass, with the memory it has grown to.
  struct Workspace {
    Index index;
    std::vector<State> states;
    std::vector<uint32_t> targets;  // state of every edge
    std::vector<Tensor> buffers;    // gradients on their way, by node and output
    std::vector<Tensor> outgoing;   // of the node that runs; undefined but for its edges
    std::vector<Ready> ready;       // a heap
    std::vector<std::function<void()>> at_end;

    void clear() noexcept;
  };
  friend struct SpareWorkspace;
  [[nodiscard]] static std::unique_ptr<Workspace> take_workspace();
  static void give_workspace(std::unique_ptr<Workspace> workspace) noexcept;

  uint32_t add_state(Node* node);
  void discover(std::span<const Edge> roots);
  void mark_wanted(std::span<const Edge> targets);
  void seed(std::span<const Edge> roots, std::span<const Tensor> gradients);
  void walk(std::span<const Edge> targets, std::vector<Tensor>& results);
  void drain(std::span<const Edge> targets, std::vector<Tensor>& results);
  void visit(uint32_t index, std::span<const Edge> targets, std::vector<Tensor>& results);
  void apply(const State& state, std::span<Tensor> incoming);
  void apply_with_hooks(Node& node, Backprop& pass);
  void check_gradients(const Node& node) const;
  void deliver(const State& state);
  void add_to(Tensor& buffer, Tensor gradient) const;
  void push_ready(uint32_t index);

  Options options_;
  std::unique_ptr<Workspace> work_;
};

}  // namespace tenon::autograd
