// Sizes (or strides, or dimension lists) of up to kMaxRank dimensions; a value type without heap.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>

#include <tenon/runtime/checked.h>

namespace tenon {

inline constexpr int64_t kMaxRank = 8;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes) { assign({sizes.begin(), sizes.size()}); }
  Shape(std::span<const int64_t> sizes) { assign(sizes); }

  [[nodiscard]] int64_t rank() const noexcept { return rank_; }
  [[nodiscard]] size_t size() const noexcept { return static_cast<size_t>(rank_); }
  [[nodiscard]] bool empty() const noexcept { return rank_ == 0; }
  [[nodiscard]] int64_t operator[](int64_t d) const noexcept {
    return sizes_[static_cast<size_t>(d)];
  }
  [[nodiscard]] int64_t& operator[](int64_t d) noexcept { return sizes_[static_cast<size_t>(d)]; }
  [[nodiscard]] const int64_t* begin() const noexcept { return sizes_.data(); }
  [[nodiscard]] const int64_t* end() const noexcept { return sizes_.data() + rank_; }
  [[nodiscard]] const int64_t* data() const noexcept { return sizes_.data(); }
  [[nodiscard]] int64_t back() const noexcept { return (*this)[rank_ - 1]; }

  // The first `rank` of kMaxRank numbers, all of which may be read; rank <= kMaxRank.
  [[nodiscard]] static Shape of_words(const int64_t* words, uint32_t rank) noexcept {
    Shape shape;
    std::memcpy(shape.sizes_.data(), words, sizeof shape.sizes_);  // of fixed size: no call
    shape.rank_ = rank;
    return shape;
  }

  // Errors: InvalidArgument beyond kMaxRank.
  void push_back(int64_t size) {
    if (rank_ >= kMaxRank) [[unlikely]]
      fail_rank(size_t{kMaxRank} + 1);
    sizes_[static_cast<size_t>(rank_++)] = size;
  }
  // Dimensions [begin, end).
  [[nodiscard]] TENON_API Shape slice(int64_t begin, int64_t end) const;
  // Without dimension d, which is one of them.
  [[nodiscard]] Shape without(int64_t d) const noexcept {
    Shape result = *this;
    --result.rank_;
    for (int64_t i = d; i < result.rank_; ++i) result[i] = (*this)[i + 1];
    return result;
  }
  // Product of the sizes; 1 for rank 0. Errors: InvalidArgument on overflow or a negative size.
  [[nodiscard]] TENON_API int64_t numel() const;

  friend bool operator==(const Shape& a, const Shape& b) noexcept {
    if (a.rank_ != b.rank_) return false;
    for (int64_t d = 0; d < a.rank_; ++d)
      if (a[d] != b[d]) return false;
    return true;
  }
  // (2,3) + (7) = (2,3,7).
  [[nodiscard]] friend Shape operator+(Shape a, const Shape& b) {
    for (const int64_t size : b) a.push_back(size);
    return a;
  }

 private:
  void assign(std::span<const int64_t> sizes) {
    if (sizes.size() > static_cast<size_t>(kMaxRank)) [[unlikely]]
      fail_rank(sizes.size());
    rank_ = static_cast<int64_t>(sizes.size());
    for (size_t d = 0; d < sizes.size(); ++d) sizes_[d] = sizes[d];
  }
  [[noreturn]] TENON_API static void fail_rank(size_t rank);

  std::array<int64_t, kMaxRank> sizes_{};
  int64_t rank_ = 0;
};

// "(2, 3)".
TENON_API void append_text(std::string& text, const Shape& shape);

// Row-major strides of `shape`, in elements.
[[nodiscard]] TENON_API Shape contiguous_strides(const Shape& shape);
// Shape that both broadcast to (NumPy's rule). Errors: InvalidArgument, naming both.
[[nodiscard]] TENON_API Shape broadcast_shapes(const Shape& a, const Shape& b, std::string_view op);
// dim in [-rank, rank) → [0, rank); rank 0 counts as 1. Errors: Index, PyTorch's text.
[[noreturn]] TENON_API void fail_dim(int64_t dim, int64_t rank, std::string_view op);
[[nodiscard]] inline int64_t wrap_dim(int64_t dim, int64_t rank, std::string_view op) {
  const int64_t count = rank > 1 ? rank : 1;
  if (dim < -count || dim >= count) [[unlikely]]
    fail_dim(dim, rank, op);
  return dim < 0 ? dim + count : dim;
}
// Bit mask of `dims` (empty = all). Errors: Index; InvalidArgument on duplicates.
[[nodiscard]] TENON_API uint32_t dim_mask(const Shape& dims, int64_t rank, std::string_view op);

}  // namespace tenon
