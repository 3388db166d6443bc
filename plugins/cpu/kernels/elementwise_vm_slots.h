// Scratch of the register machine: one chunk for a scalar, a constant or a value in between.
#ifndef TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_SLOTS_H
#define TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_SLOTS_H

#include <cstring>
#include <vector>

#include "../dtypes.h"
#include "elementwise_vm.h"

namespace tenon::cpu {

inline constexpr int64_t kVmSlotBytes = kVmChunk * 4;

// Streamed stores pass by the order that locks and atomics give: a fence of their own, before
// anybody is told that they are there.
inline void end_streaming() {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

// Outputs of this size will not be found in the cache by whoever reads them.
inline bool is_streamed(int64_t output_bytes) { return output_bytes >= int64_t{24} << 20; }

// A slot of a launch as a lane of the machine.
inline float lane_value(uint32_t dtype, uint64_t slot) {
  if (dtype == TN_DTYPE_F32) return static_cast<float>(std::bit_cast<double>(slot));
  return std::bit_cast<float>(slot != 0 ? UINT32_MAX : 0u);
}

// One element of a tensor for all, in a run over n elements: floats fill a slot, bools are bytes.
inline void fill_constant(const VmKernels& vm, uint32_t dtype, const std::byte* data,
                          std::byte* slot, int64_t n) {
  if (dtype == TN_DTYPE_BOOL) {
    std::memset(slot, static_cast<int>(*data), kVmChunk);
  } else {
    float value;
    std::memcpy(&value, data, sizeof value);
    vm.fill(slot, value, n);
  }
}

// Operands behind the tensors of a run over n elements: scalars, then scratch. Returns the scratch
// memory that is left.
inline std::byte* fill_slots(const VmKernels& vm, const std::vector<uint32_t>& scalar_dtypes,
                             uint32_t scratch_slots, const uint64_t* scalars, VmFrame& frame,
                             std::byte* memory, int64_t n) {
  for (size_t s = 0; s < scalar_dtypes.size(); ++s, memory += kVmSlotBytes) {
    vm.fill(memory, lane_value(scalar_dtypes[s], scalars[s]), n);
    frame.operands[frame.count++] = {memory, 0};
  }
  for (uint32_t s = 0; s < scratch_slots; ++s, memory += kVmSlotBytes) {
    frame.operands[frame.count++] = {memory, 0};
  }
  return memory;
}

}  // namespace tenon::cpu

#endif
