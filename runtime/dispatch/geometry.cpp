#include <tenon/runtime/dispatch/geometry.h>

#include <algorithm>
#include <utility>

namespace tenon {

IterationSpace::IterationSpace(const Shape& sizes) : rank(static_cast<uint32_t>(sizes.rank())) {
  std::copy(sizes.begin(), sizes.end(), shape);
}

void IterationSpace::add(const tn_tensor& desc) noexcept {
  int64_t* own = strides[operand_count++];
  const uint32_t lead = rank - desc.rank;
  for (uint32_t d = 0; d < rank; ++d) {
    const bool present = d >= lead;
    own[d] = present && (desc.shape[d - lead] != 1 || shape[d] == 1) ? desc.strides[d - lead] : 0;
    if (shape[d] == 1) own[d] = 0;
  }
}

void IterationSpace::collapse(bool keep_order) noexcept {
  const auto move_dim = [this](uint32_t to, uint32_t from) {
    shape[to] = shape[from];
    for (uint32_t i = 0; i < operand_count; ++i) strides[i][to] = strides[i][from];
  };
  uint32_t kept = 0;
  for (uint32_t d = 0; d < rank; ++d) {
    if (shape[d] == 1) continue;
    move_dim(kept++, d);
  }
  rank = kept;
  // Insertion sort: outermost first by stride of the first operand that tells them apart.
  const auto before = [this](uint32_t a, uint32_t b) {
    for (uint32_t i = 0; i < operand_count; ++i) {
      if (strides[i][a] == 0 || strides[i][b] == 0) continue;
      if (strides[i][a] != strides[i][b]) return strides[i][a] > strides[i][b];
    }
    return false;
  };
  for (uint32_t d = 1; d < rank && !keep_order; ++d) {
    for (uint32_t e = d; e > 0 && before(e, e - 1); --e) {
      std::swap(shape[e], shape[e - 1]);
      for (uint32_t i = 0; i < operand_count; ++i) std::swap(strides[i][e], strides[i][e - 1]);
    }
  }
  if (rank == 0) return;
  uint32_t last = 0;
  for (uint32_t d = 1; d < rank; ++d) {
    bool merges = true;
    for (uint32_t i = 0; i < operand_count && merges; ++i)
      merges = strides[i][last] == strides[i][d] * shape[d];
    if (merges) {
      shape[last] *= shape[d];  // a part of a proved product: can't overflow
      for (uint32_t i = 0; i < operand_count; ++i) strides[i][last] = strides[i][d];
    } else {
      move_dim(++last, d);
    }
  }
  rank = last + 1;
}

tn_tensor IterationSpace::describe(const tn_tensor& desc, uint32_t i) const noexcept {
  tn_tensor result = desc;
  result.rank = rank;
  for (uint32_t d = 0; d < rank; ++d) {
    result.shape[d] = shape[d];
    result.strides[d] = strides[i][d];
  }
  return result;
}

bool may_overlap_itself(const tn_tensor& desc) noexcept {
  std::pair<int64_t, int64_t> dims[8];  // stride, size
  uint32_t count = 0;
  for (uint32_t d = 0; d < desc.rank; ++d) {
    if (desc.shape[d] == 0) return false;
    if (desc.shape[d] == 1) continue;
    dims[count++] = {desc.strides[d], desc.shape[d]};
  }
  for (uint32_t d = 1; d < count; ++d)  // insertion sort: at most eight
    for (uint32_t e = d; e > 0 && dims[e] < dims[e - 1]; --e) std::swap(dims[e], dims[e - 1]);
  int64_t reach = 0;  // farthest element of the smaller dimensions
  for (uint32_t d = 0; d < count; ++d) {
    if (dims[d].first <= reach) return true;
    reach += (dims[d].second - 1) * dims[d].first;
  }
  return false;
}

Overlap overlap_of(const TensorImpl& a, const TensorImpl& b) noexcept {
  if (a.storage.get() != b.storage.get() || a.numel == 0 || b.numel == 0) return Overlap::kNone;
  const auto same = [&] {
    if (a.desc.offset_bytes != b.desc.offset_bytes || a.desc.dtype != b.desc.dtype ||
        a.desc.rank != b.desc.rank)
      return false;
    for (uint32_t d = 0; d < a.desc.rank; ++d) {
      if (a.desc.shape[d] != b.desc.shape[d]) return false;
      if (a.desc.shape[d] > 1 && a.desc.strides[d] != b.desc.strides[d]) return false;
    }
    return true;
  };
  if (same()) return Overlap::kExact;
  const auto end_of = [](const TensorImpl& t) {
    uint64_t last = 0;
    for (uint32_t d = 0; d < t.desc.rank; ++d)
      last += static_cast<uint64_t>((t.desc.shape[d] - 1) * t.desc.strides[d]);
    return t.desc.offset_bytes + (last + 1) * static_cast<uint64_t>(size_bytes(t.dtype()));
  };
  if (end_of(a) <= b.desc.offset_bytes || end_of(b) <= a.desc.offset_bytes) return Overlap::kNone;
  return a.contiguous && b.contiguous ? Overlap::kPartial : Overlap::kPossible;
}

}  // namespace tenon
