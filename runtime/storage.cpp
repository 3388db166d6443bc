#include <tenon/runtime/storage.h>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/memory/object_pool.h>

namespace tenon {

Ref<Storage> Storage::allocate(DeviceContext& context, uint64_t size_bytes) {
  Block* block = context.allocator().allocate(size_bytes);
  Ref<Storage> storage(new (ObjectPool<Storage>::take()) Storage);
  storage->context_ = &context;
  storage->block_ = block;
  storage->size_bytes_ = size_bytes;
  storage->offset_bytes_ = block->offset_bytes;
  storage->buffer_ = block->segment->buffer;
  if (block->segment->host != nullptr) storage->host_ = block->segment->host + block->offset_bytes;
  return storage;
}

Ref<Storage> Storage::adopt(void* data, uint64_t size_bytes, std::function<void()> release) {
  Ref<Storage> storage(new (ObjectPool<Storage>::take()) Storage);
  storage->context_ = &DeviceContext::cpu();
  storage->host_ = static_cast<std::byte*>(data);
  storage->size_bytes_ = size_bytes;
  storage->adopted_ = true;
  storage->release_ = std::move(release);
  return storage;
}

tn_buffer Storage::buffer() {
  if (buffer_ != nullptr) return buffer_;
  if (block_ != nullptr) return buffer_ = context_->allocator().buffer(*block_->segment);
  context_->require_compute();
  context_->check_status(context_->plugin().core.buffer_from_host(context_->handle(), host_,
                                                                  size_bytes_, &buffer_),
                         "buffer_from_host");
  return buffer_;
}

void Storage::destroy(Storage* storage) noexcept {
  if (storage->block_ != nullptr) storage->context_->allocator().free(storage->block_);
  if (storage->adopted_) {
    if (storage->buffer_ != nullptr) {
      // An asynchronous plugin may still read the foreign memory.
      if (storage->context_->is_async()) storage->context_->synchronize();
      storage->context_->plugin().core.buffer_free(storage->buffer_);
    }
    if (storage->release_) storage->release_();
  }
  storage->~Storage();
  ObjectPool<Storage>::give(storage);
}

}  // namespace tenon
