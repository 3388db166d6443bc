// Locks that a forked child must find open: it computes on host memory, and whoever held them at
// the fork is not in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace tenon {

// One lock each, in the order in which a thread may take several.
enum class ForkLockId : uint8_t {
  kChoice,         // of the default device
  kGenerator,      // the default one
  kFirstUse,       // of any device
  kOpening,        // host memory's device
  kShadowLayers,   // uses two devices
  kContexts,       // of devices
  kRegistry,       // of plugins, while one is loaded
  kHostAllocator,  // of host memory
  kMemoryHistory,
  kFaultLayers,  // around an allocator's calls, too, as the next two
  kValidateLayers,
  kGuardLayers,
  kGuardBook,     // of bands around tensors
  kPluginHosts,   // host tables of plugins
  kPluginConfig,  // their configuration
  kKernels,       // prepared ones
  kDeviceNames,   // interned
  kTraceTexts,    // interned
  kLogOnce,
};
inline constexpr size_t kForkLockCount = 19;

// The lock of that name. A fork takes all of them first, each after the ones above it, and opens
// them on both sides; it waits for a plugin that is being loaded.
[[nodiscard]] std::mutex& fork_mutex(ForkLockId id) noexcept;
// Puts a member of something that lives for ever in its place.
void set_fork_mutex(ForkLockId id, std::mutex& mutex) noexcept;

// Holds one. Needed where code of others runs inside, which may fork by itself: that fork leaves
// the lock to the thread that has it.
class ForkLock {
 public:
  explicit ForkLock(ForkLockId id);
  ~ForkLock();
  ForkLock(const ForkLock&) = delete;
  ForkLock& operator=(const ForkLock&) = delete;

 private:
  ForkLockId id_;
  std::mutex& mutex_;
};

}  // namespace tenon
