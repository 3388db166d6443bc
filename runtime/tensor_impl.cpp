#include <tenon/runtime/tensor_impl.h>

#include <algorithm>
#include <thread>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/memory/object_pool.h>

namespace tenon {

AutogradSlot::~AutogradSlot() = default;

Ref<TensorImpl> TensorImpl::make() {
  Ref<TensorImpl> impl(new (ObjectPool<TensorImpl>::take()) TensorImpl);
  impl->desc.struct_size = sizeof(tn_tensor);
  return impl;
}

Ref<TensorImpl> TensorImpl::alias() const {
  Ref<TensorImpl> impl = make();
  impl->storage = storage;
  // A thread that uses this tensor for the first time may be writing the buffer, and that alone.
  impl->desc.buffer = std::atomic_ref<tn_buffer>(const_cast<tn_buffer&>(desc.buffer))
                          .load(std::memory_order_acquire);
  impl->desc.offset_bytes = desc.offset_bytes;
  impl->desc.dtype = desc.dtype;
  impl->desc.rank = desc.rank;
  std::copy_n(desc.shape, desc.rank, impl->desc.shape);
  std::copy_n(desc.strides, desc.rank, impl->desc.strides);
  impl->numel = numel;
  impl->contiguous = contiguous;
  impl->wrapped_number = wrapped_number;
  return impl;
}

// One thread claims the write: a plugin reads desc without atomics, which only a compare and
// exchange that never touches desc itself leaves undisturbed.
void TensorImpl::resolve_buffer() {
  const tn_buffer known = storage->buffer();
  BufferState expected = BufferState::kUnknown;
  if (buffer_state.compare_exchange_strong(expected, BufferState::kBeingWritten,
                                           std::memory_order_acq_rel)) {
    std::atomic_ref<tn_buffer>(desc.buffer).store(known, std::memory_order_release);
    buffer_state.store(BufferState::kWritten, std::memory_order_release);
    return;
  }
  while (buffer_state.load(std::memory_order_acquire) != BufferState::kWritten) {
    std::this_thread::yield();
  }
}

void TensorImpl::destroy(TensorImpl* impl) noexcept {
  delete impl->autograd;
  impl->~TensorImpl();
  ObjectPool<TensorImpl>::give(impl);
}

void TensorImpl::set_geometry(const Shape& shape, const Shape& strides, int64_t offset, DType dtype,
                              std::string_view op) {
  check(shape.rank() == strides.rank(), ErrorCode::kInvalidArgument, op, "sizes ", shape,
        " and strides ", strides, " must have one length");
  const int64_t count = shape.numel();
  check(offset >= 0, ErrorCode::kInvalidArgument, op, "the storage offset must be >= 0, got ",
        offset);
  int64_t last = offset;
  int64_t dense = 1;
  bool row_major = true;
  for (int64_t d = shape.rank() - 1; d >= 0; --d) {
    check(strides[d] >= 0, ErrorCode::kInvalidArgument, op,
          "negative strides are not supported, got ", strides, "; flip the values instead");
    if (shape[d] > 0) last = checked_add(last, checked_mul(shape[d] - 1, strides[d], op), op);
    if (shape[d] != 1) {
      row_major = row_major && strides[d] == dense;
      dense = checked_mul(dense, std::max<int64_t>(shape[d], 1), op);
    }
  }
  if (count > 0) {
    const int64_t end = checked_mul(checked_add(last, 1, op), size_bytes(dtype), op);
    check(static_cast<uint64_t>(end) <= storage->size_bytes(), ErrorCode::kInvalidArgument, op,
          "sizes ", shape, ", strides ", strides, " and offset ", offset, " reach byte ", end,
          " of a storage of ", storage->size_bytes(), " bytes; stay inside it");
  } else {
    const auto bytes = static_cast<int64_t>(storage->size_bytes());
    offset = std::min(offset, bytes / size_bytes(dtype));
  }
  desc.buffer = nullptr;
  buffer_state.store(BufferState::kUnknown, std::memory_order_relaxed);
  desc.offset_bytes =
      storage->offset_bytes() + static_cast<uint64_t>(checked_mul(offset, size_bytes(dtype), op));
  desc.dtype = static_cast<uint32_t>(dtype);
  desc.rank = static_cast<uint32_t>(shape.rank());
  std::copy(shape.begin(), shape.end(), desc.shape);
  std::copy(strides.begin(), strides.end(), desc.strides);
  numel = count;
  contiguous = row_major || count == 0;
}

Ref<TensorImpl> make_dense(DeviceContext& context, const Shape& shape, DType dtype) {
  const int64_t count = shape.numel();
  const int64_t bytes = checked_mul(count, size_bytes(dtype), "allocate");
  Ref<TensorImpl> impl = TensorImpl::make();
  impl->storage = Storage::allocate(context, static_cast<uint64_t>(bytes));
  impl->numel = count;
  tn_tensor& desc = impl->desc;
  desc.offset_bytes = impl->storage->offset_bytes();
  desc.dtype = static_cast<uint32_t>(dtype);
  desc.rank = static_cast<uint32_t>(shape.rank());
  int64_t step = 1;  // can't overflow: numel() proved the product of the non-zero sizes
  for (int64_t d = shape.rank() - 1; d >= 0; --d) {
    desc.shape[d] = shape[d];
    desc.strides[d] = step;
    step *= std::max<int64_t>(shape[d], 1);
  }
  return impl;
}

}  // namespace tenon
