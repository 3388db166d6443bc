#include "geometry.h"

#include <algorithm>

namespace tenon::cuda {

constexpr int64_t kWidest = 16;  // bytes of one access

int64_t Space::reach(size_t tensors) const {
  int64_t most = count;
  for (size_t k = 0; k < tensors; ++k) {
    int64_t last = 0;
    for (int32_t d = 0; d < rank; ++d) {
      const auto dim = static_cast<size_t>(d);
      last += (shape[dim] - 1) * strides[k][dim];
    }
    most = std::max(most, last + 1);
  }
  return most;
}

int64_t widen(Space& space, std::span<const Placed> tensors, int64_t element_bytes, int64_t also) {
  const auto inner = static_cast<size_t>(space.rank) - 1;
  const auto fits = [&](int64_t factor) {
    bool divides = space.shape[inner] % factor == 0 && also % factor == 0;
    for (const Placed& placed : tensors) {
      const auto& strides = space.strides[placed.tensor];
      divides = divides && strides[inner] == 1 &&
                placed.address % static_cast<uint64_t>(factor * element_bytes) == 0;
      for (size_t d = 0; d < inner; ++d) divides = divides && strides[d] % factor == 0;
    }
    return divides;
  };
  int64_t factor = kWidest / element_bytes;
  while (factor > 1 && !fits(factor)) factor /= 2;
  if (factor == 1) return 1;
  space.shape[inner] /= factor;
  space.count /= factor;
  for (const Placed& placed : tensors) {
    for (size_t d = 0; d < inner; ++d) space.strides[placed.tensor][d] /= factor;
  }
  return factor;
}

int64_t count_over(const tn_tensor& tensor, uint32_t mask) {
  int64_t count = 1;
  for (uint32_t d = 0; d < tensor.rank; ++d) {
    if ((mask >> d & 1u) != 0) count *= tensor.shape[d];
  }
  return count;
}

Space collapse(std::span<const tn_tensor* const> tensors, Order order, uint32_t mask) {
  std::array<uint32_t, kMaxRank> dims{};
  size_t used = 0;
  const tn_tensor& first = *tensors[0];
  for (uint32_t d = 0; d < first.rank; ++d) {
    if ((mask >> d & 1u) != 0 && first.shape[d] != 1) dims[used++] = d;
  }
  if (order == Order::kMemory) {
    std::stable_sort(dims.begin(), dims.begin() + static_cast<ptrdiff_t>(used),
                     [&](uint32_t a, uint32_t b) { return first.strides[a] > first.strides[b]; });
  }
  Space out;
  size_t rank = 0;
  for (size_t i = 0; i < used; ++i) {
    const uint32_t d = dims[i];
    const int64_t extent = first.shape[d];
    bool merges = rank > 0;
    for (size_t k = 0; merges && k < tensors.size(); ++k) {
      merges = out.strides[k][rank - 1] == tensors[k]->strides[d] * extent;
    }
    if (!merges) out.shape[rank++] = 1;
    out.shape[rank - 1] *= extent;
    for (size_t k = 0; k < tensors.size(); ++k) out.strides[k][rank - 1] = tensors[k]->strides[d];
    out.count *= extent;
  }
  out.rank = static_cast<int32_t>(std::max<size_t>(rank, 1));
  return out;
}

}  // namespace tenon::cuda
