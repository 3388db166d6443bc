// What a Tensor points to. For the runtime, autograd and bindings; applications use tensor.h.
#pragma once

#include <atomic>
#include <cstdint>

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/dtype.h>
#include <tenon/runtime/intrusive.h>
#include <tenon/runtime/shape.h>
#include <tenon/runtime/storage.h>

namespace tenon {

// The autograd library hangs its per-tensor state here; the runtime only destroys it.
struct TENON_API AutogradSlot {
  virtual ~AutogradSlot();
};

struct TENON_API TensorImpl : RefCounted {
  // As the plugin sees it: shape, element strides, absolute byte offset. desc.buffer may still be
  // null for host memory (Storage::buffer() fills it before a launch).
  tn_tensor desc;
  Ref<Storage> storage;
  int64_t numel = 0;
  bool contiguous = true;  // row-major dense
  // Who writes desc.buffer. Reset by whoever replaces desc.
  enum class BufferState : uint8_t { kUnknown, kBeingWritten, kWritten };
  std::atomic<BufferState> buffer_state = BufferState::kUnknown;
  // True when this tensor takes part in the graph: a leaf that wants a gradient, or a result.
  bool requires_grad = false;
  // Views know the tensor they look into (never itself a view), so in-place edits can rebase.
  // Null for detached tensors, and for views that were made of a recorded tensor without recording.
  Ref<TensorImpl> base;
  AutogradSlot* autograd = nullptr;  // owned

  // Whether calls on this tensor are recorded: also when it is a view of such a tensor, which may
  // have joined the graph after the view was made.
  [[nodiscard]] bool in_graph() const noexcept {
    return requires_grad || (base && base->requires_grad);
  }
  [[nodiscard]] DType dtype() const noexcept { return static_cast<DType>(desc.dtype); }
  [[nodiscard]] Shape shape() const noexcept { return Shape::of_words(desc.shape, desc.rank); }
  [[nodiscard]] Shape strides() const noexcept { return Shape::of_words(desc.strides, desc.rank); }
  // In elements, relative to the storage.
  [[nodiscard]] int64_t storage_offset() const noexcept {
    return static_cast<int64_t>(desc.offset_bytes - storage->offset_bytes()) / size_bytes(dtype());
  }
  // The descriptor, its buffer resolved. May load the cpu plugin. Errors: Device.
  // Threads: may be called at once; the first to come writes the buffer, nobody else does.
  [[nodiscard]] const tn_tensor* operand() {
    if (std::atomic_ref<tn_buffer>(desc.buffer).load(std::memory_order_acquire) == nullptr) {
      resolve_buffer();
    }
    return &desc;
  }

  // dtype, rank, layout and alignment in one word (TN_CLASS).
  [[nodiscard]] uint32_t class_word() const noexcept { return static_cast<uint32_t>(call_word()); }
  // The same in the low half, OperandTrait and key bits in the high one: all that a call needs to
  // know of an operand but its sizes. Worked out when first asked for.
  [[nodiscard]] uint64_t call_word() const noexcept {
    const uint64_t known = call_word_.load(std::memory_order_relaxed);
    return known != 0 ? known : find_call_word();
  }

  // Geometry is proved here, once: every element lies inside the storage.
  // offset in elements. Errors: InvalidArgument (negative sizes or strides, out of bounds).
  void set_geometry(const Shape& shape, const Shape& strides, int64_t offset, DType dtype,
                    std::string_view op);
  // Memory and geometry of another tensor, outside the graph.
  void take_geometry(const TensorImpl& from);

  TensorImpl() noexcept : desc{} { desc.struct_size = sizeof desc; }
  // Row-major elements in memory of their own, of the sizes of `model`, which is not empty; `word`
  // is what call_word() says of such a one.
  TensorImpl(const TensorImpl& model, uint64_t word, Ref<Storage> memory) noexcept;
  [[nodiscard]] static Ref<TensorImpl> make();
  // Another handle of the same memory and geometry, outside the graph.
  [[nodiscard]] Ref<TensorImpl> alias() const;
  static void destroy(TensorImpl* impl) noexcept;

 private:
  TENON_API void resolve_buffer();
  [[nodiscard]] uint64_t find_call_word() const noexcept;

  mutable std::atomic<uint64_t> call_word_{0};  // 0: not known yet
};

// In TensorImpl::call_word(). The key bits tell dtype, alignment and whether there are no
// dimensions: what the plan of a pointwise call depends on beside the sizes.
inline constexpr uint32_t kOperandKeyShift = 32, kOperandKeyBits = 9;
inline constexpr uint64_t kOperandKeyMask = (uint64_t{1} << kOperandKeyBits) - 1;
enum OperandTrait : uint64_t {
  kZeroDim = uint64_t{1} << 40,  // the highest key bit
  kOneElement = uint64_t{1} << 41,
  kRepeated = uint64_t{1} << 42,  // one element in memory, seen as many
  kNotFlat = uint64_t{1} << 43,   // neither of these nor row-major, or empty
};

// TN_LAYOUT_* of a descriptor.
[[nodiscard]] uint32_t layout_of(const tn_tensor& desc) noexcept;

// An allocated, row-major tensor. Hot path of every op.
[[nodiscard]] TENON_API Ref<TensorImpl> make_dense(DeviceContext& context, const Shape& shape,
                                                   DType dtype);
// The same by another tensor of that device and these sizes, which is not empty, and what
// call_word() says of the new one unless its memory is aligned otherwise.
[[nodiscard]] TENON_API Ref<TensorImpl> make_dense_like(const TensorImpl& model, uint64_t word);

}  // namespace tenon
