#include <tenon/runtime/tensor_impl.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <thread>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/memory/object_pool.h>

namespace tenon {
namespace {

uint32_t find_layout(const TensorImpl& impl) noexcept {
  if (impl.contiguous && impl.numel > 0) return TN_LAYOUT_CONTIGUOUS;
  return layout_of(impl.desc);
}

// log2 of the alignment of the first byte, at most 6 (64 bytes).
uint32_t alignment_of(const TensorImpl& impl) noexcept {
  const std::byte* host = impl.storage->host();
  const uint64_t address = host == nullptr
                               ? impl.desc.offset_bytes
                               : reinterpret_cast<uint64_t>(host) +
                                     (impl.desc.offset_bytes - impl.storage->offset_bytes());
  return static_cast<uint32_t>(std::countr_zero(address | uint64_t{64}));
}

uint64_t call_word_of(const tn_tensor& desc, uint32_t layout, uint32_t alignment,
                      int64_t numel) noexcept {
  static_assert(TN_DTYPE_COUNT <= 16 && kZeroDim >> (kOperandKeyShift + kOperandKeyBits - 1) == 1);
  uint64_t word = static_cast<uint32_t>(TN_CLASS(desc.dtype, desc.rank, layout, alignment));
  word |= uint64_t{desc.dtype | alignment << 4} << kOperandKeyShift;
  if (desc.rank == 0) word |= kZeroDim;
  if (numel == 1) word |= kOneElement;
  if (layout == TN_LAYOUT_BROADCAST) word |= kRepeated;
  if (numel == 0 || (layout != TN_LAYOUT_CONTIGUOUS && layout != TN_LAYOUT_BROADCAST))
    word |= kNotFlat;
  return word;
}

}  // namespace

uint32_t layout_of(const tn_tensor& desc) noexcept {
  bool broadcast = true, contiguous = true;
  int64_t step = 1;
  for (uint32_t d = desc.rank; d-- > 0;) {
    if (desc.shape[d] == 1) continue;
    if (desc.strides[d] != 0) broadcast = false;
    if (desc.strides[d] != step) contiguous = false;
    step *= desc.shape[d];
  }
  if (contiguous) return TN_LAYOUT_CONTIGUOUS;
  if (broadcast) return TN_LAYOUT_BROADCAST;
  return desc.strides[desc.rank - 1] == 1 ? TN_LAYOUT_INNER : TN_LAYOUT_STRIDED;
}

AutogradSlot::~AutogradSlot() = default;

Ref<TensorImpl> TensorImpl::make() {
  return Ref<TensorImpl>::adopt(new (ObjectPool<TensorImpl>::take()) TensorImpl);
}

uint64_t TensorImpl::find_call_word() const noexcept {
  const uint64_t word = call_word_of(desc, find_layout(*this), alignment_of(*this), numel);
  call_word_.store(word, std::memory_order_relaxed);
  return word;
}

void TensorImpl::take_geometry(const TensorImpl& from) {
  storage = from.storage;
  // A thread that uses `from` for the first time may be writing the buffer, and that alone.
  desc.buffer = std::atomic_ref<tn_buffer>(const_cast<tn_buffer&>(from.desc.buffer))
                    .load(std::memory_order_acquire);
  buffer_state.store(BufferState::kUnknown, std::memory_order_relaxed);  // asked where it is null
  desc.offset_bytes = from.desc.offset_bytes;
  desc.dtype = from.desc.dtype;
  desc.rank = from.desc.rank;
  std::memcpy(desc.shape, from.desc.shape, sizeof desc.shape);  // of fixed size: no call
  std::memcpy(desc.strides, from.desc.strides, sizeof desc.strides);
  numel = from.numel;
  contiguous = from.contiguous;
  call_word_.store(from.call_word_.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

Ref<TensorImpl> TensorImpl::alias() const {
  Ref<TensorImpl> impl = make();
  impl->take_geometry(*this);
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
  if (impl->autograd != nullptr) delete impl->autograd;
  impl->~TensorImpl();
  ObjectPool<TensorImpl>::give(impl);
}

void TensorImpl::set_geometry(const Shape& shape, const Shape& strides, int64_t offset, DType dtype,
                              std::string_view op) {
  check(shape.rank() == strides.rank(), ErrorCode::kInvalidArgument, op, "sizes ", shape,
        " and strides ", strides, " must have one length");
  check(offset >= 0, ErrorCode::kInvalidArgument, op, "the storage offset must be >= 0, got ",
        offset);
  const int64_t item = size_bytes(dtype);
  int64_t last = offset;
  int64_t dense = 1;  // the product of the sizes that are not 0
  bool row_major = true, empty = false;
  for (int64_t d = shape.rank() - 1; d >= 0; --d) {
    const int64_t size = shape[d], step = strides[d];
    if ((size | step) < 0) [[unlikely]] {
      (void)shape.numel();  // throws for a negative size
      fail(ErrorCode::kInvalidArgument, op, "negative strides are not supported, got ", strides,
           "; flip the values instead");
    }
    if (size == 1) continue;
    row_major = row_major && step == dense;
    empty = empty || size == 0;
    if (size == 0) continue;
    last = checked_add(last, checked_mul(size - 1, step, op), op);
    dense = checked_mul(dense, size, op);
  }
  if (!empty) {
    const int64_t end = checked_mul(checked_add(last, 1, op), item, op);
    check(static_cast<uint64_t>(end) <= storage->size_bytes(), ErrorCode::kInvalidArgument, op,
          "sizes ", shape, ", strides ", strides, " and offset ", offset, " reach byte ", end,
          " of a storage of ", storage->size_bytes(), " bytes; stay inside it");
  } else {
    offset = std::min(offset, static_cast<int64_t>(storage->size_bytes()) / item);
  }
  desc.buffer = nullptr;
  buffer_state.store(BufferState::kUnknown, std::memory_order_relaxed);
  desc.offset_bytes =
      storage->offset_bytes() + static_cast<uint64_t>(checked_mul(offset, item, op));
  desc.dtype = static_cast<uint32_t>(dtype);
  desc.rank = static_cast<uint32_t>(shape.rank());
  std::memcpy(desc.shape, shape.data(), sizeof desc.shape);
  std::memcpy(desc.strides, strides.data(), sizeof desc.strides);
  numel = empty ? 0 : dense;
  contiguous = row_major || empty;
  call_word_.store(0, std::memory_order_relaxed);
}

inline TensorImpl::TensorImpl(const TensorImpl& model, uint64_t word, Ref<Storage> memory) noexcept
    : storage(std::move(memory)), numel(model.numel) {
  const Storage& own = *storage;
  desc.struct_size = sizeof desc;
  desc.flags = 0;
  desc.buffer = own.known_buffer();
  desc.offset_bytes = own.offset_bytes();
  desc.dtype = TN_CLASS_DTYPE(word);
  desc.rank = model.desc.rank;
  std::memcpy(desc.shape, model.desc.shape, sizeof desc.shape);  // of fixed size: no call
  std::memcpy(desc.strides, model.desc.strides, sizeof desc.strides);
  int64_t step = 1;
  for (uint32_t d = desc.rank; d-- > 0; step *= desc.shape[d]) desc.strides[d] = step;
  const uint32_t alignment = alignment_of(*this);
  if (alignment != TN_CLASS_ALIGN(word)) [[unlikely]]
    word = call_word_of(desc, TN_LAYOUT_CONTIGUOUS, alignment, numel);
  call_word_.store(word, std::memory_order_relaxed);
}

Ref<TensorImpl> make_dense(DeviceContext& context, const Shape& shape, DType dtype) {
  const int64_t count = shape.numel();
  const int64_t bytes = checked_mul(count, size_bytes(dtype), "allocate");
  Ref<TensorImpl> impl = TensorImpl::make();
  tn_tensor& desc = impl->desc;
  desc.rank = static_cast<uint32_t>(shape.rank());
  int64_t step = 1;  // can't overflow: numel() proved the product of the non-zero sizes
  for (uint32_t d = desc.rank; d-- > 0;) {
    desc.shape[d] = shape[d];
    desc.strides[d] = step;
    step *= std::max<int64_t>(shape[d], 1);
  }
  impl->storage = Storage::allocate(context, static_cast<uint64_t>(bytes));
  impl->numel = count;
  desc.buffer = impl->storage->known_buffer();
  desc.offset_bytes = impl->storage->offset_bytes();
  desc.dtype = static_cast<uint32_t>(dtype);
  return impl;
}

Ref<TensorImpl> make_dense_like(const TensorImpl& model, uint64_t word) {
  const auto dtype = static_cast<DType>(TN_CLASS_DTYPE(word));
  const int64_t bytes = checked_mul(model.numel, size_bytes(dtype), "allocate");
  Ref<Storage> memory = Storage::allocate(model.storage->context(), static_cast<uint64_t>(bytes));
  return Ref<TensorImpl>::adopt(new (ObjectPool<TensorImpl>::take())
                                    TensorImpl(model, word, std::move(memory)));
}

}  // namespace tenon
