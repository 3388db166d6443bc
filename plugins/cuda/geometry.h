// Dimensions of an iteration space, collapsed for a kernel.
#ifndef TENON_PLUGINS_CUDA_GEOMETRY_H
#define TENON_PLUGINS_CUDA_GEOMETRY_H

#include <tenon/api/plugin.hpp>

#include <array>
#include <span>

#include "device/program.h"

namespace tenon::cuda {

// A collapsed space over several tensors: extents of 1 are gone and neighbours that lie behind one
// another in every tensor are merged. Rank >= 1.
struct Space {
  int32_t rank = 1;
  int64_t count = 1;
  std::array<int64_t, kMaxRank> shape{1};
  std::array<std::array<int64_t, kMaxRank>, kProgramOperands> strides{};

  // Largest number that indexing needs: the count, or an offset of some element.
  [[nodiscard]] int64_t reach(size_t tensors) const;
};

// In which order dimensions are walked.
enum class Order {
  kRowMajor,  // as the shape says: element number i is the i-th
  kMemory     // any, so that the first tensor is walked as it lies
};

// Over the dimensions whose bit is set in `mask`.
Space collapse(std::span<const tn_tensor* const> tensors, Order order, uint32_t mask = 0xff);

// A tensor of a space, and where its first element is.
struct Placed {
  size_t tensor;
  uint64_t address;
};

// Makes some neighbours of the innermost dimension one element of up to 16 bytes, where the tensors
// are dense along it and aligned, and other strides (`also`: one outside of the space) allow it.
// Strides of these tensors count such elements then. Answers how many became one.
int64_t widen(Space& space, std::span<const Placed> tensors, int64_t element_bytes,
              int64_t also = 0);

// Product of the extents of those dimensions.
int64_t count_over(const tn_tensor& tensor, uint32_t mask);

}  // namespace tenon::cuda

#endif
