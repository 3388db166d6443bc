#include <tenon/runtime/parallel.h>

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <thread>

#include <tenon/runtime/error.h>
#include <tenon/runtime/log.h>

namespace tenon {
namespace {

constexpr int64_t kMaxThreads = 1024;
constexpr int64_t kPartsPerThread = 4;  // so that a late thread costs a quarter of its share
constexpr size_t kSlots = 8;            // callers served at a time; more run inline
constexpr auto kSpin = std::chrono::microseconds(30);

constinit thread_local bool inside_part = false;

int64_t usable_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(CPU_COUNT(&set), 1);
  return std::max<int64_t>(std::thread::hardware_concurrency(), 1);
}

int64_t initial_thread_count() {
  const char* value = std::getenv("TENON_NUM_THREADS");
  if (value != nullptr && *value != '\0') {
    int64_t count = 0;
    const char* end = value + std::strlen(value);
    const auto [rest, failure] = std::from_chars(value, end, count);
    if (failure == std::errc() && rest == end && count >= 1 && count <= kMaxThreads) return count;
    log(LogLevel::kWarning, join_text("TENON_NUM_THREADS must be a number from 1 to ", kMaxThreads,
                                      "; using one thread per processor instead"));
  }
  return std::min(usable_processors(), kMaxThreads);
}

std::atomic<int64_t>& wanted_threads() {
  static std::atomic<int64_t> count{initial_thread_count()};
  return count;
}

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

// Spins until done(), at most kSpin; answers whether it is.
template <class Done>
bool spin_until(const Done& done) {
  const auto deadline = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 16; ++i) {
      if (done()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return done();
}

// Parts of a job that are left, [begin, end) in one word. Their owner takes them from the front,
// others from the back.
class PartRange {
 public:
  void set(int64_t begin, int64_t end) noexcept {
    left_.store(pack(begin, end), std::memory_order_relaxed);
  }
  enum class From { kFront, kBack };
  // -1: there are none.
  int64_t take(From from) noexcept {
    uint64_t now = left_.load(std::memory_order_relaxed);
    for (;;) {
      const auto begin = static_cast<int64_t>(now & UINT32_MAX);
      const auto end = static_cast<int64_t>(now >> 32);
      if (begin >= end) return -1;
      const bool front = from == From::kFront;
      const uint64_t rest = front ? pack(begin + 1, end) : pack(begin, end - 1);
      if (left_.compare_exchange_weak(now, rest, std::memory_order_relaxed))
        return front ? begin : end - 1;
    }
  }

 private:
  static uint64_t pack(int64_t begin, int64_t end) noexcept {
    return static_cast<uint64_t>(begin) | static_cast<uint64_t>(end) << 32;
  }
  std::atomic<uint64_t> left_{0};
};

// One parallel_for, on its caller's stack. A thread begins with the same share of every job that is
// cut alike: what an op leaves in its cache the next op of the thread finds there.
struct Job {
  static constexpr int64_t kMaxShares = 32;

  RangeFunction fn;
  void* context;
  int64_t count;
  int64_t parts;
  int64_t shares;
  PartRange left[kMaxShares];
  std::atomic<bool> failed{false};
  std::exception_ptr failure;

  Job(RangeFunction function, void* of, int64_t items, int64_t part_count, int64_t threads)
      : fn(function),
        context(of),
        count(items),
        parts(part_count),
        shares(std::min(threads, kMaxShares)) {
    for (int64_t i = 0; i < shares; ++i) left[i].set(parts * i / shares, parts * (i + 1) / shares);
  }

  void run_part(int64_t part) noexcept {
    const int64_t size = count / parts, rest = count % parts;
    const int64_t begin = part * size + std::min(part, rest);
    try {
      fn(context, begin, begin + size + (part < rest ? 1 : 0));
    } catch (...) {
      if (!failed.exchange(true)) failure = std::current_exception();
    }
  }

  // `thread` 0 is the caller. After a failure the parts not begun yet are dropped.
  void work(int64_t thread) noexcept {
    inside_part = true;
    for (int64_t i = 0; i < shares; ++i) {
      PartRange& share = left[(thread + i) % shares];
      const auto from = i == 0 ? PartRange::From::kFront : PartRange::From::kBack;
      for (int64_t part = share.take(from); part >= 0; part = share.take(from))
        if (!failed.load(std::memory_order_relaxed)) run_part(part);
    }
    inside_part = false;
  }
};

// Where a job is offered to the workers. Note "Slots": a worker counts itself in `users` before it
// reads `job`; the caller takes `job` back and then waits for `users` to be 0. Both are
// sequentially consistent, so no worker holds a job whose caller has left.
struct alignas(64) Slot {
  std::atomic<bool> taken{false};
  std::atomic<Job*> job{nullptr};
  std::atomic<uint32_t> users{0};

  void help(int64_t thread) {
    if (job.load(std::memory_order_relaxed) == nullptr) return;
    users.fetch_add(1);
    if (Job* offered = job.load()) offered->work(thread);
    if (users.fetch_sub(1) == 1) users.notify_one();
  }

  void withdraw() {
    job.store(nullptr);
    const auto idle = [this] { return users.load() == 0; };
    if (!spin_until(idle)) {
      for (uint32_t now = users.load(); now != 0; now = users.load()) users.wait(now);
    }
    taken.store(false, std::memory_order_release);
  }
};

class Pool {
 public:
  // Callers never need a worker to make progress: whatever no worker takes they do themselves.
  void run(Job& job, int64_t threads) {
    Slot* slot = take_slot();
    if (slot == nullptr) return job.work(0);
    grow(threads - 1);
    slot->job.store(&job);
    epoch_.fetch_add(1);
    const int64_t helpers = std::min({job.parts, threads, parked_.load() + 1}) - 1;
    for (int64_t i = 0; i < helpers; ++i) epoch_.notify_one();
    job.work(0);
    slot->withdraw();
  }

 private:
  Slot* take_slot() {
    for (Slot& slot : slots_) {
      if (!slot.taken.load(std::memory_order_relaxed) && !slot.taken.exchange(true)) return &slot;
    }
    return nullptr;
  }

  void grow(int64_t workers) {
    if (workers_.load(std::memory_order_acquire) >= workers || growing_.exchange(true)) return;
    sigset_t all, before;  // signals belong to the program's own threads
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      for (int64_t i = workers_.load(); i < workers; ++i) {
        std::thread(&Pool::serve, this, i).detach();
        workers_.store(i + 1, std::memory_order_release);
      }
    } catch (const std::exception& e) {
      log_once(LogLevel::kWarning, join_text("thread pool: no more threads: ", e.what()));
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    growing_.store(false);
  }

  [[noreturn]] void serve(int64_t index) {
    pthread_setname_np(pthread_self(), "tenon-worker");
    for (;;) {
      const uint32_t seen = epoch_.load();
      const int64_t threads = wanted_threads().load(std::memory_order_relaxed);
      if (index + 1 < threads) {
        for (Slot& slot : slots_) slot.help(index + 1);
      }
      const auto changed = [&] { return epoch_.load(std::memory_order_relaxed) != seen; };
      const bool may_spin = index + 1 < threads && threads <= processors_;
      if (may_spin && spin_until(changed)) continue;
      parked_.fetch_add(1);
      epoch_.wait(seen);
      parked_.fetch_sub(1);
    }
  }

  Slot slots_[kSlots];
  alignas(64) std::atomic<uint32_t> epoch_{0};  // raised with each job offered
  std::atomic<int64_t> parked_{0};
  alignas(64) std::atomic<int64_t> workers_{0};
  std::atomic<bool> growing_{false};
  const int64_t processors_ = usable_processors();
};

// Never destroyed: workers outlive main. After fork the child, which has no workers, starts anew.
std::atomic<Pool*> current_pool{nullptr};

void forget_pool_after_fork() {
  current_pool.store(nullptr);
  inside_part = false;
}

Pool& pool() {
  Pool* existing = current_pool.load(std::memory_order_acquire);
  if (existing != nullptr) return *existing;
  static const int registered = pthread_atfork(nullptr, nullptr, forget_pool_after_fork);
  static_cast<void>(registered);
  auto* fresh = new Pool;
  if (current_pool.compare_exchange_strong(existing, fresh)) return *fresh;
  delete fresh;
  return *existing;
}

}  // namespace

void parallel_for(int64_t count, int64_t grain, RangeFunction fn, void* context) {
  if (count <= 0) return;
  const int64_t threads = inside_part ? 1 : thread_count();
  const int64_t parts = std::min(count / std::max<int64_t>(grain, 1), threads * kPartsPerThread);
  if (threads == 1 || parts <= 1) return fn(context, 0, count);
  Job job(fn, context, count, parts, threads);
  pool().run(job, threads);
  if (job.failure) std::rethrow_exception(job.failure);
}

int64_t thread_count() noexcept { return wanted_threads().load(std::memory_order_relaxed); }

void set_thread_count(int64_t count) {
  check(count >= 1 && count <= kMaxThreads, ErrorCode::kInvalidArgument, "set_thread_count",
        "expected a number from 1 to ", kMaxThreads, ", got ", count);
  wanted_threads().store(count);
}

}  // namespace tenon
