// Free lists for the runtime's small objects, one per thread and type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

namespace tenon {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kPoolObjects = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kPoolObjects = false;
#else
inline constexpr bool kPoolObjects = true;
#endif
#else
inline constexpr bool kPoolObjects = true;
#endif

// Raw memory for objects of type T. An object may be given back on another thread than it was
// taken on; each list keeps at most kDepth.
template <class T>
class ObjectPool {
 public:
  [[nodiscard]] static void* take() {
    if constexpr (kPoolObjects) {
      if (list_.head != nullptr) {
        Link* link = list_.head;
        list_.head = link->next;
        --list_.count;
        return link;
      }
    }
    return ::operator new(kSize, std::align_val_t{alignof(T)});
  }
  static void give(void* memory) noexcept {
    if constexpr (kPoolObjects) {
      if (list_.state == State::kNew) open();
      if (list_.state == State::kOpen && list_.count < kDepth) {
        list_.head = new (memory) Link{list_.head};
        ++list_.count;
        return;
      }
    }
    ::operator delete(memory, std::align_val_t{alignof(T)});
  }

 private:
  enum class State : uint8_t { kNew, kOpen, kClosed };
  struct Link {
    Link* next;
  };
  // Trivial, so that the hot path needs no initialisation guard; Drain has the destructor.
  struct List {
    Link* head;
    size_t count;
    State state;
  };
  struct Drain {  // a thread ends: its list goes; later givers on it go straight to delete
    ~Drain() {
      list_.state = State::kClosed;
      while (list_.head != nullptr) {
        Link* next = list_.head->next;
        ::operator delete(static_cast<void*>(list_.head), std::align_val_t{alignof(T)});
        list_.head = next;
      }
    }
  };
  static void open() noexcept {
    static thread_local Drain drain;
    (void)drain;
    list_.state = State::kOpen;
  }

  static constexpr size_t kDepth = 1024;
  static constexpr size_t kSize = sizeof(T) > sizeof(Link) ? sizeof(T) : sizeof(Link);
  __attribute__((tls_model("initial-exec"))) static inline constinit thread_local List list_{
      nullptr, 0, State::kNew};
};

}  // namespace tenon
