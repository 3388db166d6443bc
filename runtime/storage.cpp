#include <tenon/runtime/storage.h>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/loader/call_slot_internal.h>
#include <tenon/runtime/memory/object_pool.h>

namespace tenon {

inline Storage::Storage(DeviceContext& context, Block* block, uint64_t size_bytes) noexcept
    : context_(&context),
      block_(block),
      host_(block->segment->host == nullptr ? nullptr : block->segment->host + block->offset_bytes),
      offset_bytes_(block->offset_bytes),
      size_bytes_(size_bytes),
      buffer_(block->segment->buffer.load(std::memory_order_acquire)) {}

Ref<Storage> Storage::allocate(DeviceContext& context, uint64_t size_bytes) {
  Block* block = context.allocator().allocate(size_bytes);
  void* object = nullptr;
  try {
    object = ObjectPool<Storage>::take();
  } catch (...) {
    context.allocator().free(block);
    throw;
  }
  return Ref<Storage>::adopt(new (object) Storage(context, block, size_bytes));
}

Ref<Storage> Storage::adopt(void* data, uint64_t size_bytes, std::function<void()> release) {
  Ref<Storage> storage(new (ObjectPool<Storage>::take()) Storage(DeviceContext::cpu()));
  storage->host_ = static_cast<std::byte*>(data);
  storage->size_bytes_ = size_bytes;
  storage->release_ = std::make_unique<std::function<void()>>(std::move(release));
  return storage;
}

tn_buffer Storage::buffer() {
  tn_buffer known = buffer_.load(std::memory_order_acquire);
  if (known != nullptr) return known;
  if (block_ != nullptr) {
    const tn_buffer made = context_->allocator().buffer(*block_->segment);
    buffer_.store(made, std::memory_order_release);
    return made;
  }
  context_->require_compute();
  const tn_core& core = context_->plugin().core;
  tn_buffer made = nullptr;
  const auto wrap = [&] {
    return core.buffer_from_host(context_->handle(), host_, size_bytes_, &made);
  };
  context_->check_status(call_slot(context_->plugin(), "buffer_from_host", wrap),
                         "buffer_from_host");
  check(made != nullptr, ErrorCode::kInternal, "buffer_from_host", "plugin ",
        context_->plugin().name, " answered OK without a buffer");
  // Of two threads that read a tensor for the first time one keeps its handle.
  if (buffer_.compare_exchange_strong(known, made, std::memory_order_acq_rel)) return made;
  call_release(context_->plugin(), "buffer_free", [&] { core.buffer_free(made); });
  return known;
}

void Storage::destroy(Storage* storage) noexcept {
  if (storage->block_ != nullptr) storage->context_->allocator().free(storage->block_);
  if (storage->release_ != nullptr) [[unlikely]] {
    if (const tn_buffer buffer = storage->buffer_.load(std::memory_order_acquire)) {
      // An asynchronous plugin may still read the foreign memory.
      if (storage->context_->is_async()) storage->context_->synchronize();
      const Plugin& plugin = storage->context_->plugin();
      call_release(plugin, "buffer_free", [&] { plugin.core.buffer_free(buffer); });
    }
    if (*storage->release_) (*storage->release_)();
  }
  storage->~Storage();
  ObjectPool<Storage>::give(storage);
}

}  // namespace tenon
