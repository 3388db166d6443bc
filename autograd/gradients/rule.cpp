#include <tenon/autograd/gradients/rule.h>

#include <bit>

#include <tenon/autograd/op_node_internal.h>
#include <tenon/runtime/device_context.h>

namespace tenon::autograd {
namespace {

// rank, sizes, strides, offset
Geometry read_geometry(std::span<const int64_t> attributes, size_t at) {
  const auto rank = static_cast<size_t>(attributes[at]);
  return {Shape(attributes.subspan(at + 1, rank)), Shape(attributes.subspan(at + 1 + rank, rank)),
          attributes[at + 1 + 2 * rank]};
}

}  // namespace

void append_geometry(const TensorImpl& impl, std::vector<int64_t>& attributes) {
  const tn_tensor& desc = impl.desc;
  attributes.push_back(desc.rank);
  attributes.insert(attributes.end(), desc.shape, desc.shape + desc.rank);
  attributes.insert(attributes.end(), desc.strides, desc.strides + desc.rank);
  attributes.push_back(impl.storage_offset());
}

void keep_geometry(const OpCall& call, std::vector<int64_t>& attributes) {
  append_geometry(*call.inputs[0]->impl(), attributes);
  append_geometry(*call.outputs[0].impl(), attributes);
}

const Tensor& GradContext::grad(size_t output) const { return pass_.incoming[output]; }

Tensor GradContext::input(uint32_t i) const { return node_.unpack(i); }

Tensor GradContext::output(uint32_t i) const { return node_.unpack(kInputSlots + i); }

SavedOperand GradContext::operand(uint32_t i) const {
  const uint32_t numbers = node_.numbers();
  if ((numbers >> i & 1) == 0) return node_.unpack(i);
  const uint32_t before = numbers & ((uint32_t{1} << i) - 1);
  return node_.scalars()[static_cast<size_t>(std::popcount(before))];
}

Scalar GradContext::scalar(size_t i) const {
  return node_.scalars()[static_cast<size_t>(std::popcount(node_.numbers())) + i];
}

std::span<const int64_t> GradContext::attributes() const { return node_.attributes(); }

Geometry GradContext::input_geometry() const { return read_geometry(node_.attributes(), 0); }

Geometry GradContext::output_geometry() const {
  const auto attributes = node_.attributes();
  return read_geometry(attributes, 2 + 2 * static_cast<size_t>(attributes[0]));
}

size_t GradContext::input_count() const { return node_.edges().size(); }

bool GradContext::needs(size_t i) const {
  return i < node_.edges().size() && pass_.needs(i) && node_.edges()[i].node;
}

const Shape& GradContext::sizes(size_t i) const { return node_.input_meta(i).sizes; }

TensorOptions GradContext::options(size_t i) const {
  const TensorMeta& meta = node_.input_meta(i);
  return {meta.dtype, meta.context->device()};
}

void GradContext::give(size_t i, const Tensor& gradient) {
  if (!needs(i) || !gradient.defined()) return;
  pass_.outgoing[i] = fit_gradient(gradient, node_.input_meta(i), node_, i);
}

}  // namespace tenon::autograd
