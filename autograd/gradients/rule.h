// A derivative rule: what it saves of the call, and the chain rule in public ops.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/tensor.h>

namespace tenon::autograd {

struct Backprop;
class OpNode;
class GradContext;

// ---- what a rule saves: one byte per slot, bit i of it: needed for the gradient of input i ----
inline constexpr uint32_t kInputSlots = 6;  // slots 0–5: inputs, 6–7: outputs
inline constexpr uint64_t kSaveNothing = 0;
inline constexpr uint64_t kForAny = 0xff;
inline constexpr uint64_t kFor0 = 1, kFor1 = 2, kFor2 = 4;
[[nodiscard]] constexpr uint64_t save_input(uint32_t i, uint64_t needed_for = kForAny) {
  return needed_for << (8 * i);
}
[[nodiscard]] constexpr uint64_t save_output(uint32_t i = 0, uint64_t needed_for = kForAny) {
  return needed_for << (8 * (kInputSlots + i));
}

struct Rule {
  const char* op;  // the op's name
  uint64_t saves;
  void (*apply)(GradContext& c);
  // What the node keeps as attributes, where the call's own are not enough.
  void (*attributes)(const OpCall& call, std::vector<int64_t>& attributes) = nullptr;
  // Where it is not the op's name in camel case + "Backward0".
  const char* node_name = nullptr;
};

// Sizes and strides, offset in elements of the storage.
struct Geometry {
  Shape sizes, strides;
  int64_t offset = 0;
};
// As attributes: of the input, then of the output.
void append_geometry(const TensorImpl& impl, std::vector<int64_t>& attributes);
void keep_geometry(const OpCall& call, std::vector<int64_t>& attributes);

// A saved operand of a pointwise op: a tensor or a number.
class SavedOperand {
 public:
  SavedOperand(Tensor tensor) : tensor_(std::move(tensor)) {}
  SavedOperand(const Scalar& scalar) : scalar_(scalar) {}
  operator Operand() const { return is_tensor() ? Operand(tensor_) : Operand(scalar_); }
  [[nodiscard]] bool is_tensor() const noexcept { return tensor_.defined(); }
  [[nodiscard]] const Tensor& tensor() const noexcept { return tensor_; }
  [[nodiscard]] double number() const noexcept { return scalar_.to_double(); }

 private:
  Tensor tensor_;
  Scalar scalar_;
};

// What a rule sees of one pass through its node.
class GradContext {
 public:
  GradContext(OpNode& node, Backprop& pass) : node_(node), pass_(pass) {}

  // The gradient of an output. With several outputs it may be undefined (has_grad), that is zero.
  [[nodiscard]] const Tensor& grad(size_t output = 0) const;
  [[nodiscard]] bool has_grad(size_t output) const { return grad(output).defined(); }
  // Saved tensors. Errors: Autograd when freed or changed in place.
  [[nodiscard]] Tensor input(uint32_t i) const;
  [[nodiscard]] Tensor output(uint32_t i = 0) const;
  // A saved input that may be a number.
  [[nodiscard]] SavedOperand operand(uint32_t i) const;
  // The op's extra scalars (alpha), attributes, and the geometries that keep_geometry() stored.
  [[nodiscard]] Scalar scalar(size_t i) const;
  [[nodiscard]] std::span<const int64_t> attributes() const;
  [[nodiscard]] Geometry input_geometry() const;
  [[nodiscard]] Geometry output_geometry() const;

  [[nodiscard]] size_t input_count() const;
  // Whether anybody wants the gradient of input i; only then may the following be asked.
  [[nodiscard]] bool needs(size_t i) const;
  [[nodiscard]] const Shape& sizes(size_t i) const;
  [[nodiscard]] TensorOptions options(size_t i) const;
  // The gradient of input i. Broadcast dimensions are summed, dtype and device made right.
  // Nothing given means zero.
  void give(size_t i, const Tensor& gradient);

 private:
  OpNode& node_;
  Backprop& pass_;
};

}  // namespace tenon::autograd
