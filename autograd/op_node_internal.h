// The node of a recorded op: one block of memory with its edges, saved tensors and arguments.
#pragma once

#include <tenon/autograd/gradients/rule.h>
#include <tenon/autograd/node.h>

namespace tenon::autograd {

struct SavedTensor {
  Ref<TensorImpl> data;  // an alias outside the graph, so that no node owns itself; or packed
  uint32_t version = 0;
  uint32_t slot = 0;  // as in Rule::saves
};

class OpNode final : public Node {
 public:
  struct Plan {
    const Op* op;
    const Rule* rule;
    size_t edges;
    size_t outputs;
    size_t saved;
    std::span<const int64_t> attributes;
    std::span<const Scalar> scalars;
  };
  // Edges, outputs and saved tensors come empty.
  [[nodiscard]] static Ref<OpNode> make(const Plan& plan);

  [[nodiscard]] std::string name() const override;
  void apply(Backprop& pass) override;
  void release_saved() noexcept override;

  void set_edge(size_t i, Edge edge) noexcept { edges_[i] = std::move(edge); }
  void set_output(size_t i, const TensorImpl& impl) { outputs_[i] = TensorMeta(impl); }
  // Input i was a number of the host.
  void set_number(size_t i) noexcept {
    if (i < 32) numbers_ |= uint32_t{1} << i;
  }
  void save(size_t index, uint32_t slot, const TensorImpl& impl, uint32_t version);

  [[nodiscard]] const Op& op() const noexcept { return *op_; }
  [[nodiscard]] uint32_t numbers() const noexcept { return numbers_; }
  [[nodiscard]] std::span<const int64_t> attributes() const noexcept {
    return {attributes_, attribute_count_};
  }
  [[nodiscard]] std::span<const Scalar> scalars() const noexcept {
    return {scalars_, scalar_count_};
  }
  // A saved tensor, with its place in the graph when the pass is recorded.
  // Errors: Autograd when it is gone or was changed in place.
  [[nodiscard]] Tensor unpack(uint32_t slot);

 private:
  OpNode() = default;
  ~OpNode() override = default;
  void dispose() noexcept override;
  // As saved, outside the graph.
  [[nodiscard]] Ref<TensorImpl> find_saved(uint32_t slot) const;
  [[noreturn]] void fail_version(const SavedTensor& saved) const;

  const Op* op_ = nullptr;
  const Rule* rule_ = nullptr;
  SavedTensor* saved_ = nullptr;
  int64_t* attributes_ = nullptr;
  Scalar* scalars_ = nullptr;
  uint32_t attribute_count_ = 0;
  uint16_t saved_count_ = 0;
  uint16_t scalar_count_ = 0;
  uint16_t memory_class_ = 0;
  uint32_t numbers_ = 0;
};

}  // namespace tenon::autograd
