// Reference-counted base and its pointer. One word, no control block, no weak count.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <utility>

namespace tenon {

class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void retain() const noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  // True when the last reference went and the owner must destroy the object.
  [[nodiscard]] bool release() const noexcept {
    // A sole owner cannot race with anybody: skip the locked instruction.
    if (count_.load(std::memory_order_acquire) == 1) return true;
    return count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  // The first reference: nobody else knows the object yet, so nothing needs a locked instruction.
  void retain_new() const noexcept { count_.store(1, std::memory_order_relaxed); }
  [[nodiscard]] uint32_t use_count() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }

 protected:
  ~RefCounted() = default;

 private:
  mutable std::atomic<uint32_t> count_{0};
};

// Shared owner of a T derived from RefCounted. T::destroy(T*) frees it.
template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T* object) noexcept : object_(object) {
    if (object_) object_->retain();
  }
  // The first owner of a new object.
  [[nodiscard]] static Ref adopt(T* object) noexcept {
    Ref ref;
    object->retain_new();
    ref.object_ = object;
    return ref;
  }
  Ref(const Ref& other) noexcept : Ref(other.object_) {}
  template <class U>
  requires(!std::same_as<U, T> && std::derived_from<U, T>) Ref(Ref<U>&& other)
  noexcept : object_(other.release()) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ && object_->release()) T::destroy(object_);
  }

  [[nodiscard]] T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  void reset() noexcept { *this = Ref(); }
  // Gives the reference up without dropping it.
  [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }
  friend bool operator==(const Ref& a, const Ref& b) noexcept { return a.object_ == b.object_; }

 private:
  T* object_ = nullptr;
};

}  // namespace tenon
