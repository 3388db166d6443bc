#include "context.h"

#include <sys/mman.h>
#include <unistd.h>

#include "images.h"
#include "program.h"
#include "program_compiler.h"

namespace tenon::cuda {

using plugin::Status;

namespace {

// A page that the kernel wipes in a forked child: there CUDA does not work.
const volatile char* process_mark() {
  static const volatile char* const mark = [] {
    const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void* page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) throw std::bad_alloc();
    madvise(page, size, MADV_WIPEONFORK);
    *static_cast<char*>(page) = 1;
    return static_cast<const volatile char*>(page);
  }();
  return mark;
}

// After these every call on the context fails the same way.
bool is_sticky(CUresult result) {
  switch (result) {
    case CUDA_ERROR_DEINITIALIZED:
    case CUDA_ERROR_ECC_UNCORRECTABLE:
    case CUDA_ERROR_NVLINK_UNCORRECTABLE:
    case CUDA_ERROR_ILLEGAL_ADDRESS:
    case CUDA_ERROR_LAUNCH_TIMEOUT:
    case CUDA_ERROR_CONTEXT_IS_DESTROYED:
    case CUDA_ERROR_ASSERT:
    case CUDA_ERROR_HARDWARE_STACK_ERROR:
    case CUDA_ERROR_ILLEGAL_INSTRUCTION:
    case CUDA_ERROR_MISALIGNED_ADDRESS:
    case CUDA_ERROR_INVALID_ADDRESS_SPACE:
    case CUDA_ERROR_INVALID_PC:
    case CUDA_ERROR_LAUNCH_FAILED:
    case CUDA_ERROR_SYSTEM_NOT_READY:
    case CUDA_ERROR_EXTERNAL_DEVICE:
    case CUDA_ERROR_CONTAINED:
    case CUDA_ERROR_UNKNOWN:
      return true;
    default:
      return false;
  }
}

}  // namespace

Context::Context(const Driver& driver_in, int ordinal, int driver_version_in,
                 const plugin::Host& host_in)
    : driver(driver_in), host(host_in), driver_version(driver_version_in) {
  process_mark();
  check(driver.device_get(&device, ordinal), "cuDeviceGet");
  check(driver.context_retain(&context_, device), "cuDevicePrimaryCtxRetain");
  multiprocessors = attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  capability = 10 * attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) +
               attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
}

Context::~Context() {
  programs_.reset();
  kept_.clear();
  release([&](const Driver& d) {
    for (const auto& [name, module] : modules_) d.module_unload(module);
    for (CUmodule module : compiled_) d.module_unload(module);
  });
  if (usable()) driver.context_release(device);
}

bool Context::usable() const noexcept { return !lost_ && *process_mark() != 0; }

Context::Scope::Scope(const Context& context) : context_(context) {
  context.check_alive();
  CUcontext current = nullptr;
  context.check(context.driver.context_current(&current), "cuCtxGetCurrent");
  if (current == context.context_) return;
  pushed_ = current != nullptr;
  if (pushed_) {
    context.check(context.driver.context_push(context.context_), "cuCtxPushCurrent");
  } else {
    context.check(context.driver.context_set(context.context_), "cuCtxSetCurrent");
  }
}

Context::Scope::~Scope() {
  if (!pushed_) return;
  CUcontext popped = nullptr;
  context_.driver.context_pop(&popped);
}

void Context::check_alive() const {
  if (*process_mark() == 0) {
    throw Status(TN_DEVICE_LOST, "a forked process cannot use the GPU that its parent opened");
  }
  if (!lost_) return;
  const std::lock_guard lock(lost_mutex_);
  throw Status(TN_DEVICE_LOST, lost_why_);
}

void Context::lose(const std::string& why) const {
  const std::lock_guard lock(lost_mutex_);
  if (!lost_) lost_why_ = why;
  lost_ = true;
  throw Status(TN_DEVICE_LOST, lost_why_);
}

void Context::fail(CUresult result, const char* what, const std::string& since) const {
  const std::string text = std::string(what) + ": " + describe(driver, result);
  if (is_sticky(result)) lose(text + since);
  throw Status(result == CUDA_ERROR_OUT_OF_MEMORY ? TN_OUT_OF_MEMORY : TN_INTERNAL, text);
}

int Context::attribute(CUdevice_attribute which) const {
  int value = 0;
  check(driver.device_attribute(&value, which, device), "cuDeviceGetAttribute");
  return value;
}

void* Context::kept(std::string_view name, const std::function<std::shared_ptr<void>()>& make) {
  const std::lock_guard lock(kept_mutex_);
  auto found = kept_.find(name);
  if (found == kept_.end()) found = kept_.emplace(std::string(name), make()).first;
  return found->second.get();
}

CUfunction Context::function(std::string_view image, const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto found = modules_.find(image);
  if (found == modules_.end()) {
    CUmodule module = nullptr;
    const std::string what = "loading the kernels of " + std::string(image);
    check(driver.module_load(&module, find_image(image)), what.c_str());
    found = modules_.emplace(std::string(image), module).first;
  }
  CUfunction function = nullptr;
  const std::string what = "looking up kernel " + name;
  check(driver.module_function(&function, found->second, name.c_str()), what.c_str());
  return function;
}

ProgramCompiler& Context::programs() {
  const std::lock_guard lock(mutex_);
  if (programs_ == nullptr) programs_ = make_program_compiler(*this);
  return *programs_;
}

CUfunction Context::function_of_code(const void* code, const char* name) {
  CUmodule module = nullptr;
  check(driver.module_load(&module, code), "loading a compiled program");
  {
    const std::lock_guard lock(mutex_);
    compiled_.push_back(module);
  }
  CUfunction function = nullptr;
  check(driver.module_function(&function, module, name), "looking up a compiled program");
  return function;
}

}  // namespace tenon::cuda
