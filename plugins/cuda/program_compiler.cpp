#include "program_compiler.h"

#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <set>
#include <thread>

#include "code_cache.h"
#include "compiler_library.h"
#include "images.h"

namespace tenon::cuda {
namespace {

constexpr uint32_t kInterpretedLaunches = 2;  // of each variant, before it is queued

std::string key_of(const ProgramCode& code, const ProgramLayout& layout) {
  std::string key(sizeof code + sizeof layout, '\0');
  std::memcpy(key.data(), &code, sizeof code);
  std::memcpy(key.data() + sizeof code, &layout, sizeof layout);
  return key;
}

// Turns texts into code: from the disk where it was compiled before.
class Builder {
 public:
  explicit Builder(const ProgramCompiler::Settings& settings)
      : options_(program_options(settings.capability)), chosen_(settings.nvrtc) {
    if (!settings.cache.empty()) cache_.emplace(settings.cache);
  }

  // Why nothing is kept, if that is worth a line.
  std::string complaint() const { return cache_ ? cache_->why() : std::string(); }

  // Throws std::exception.
  std::string build(const ProgramCode& code, const ProgramLayout& layout,
                    const std::function<void()>& opened) {
    open(opened);
    const std::string text = program_prelude() + program_text(code, layout, kProgramKernel);
    CodeKey key = base_;
    key.add(text);
    if (cache_) {
      std::optional<std::string> found = cache_->find(key);
      if (found) return *std::move(found);
    }
    std::string cubin = compile_cubin(*nvrtc_.table, text, options_);
    if (cache_) cache_->put(key, cubin);
    return cubin;
  }

 private:
  void open(const std::function<void()>& opened) {
    if (!searched_) {
      searched_ = true;
      nvrtc_ = find_nvrtc(chosen_);
      opened();
      base_.add(std::to_string(nvrtc_.version));
      for (const std::string& option : options_) base_.add(option);
      for (const HeaderText& header : header_texts()) {
        base_.add(header.name);
        base_.add(header.text);
      }
    }
    if (!nvrtc_.table) {
      throw std::runtime_error("programs stay interpreted, NVRTC was not found: " + nvrtc_.reason);
    }
  }

  std::vector<std::string> options_;
  std::optional<std::string> chosen_;
  std::optional<CodeCache> cache_;
  bool searched_ = false;
  NvrtcSearch nvrtc_;
  CodeKey base_;
};

}  // namespace

// The background thread and what it shares. Its memory is never given back in a forked child: a
// condition variable with a waiter that no longer exists cannot be destroyed.
struct ProgramCompiler::Worker {
  explicit Worker(Settings settings_in)
      : settings(std::move(settings_in)), owner(getpid()), builder(settings) {}

  const Settings settings;
  const pid_t owner;
  std::mutex building;  // one compilation at a time
  Builder builder;

  std::mutex mutex;
  std::condition_variable wakes;
  std::deque<std::shared_ptr<ProgramVariant>> queue;
  bool stops = false;
  std::thread thread;

  void build(ProgramVariant& variant) {
    const std::lock_guard lock(building);
    if (variant.state() == ProgramVariant::State::kReady ||
        variant.state() == ProgramVariant::State::kFailed) {
      return;
    }
    try {
      variant.finish(ProgramVariant::State::kReady,
                     builder.build(variant.code_, variant.layout_, watch_exit));
    } catch (const std::exception& failure) {
      variant.finish(ProgramVariant::State::kFailed, failure.what());
    }
  }

  void enqueue(std::shared_ptr<ProgramVariant> variant) {
    const std::lock_guard lock(mutex);
    if (stops) return;
    queue.push_back(std::move(variant));
    static thread_local const AtEndOfMainThread end;
    (void)end;
    if (!thread.joinable()) {
      watch_exit();
      live_workers().add(this);
      thread = std::thread([this] { work(); });
    }
    wakes.notify_one();
  }

  void work() {
    bool first = true;
    for (;;) {
      std::shared_ptr<ProgramVariant> variant;
      {
        std::unique_lock lock(mutex);
        wakes.wait(lock, [this] { return stops || !queue.empty(); });
        if (stops) return;
        variant = std::move(queue.front());
        queue.pop_front();
      }
      build(*variant);
      if (first) watch_exit();
      first = false;
    }
  }

  void stop() {
    std::thread ending;
    {
      const std::lock_guard lock(mutex);
      stops = true;
      queue.clear();
      std::swap(ending, thread);
    }
    wakes.notify_all();
    if (ending.joinable()) ending.join();
  }

  // Workers whose threads must end before the process does, or before NVRTC's own exit handlers
  // take its data away. Never destroyed.
  struct Live {
    std::mutex mutex;
    std::set<Worker*> workers;
    std::atomic<pid_t> process{0};  // that added one last
    void add(Worker* worker) {
      const std::lock_guard lock(mutex);
      process = getpid();
      workers.insert(worker);
    }
    void remove(Worker* worker) {
      const std::lock_guard lock(mutex);
      workers.erase(worker);
    }
  };
  static Live& live_workers() {
    static Live* const live = new Live;
    return *live;
  }
  // A process that exits on its main thread first destroys that thread's objects, then runs exit
  // handlers: NVRTC registers some while it compiles, and no handler of ours comes before those.
  struct AtEndOfMainThread {
    ~AtEndOfMainThread() {
      if (gettid() == getpid()) end_all();
    }
  };
  // For an exit on another thread. Handlers run in reverse order: registered again after NVRTC was
  // opened and first used, this one comes before those registered so far.
  static void watch_exit() { std::atexit(end_all); }
  static void end_all() {
    if (live_workers().process != getpid()) return;  // a forked child
    const std::lock_guard lock(live_workers().mutex);
    for (Worker* worker : live_workers().workers) {
      if (worker->owner == getpid()) worker->stop();
    }
  }
};

ProgramCompiler::ProgramCompiler(Settings settings, Log log)
    : log_(std::move(log)), worker_(new Worker(std::move(settings))) {
  const std::string complaint = worker_->builder.complaint();
  if (!complaint.empty()) log_(complaint);
}

ProgramCompiler::~ProgramCompiler() {
  if (worker_->owner != getpid()) return;
  worker_->stop();
  Worker::live_workers().remove(worker_);
  delete worker_;
}

const ProgramCompiler::Settings& ProgramCompiler::settings() const { return worker_->settings; }

std::shared_ptr<ProgramVariant> ProgramCompiler::variant(const ProgramCode& code,
                                                         const ProgramLayout& layout) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<ProgramVariant>& variant = variants_[key_of(code, layout)];
  if (variant == nullptr) variant = std::make_shared<ProgramVariant>(code, layout);
  return variant;
}

bool ProgramCompiler::ready(const std::shared_ptr<ProgramVariant>& variant) {
  using State = ProgramVariant::State;
  switch (variant->state()) {
    case State::kReady:
      return true;
    case State::kQueued:
    case State::kFailed:
      return false;
    case State::kNew:
      break;
  }
  if (worker_->settings.mode == ProgramMode::kCompile) {
    worker_->build(*variant);
    return variant->state() == State::kReady;
  }
  if (worker_->settings.mode == ProgramMode::kAuto &&
      variant->launches_.fetch_add(1, std::memory_order_relaxed) == kInterpretedLaunches) {
    State expected = State::kNew;
    if (variant->state_.compare_exchange_strong(expected, State::kQueued)) {
      worker_->enqueue(variant);
    }
  }
  return false;
}

void ProgramCompiler::tell(const std::string& line) {
  {
    const std::lock_guard lock(mutex_);
    if (line == told_) return;
    told_ = line;
  }
  log_(line);
}

}  // namespace tenon::cuda
