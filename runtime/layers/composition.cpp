// An optional operator on a device that need not have it: composed there, as the dispatcher would.
// The one file of this folder that looks up to the ops.
#include <cstring>
#include <map>

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/layers/recorded_launch_internal.h>
#include <tenon/runtime/ops/creation.h>

namespace tenon::layers {
namespace {

// Elements in row-major order, and back to where they lie.
std::vector<std::byte> pack(const RecordedOperand& operand) {
  const auto size = static_cast<size_t>(size_bytes(static_cast<DType>(operand.dtype)));
  std::vector<std::byte> dense;
  each_element(operand, [&](const std::vector<int64_t>&, size_t place) {
    dense.insert(dense.end(), operand.bytes.data() + place, operand.bytes.data() + place + size);
    return true;
  });
  return dense;
}

std::vector<std::byte> unpack(const RecordedOperand& operand, const std::byte* dense) {
  const auto size = static_cast<size_t>(size_bytes(static_cast<DType>(operand.dtype)));
  std::vector<std::byte> bytes = operand.bytes;
  each_element(operand, [&](const std::vector<int64_t>&, size_t place) {
    std::memcpy(bytes.data() + place, dense, size);
    dense += size;
    return true;
  });
  return bytes;
}

Tensor to_device(const RecordedOperand& operand, const Device& device) {
  std::vector<std::byte> dense = pack(operand);
  const Shape sizes(std::span<const int64_t>(operand.shape.data(), operand.shape.size()));
  Tensor host =
      empty(sizes, TensorOptions().dtype(static_cast<DType>(operand.dtype)).device("cpu"));
  if (!dense.empty()) std::memcpy(host.impl()->storage->host(), dense.data(), dense.size());
  return device.is_cpu() ? host : host.to(device);
}

std::vector<Scalar> scalars_of(const RecordedLaunch& launch) {
  std::vector<Scalar> scalars;
  for (const uint64_t slot : launch.scalars) {
    double value = 0;
    std::memcpy(&value, &slot, sizeof value);
    scalars.emplace_back(value);
  }
  return scalars;
}

}  // namespace

std::vector<std::vector<std::byte>> compose_launch(const RecordedLaunch& launch, const Op& op,
                                                   const Device& device) {
  const RecordingScope off(false);
  static const Tensor& none = *new Tensor;
  std::map<uint32_t, Tensor> by_memory;  // what shares bytes is one tensor
  std::vector<Tensor> outputs;
  std::vector<const Tensor*> inputs;
  for (size_t i = 0; i < launch.operands.size(); ++i) {
    const RecordedOperand& operand = launch.operands[i];
    Tensor& tensor = by_memory[operand.memory];
    if (!tensor.defined()) tensor = to_device(operand, device);
    if (i < launch.output_count)
      outputs.push_back(tensor);
    else
      inputs.push_back(&tensor);
  }
  // Inputs that may be absent are the last ones.
  for (int i = 0; i < 4; ++i) inputs.push_back(&none);
  const std::vector<Scalar> scalars = scalars_of(launch);
  OpCall call{.op = op,
              .inputs = inputs,
              .attributes = launch.attributes,
              .scalars = scalars,
              .outputs = outputs};
  op.spec().decompose(call);
  std::vector<std::vector<std::byte>> results;
  for (uint32_t i = 0; i < launch.output_count; ++i) {
    const Tensor host = outputs[i].cpu().contiguous();
    results.push_back(host.numel() == 0
                          ? launch.operands[i].bytes
                          : unpack(launch.operands[i], host.impl()->storage->host() +
                                                           host.impl()->desc.offset_bytes -
                                                           host.impl()->storage->offset_bytes()));
  }
  return results;
}

bool has_composition(const Op* op) {
  return op != nullptr && op->spec().decompose != nullptr && op->spec().emit == nullptr;
}

}  // namespace tenon::layers
