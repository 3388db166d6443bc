// Operands of a launch as kernels see them: host pointers with collapsed strides.
#ifndef TENON_PLUGINS_CPU_OPERANDS_H
#define TENON_PLUGINS_CPU_OPERANDS_H

#include <tenon/api/device_plugin.h>

#include <cstddef>
#include <cstdint>

// The host's handles are these structs.
struct tn_buffer_s {
  std::byte* data;
  uint64_t size_bytes;
  bool owned;
};

namespace tenon::cpu {

template <class T = std::byte>
T* data_of(const tn_tensor& t) {
  return reinterpret_cast<T*>(t.buffer->data + t.offset_bytes);
}

inline int64_t element_count(const tn_tensor& t) {
  int64_t count = 1;
  for (uint32_t d = 0; d < t.rank; ++d) count *= t.shape[d];
  return count;
}

// Row-major dense in the order of its own shape.
inline bool is_contiguous(const tn_tensor& t) {
  int64_t expected = 1;
  for (uint32_t d = t.rank; d-- > 0;) {
    if (t.shape[d] == 1) continue;
    if (t.strides[d] != expected) return false;
    expected *= t.shape[d];
  }
  return true;
}

// Dimensions and strides (in elements), outermost first.
struct Layout {
  int rank = 0;
  int64_t shape[TN_MAX_RANK];
  int64_t strides[TN_MAX_RANK];

  [[nodiscard]] bool is_dense() const { return rank == 0 || (rank == 1 && strides[0] == 1); }
  [[nodiscard]] bool is_one_element() const {
    for (int d = 0; d < rank; ++d) {
      if (strides[d] != 0) return false;
    }
    return true;
  }
};

// Drops dimensions of extent 1 and merges those that are laid out as one. The row-major order of
// the elements stays. `rank` dimensions are read, the first `rank` of t by default.
inline Layout collapse(int rank, const int64_t* shape, const int64_t* strides) {
  Layout out;
  for (int d = 0; d < rank; ++d) {
    if (shape[d] == 1) continue;
    if (out.rank > 0 && out.strides[out.rank - 1] == strides[d] * shape[d]) {
      out.shape[out.rank - 1] *= shape[d];
      out.strides[out.rank - 1] = strides[d];
    } else {
      out.shape[out.rank] = shape[d];
      out.strides[out.rank] = strides[d];
      ++out.rank;
    }
  }
  return out;
}

inline Layout collapse(const tn_tensor& t) {
  return collapse(static_cast<int>(t.rank), t.shape, t.strides);
}

// Walks a layout in row-major order, one run of the innermost dimension at a time.
class RunCursor {
 public:
  RunCursor(const Layout& layout, int64_t start) : layout_(layout) {
    for (int d = layout.rank - 1; d >= 0; --d) {
      index_[d] = start % layout.shape[d];
      start /= layout.shape[d];
      offset_ += index_[d] * layout.strides[d];
    }
  }

  [[nodiscard]] int64_t offset() const { return offset_; }
  // Elements left in the current run.
  [[nodiscard]] int64_t run() const {
    return layout_.rank == 0 ? 1 : layout_.shape[layout_.rank - 1] - index_[layout_.rank - 1];
  }
  [[nodiscard]] int64_t stride() const {
    return layout_.rank == 0 ? 0 : layout_.strides[layout_.rank - 1];
  }

  // Moves on by n <= run() elements.
  void advance(int64_t n) {
    int d = layout_.rank - 1;
    if (d < 0) return;
    index_[d] += n;
    offset_ += n * layout_.strides[d];
    while (index_[d] == layout_.shape[d] && d > 0) {
      offset_ -= index_[d] * layout_.strides[d];
      index_[d] = 0;
      --d;
      ++index_[d];
      offset_ += layout_.strides[d];
    }
  }

 private:
  const Layout& layout_;
  int64_t index_[TN_MAX_RANK] = {};
  int64_t offset_ = 0;
};

}  // namespace tenon::cpu

#endif
