// One GPU's primary context, shared by the device and everything made on it: the current-context
// rule, the translation of results, loss of the device, and the kernels' code.
#ifndef TENON_PLUGINS_CUDA_CONTEXT_H
#define TENON_PLUGINS_CUDA_CONTEXT_H

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "driver.h"

namespace tenon::cuda {

class ProgramCompiler;

class Context {
 public:
  Context(const Driver& driver, int ordinal, int driver_version, const plugin::Host& host);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Makes the context current on the calling thread. A context of somebody else's is put back at
  // the end; a thread that had none keeps this one, as CUDA's runtime leaves it, so that most calls
  // change nothing. Throws DEVICE_LOST where the device can no longer be used.
  class Scope {
   public:
    explicit Scope(const Context& context);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    const Context& context_;
    bool pushed_ = false;
  };

  // Throws unless the result is a success. A sticky error loses the device; `since()` then names
  // the work that may have caused it.
  void check(CUresult result, const char* what) const {
    if (result != CUDA_SUCCESS) fail(result, what, {});
  }
  template <class Since>
  void check(CUresult result, const char* what, const Since& since) const {
    if (result != CUDA_SUCCESS) fail(result, what, since());
  }
  void check_alive() const;
  // For destructors: a scope that throws nothing; f(driver) runs only where the device still lives.
  template <class F>
  void release(F&& f) const noexcept {
    if (!usable()) return;
    if (driver.context_push(context_) != CUDA_SUCCESS) return;
    f(driver);
    CUcontext popped = nullptr;
    driver.context_pop(&popped);
  }

  // A kernel of the image `image` (a .cu file of kernels/); loaded at first use. Throws INTERNAL.
  CUfunction function(std::string_view image, const std::string& name);
  // A kernel of code compiled at run time; the module lives as long as the context.
  CUfunction function_of_code(const void* code, const char* name);

  // What compiles pointwise programs for this GPU; made at first use.
  ProgramCompiler& programs();
  // What another part of the plugin keeps as long as the context lives, such as a library's handle:
  // made by the first that asks, ended while the context can still be used. `make` may answer NULL.
  void* kept(std::string_view name, const std::function<std::shared_ptr<void>()>& make);

  [[nodiscard]] int attribute(CUdevice_attribute attribute) const;

  const Driver& driver;
  const plugin::Host host;
  const int driver_version;
  CUdevice device = 0;
  int multiprocessors = 1;
  int capability = 0;  // 10 * major + minor

 private:
  [[nodiscard]] bool usable() const noexcept;
  [[noreturn]] void lose(const std::string& why) const;
  [[noreturn]] void fail(CUresult result, const char* what, const std::string& since) const;

  CUcontext context_ = nullptr;
  std::mutex mutex_;
  std::map<std::string, CUmodule, std::less<>> modules_;
  std::vector<CUmodule> compiled_;
  std::unique_ptr<ProgramCompiler> programs_;
  std::mutex kept_mutex_;
  std::map<std::string, std::shared_ptr<void>, std::less<>> kept_;
  mutable std::atomic<bool> lost_{false};
  mutable std::mutex lost_mutex_;
  mutable std::string lost_why_;
};

}  // namespace tenon::cuda

#endif
