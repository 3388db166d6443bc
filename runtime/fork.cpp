#include <pthread.h>

#include <atomic>

#include <tenon/runtime/fork_internal.h>

namespace tenon {
namespace {

// Constant-initialised, so that no first use is in the way of a fork.
constinit std::mutex own_mutexes[kForkLockCount];
constinit std::atomic<std::mutex*> members[kForkLockCount] = {};

constinit thread_local uint32_t held = 0;  // bits of ids: by ForkLocks of this thread
constinit thread_local std::mutex* taken[kForkLockCount] = {};  // by its fork

constexpr uint32_t bit(size_t id) { return uint32_t{1} << id; }

void before_fork() {
  for (size_t id = 0; id < kForkLockCount; ++id) {
    const bool own = (held & bit(id)) != 0;
    taken[id] = own ? nullptr : &fork_mutex(static_cast<ForkLockId>(id));
    if (taken[id] != nullptr) taken[id]->lock();
  }
}

void after_fork() {
  for (size_t id = kForkLockCount; id-- > 0;) {
    if (taken[id] != nullptr) taken[id]->unlock();
    taken[id] = nullptr;
  }
}

// As soon as the library is there: what is registered at the first use can miss a fork beside it.
[[maybe_unused]] const int registered = ::pthread_atfork(before_fork, after_fork, after_fork);

}  // namespace

std::mutex& fork_mutex(ForkLockId id) noexcept {
  const auto at = static_cast<size_t>(id);
  std::mutex* member = members[at].load(std::memory_order_acquire);
  return member != nullptr ? *member : own_mutexes[at];
}

void set_fork_mutex(ForkLockId id, std::mutex& mutex) noexcept {
  members[static_cast<size_t>(id)].store(&mutex, std::memory_order_release);
}

ForkLock::ForkLock(ForkLockId id) : id_(id), mutex_(fork_mutex(id)) {
  mutex_.lock();
  held |= bit(static_cast<size_t>(id_));
}

ForkLock::~ForkLock() {
  held &= ~bit(static_cast<size_t>(id_));
  mutex_.unlock();
}

}  // namespace tenon
