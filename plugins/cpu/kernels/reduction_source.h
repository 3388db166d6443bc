// A tensor's elements as those of a reduction.
#ifndef TENON_PLUGINS_CPU_KERNELS_REDUCTION_SOURCE_H
#define TENON_PLUGINS_CPU_KERNELS_REDUCTION_SOURCE_H

#include "reduction.h"

namespace tenon::cpu {

class TensorSource final : public ReduceSource {
 public:
  TensorSource(const ElementwiseKernels& kernels, const tn_tensor& t, const ReduceSpace& space)
      : kernels_(kernels),
        dtype_(t.dtype),
        data_(data_of(t)),
        layout_(space.permuted(t)),
        item_(dtype_size(t.dtype)),
        converted_(is_half_dtype(t.dtype) || t.dtype == TN_DTYPE_BOOL) {
    find_rows(t, space);
  }

  const void* values(int64_t start, int64_t n, void* buffer) const override {
    if (!converted_) {
      if (layout_.is_dense()) return data_ + start * item_;
      const RunCursor cursor(layout_, start);
      if (cursor.run() >= n && (cursor.stride() == 1 || n == 1)) {
        return data_ + cursor.offset() * item_;
      }
    }
    gather_block(kernels_, dtype_, data_, layout_, start, n, buffer);
    return buffer;
  }

  const void* rows(int64_t start, int64_t, int64_t, int64_t* row_stride) const override {
    if (!has_rows_) return nullptr;
    *row_stride = row_stride_;
    return data_ + RunCursor(layout_, start).offset() * item_;
  }

 private:
  // The reduced dimensions are one stride and the inner ones are dense.
  void find_rows(const tn_tensor& t, const ReduceSpace& space) {
    int first = space.rank;
    int64_t left = space.inner;
    while (left > 1) left /= space.shape[--first];
    int reduced = first;
    left = space.reduced;
    while (left > 1) left /= space.shape[--reduced];
    int64_t strides[TN_MAX_RANK];
    for (int i = 0; i < space.rank; ++i) strides[i] = t.strides[space.order[i]];
    const Layout columns = collapse(space.rank - first, space.shape + first, strides + first);
    const Layout over = collapse(first - reduced, space.shape + reduced, strides + reduced);
    has_rows_ = !converted_ && columns.is_dense() && over.rank <= 1;
    row_stride_ = over.rank == 1 ? over.strides[0] : 0;
  }

  const ElementwiseKernels& kernels_;
  uint32_t dtype_;
  const std::byte* data_;
  Layout layout_;
  int64_t item_;
  bool converted_;
  bool has_rows_ = false;
  int64_t row_stride_ = 0;
};

}  // namespace tenon::cpu

#endif
