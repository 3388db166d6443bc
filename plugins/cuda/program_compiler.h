// Kernels of pointwise programs, compiled at run time and shared by all that run the same program
// on operands that lie the same way. Nothing here calls the driver.
#ifndef TENON_PLUGINS_CUDA_PROGRAM_COMPILER_H
#define TENON_PLUGINS_CUDA_PROGRAM_COMPILER_H

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "program_source.h"

namespace tenon::cuda {

enum class ProgramMode {
  kInterpret,  // nothing is compiled
  kAuto,       // the third launch queues it for the background thread
  kCompile     // the first launch compiles it and waits
};

// The name of every program's kernel.
inline constexpr char kProgramKernel[] = "tenon_program";

// One program for one layout.
class ProgramVariant {
 public:
  enum class State { kNew, kQueued, kReady, kFailed };

  ProgramVariant(const ProgramCode& code, const ProgramLayout& layout)
      : code_(code), layout_(layout) {}

  [[nodiscard]] State state() const { return state_.load(std::memory_order_acquire); }
  [[nodiscard]] const ProgramLayout& layout() const { return layout_; }
  // The compiled code once it is ready; why there is none when that failed.
  [[nodiscard]] const std::string& result() const { return result_; }

  // What the launches make of it: the loaded function, set under `loading`.
  std::atomic<void*> function{nullptr};
  std::mutex loading;
  bool refused = false;  // under `loading`: the driver refused it, or its failure was told

 private:
  friend class ProgramCompiler;
  void finish(State state, std::string result) {
    result_ = std::move(result);
    state_.store(state, std::memory_order_release);
  }

  const ProgramCode code_;
  const ProgramLayout layout_;
  std::atomic<State> state_{State::kNew};
  std::atomic<uint32_t> launches_{0};
  std::string result_;
};

class ProgramCompiler {
 public:
  struct Settings {
    ProgramMode mode = ProgramMode::kAuto;
    int capability = 90;
    uint32_t vectors = 0;              // of a thread; 0: chosen for each program
    std::optional<std::string> nvrtc;  // file or folder
    std::string cache;                 // folder; empty: nothing is kept
  };
  using Log = std::function<void(std::string_view line)>;

  // `log` is called by threads that call this class, never by the background thread.
  ProgramCompiler(Settings settings, Log log);
  // Ends the background thread; in a forked child, where it does not exist, leaves all as it is.
  ~ProgramCompiler();
  ProgramCompiler(const ProgramCompiler&) = delete;
  ProgramCompiler& operator=(const ProgramCompiler&) = delete;

  [[nodiscard]] const Settings& settings() const;

  std::shared_ptr<ProgramVariant> variant(const ProgramCode& code, const ProgramLayout& layout);
  // Counts a launch of a variant that is not loaded; queues or compiles when it is time to. True
  // when its code is ready.
  bool ready(const std::shared_ptr<ProgramVariant>& variant);
  // One line for people, once for each text.
  void tell(const std::string& line);

  struct Worker;  // shared with the background thread

 private:
  Log log_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<ProgramVariant>> variants_;
  std::string told_;
  Worker* worker_;
};

}  // namespace tenon::cuda

#endif
