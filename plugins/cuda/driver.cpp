#include "driver.h"

#include "library.h"

#include <cstdlib>
#include <memory>

namespace tenon::cuda {
namespace {

// Kernels are compiled by this toolkit; a driver of the same major version runs them.
constexpr int kVersionWanted = CUDA_VERSION / 1000 * 1000;

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// The name that the header's macro made of an entry: memory_alloc is cuMemAlloc_v2.
struct Entry {
  const char* name;
  void (*store)(Driver& driver, void* symbol);
};

template <auto Member>
void store(Driver& driver, void* symbol) {
  using Function = std::remove_reference_t<decltype(driver.*Member)>;
  driver.*Member = reinterpret_cast<Function>(symbol);
}

constexpr Entry kEntries[] = {
    {"cuInit", store<&Driver::init>},
    {"cuDriverGetVersion", store<&Driver::driver_version>},
    {"cuGetErrorName", store<&Driver::error_name>},
    {"cuGetErrorString", store<&Driver::error_string>},
    {"cuDeviceGetCount", store<&Driver::device_count>},
    {"cuDeviceGet", store<&Driver::device_get>},
    {"cuDeviceGetName", store<&Driver::device_name>},
    {"cuDeviceTotalMem_v2", store<&Driver::device_memory>},
    {"cuDeviceGetAttribute", store<&Driver::device_attribute>},
    {"cuDevicePrimaryCtxRetain", store<&Driver::context_retain>},
    {"cuDevicePrimaryCtxRelease_v2", store<&Driver::context_release>},
    {"cuCtxPushCurrent_v2", store<&Driver::context_push>},
    {"cuCtxPopCurrent_v2", store<&Driver::context_pop>},
    {"cuCtxGetCurrent", store<&Driver::context_current>},
    {"cuCtxSetCurrent", store<&Driver::context_set>},
    {"cuMemGetInfo_v2", store<&Driver::memory_info>},
    {"cuMemAlloc_v2", store<&Driver::memory_alloc>},
    {"cuMemFree_v2", store<&Driver::memory_free>},
    {"cuMemHostAlloc", store<&Driver::host_alloc>},
    {"cuMemFreeHost", store<&Driver::host_free>},
    {"cuMemcpyHtoDAsync_v2", store<&Driver::upload>},
    {"cuMemcpyDtoHAsync_v2", store<&Driver::download>},
    {"cuMemcpyDtoDAsync_v2", store<&Driver::copy>},
    {"cuMemsetD8Async", store<&Driver::set8>},
    {"cuMemsetD16Async", store<&Driver::set16>},
    {"cuMemsetD32Async", store<&Driver::set32>},
    {"cuStreamCreate", store<&Driver::stream_create>},
    {"cuStreamDestroy_v2", store<&Driver::stream_destroy>},
    {"cuStreamSynchronize", store<&Driver::stream_synchronize>},
    {"cuStreamWaitEvent", store<&Driver::stream_wait>},
    {"cuEventCreate", store<&Driver::event_create>},
    {"cuEventDestroy_v2", store<&Driver::event_destroy>},
    {"cuEventRecord", store<&Driver::event_record>},
    {"cuEventQuery", store<&Driver::event_query>},
    {"cuEventSynchronize", store<&Driver::event_synchronize>},
    {"cuEventElapsedTime_v2", store<&Driver::event_elapsed>},
    {"cuStreamIsCapturing", store<&Driver::stream_capturing>},
    {"cuModuleLoadData", store<&Driver::module_load>},
    {"cuModuleUnload", store<&Driver::module_unload>},
    {"cuModuleGetFunction", store<&Driver::module_function>},
    {"cuFuncSetAttribute", store<&Driver::function_attribute>},
    {"cuLaunchKernel", store<&Driver::launch>},
};

// Opened once in the life of the process and never closed: a driver does not survive that.
struct Opened {
  Driver table{};
  bool complete = false;
  std::string reason;
};

Opened* open_driver(const plugin::Host& host) {
  auto opened = std::make_unique<Opened>();
  const Library library =
      find_library({"libcuda.so.1",
                    host.config("driver"),
                    {"/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib",
                     "/usr/local/nvidia/lib64", "/usr/lib/wsl/lib", "/run/opengl-driver/lib"}});
  if (library.handle == nullptr) {
    opened->reason = "no CUDA driver: " + library.tried +
                     "; install NVIDIA's driver, or name its libcuda.so.1 in TENON_CUDA_DRIVER";
    return opened.release();
  }
  for (const Entry& entry : kEntries) {
    void* symbol = library.symbol(entry.name);
    if (symbol == nullptr) {
      opened->reason = "the CUDA driver " + library.path + " is too old: it lacks " + entry.name;
      return opened.release();
    }
    entry.store(opened->table, symbol);
  }
  opened->complete = true;
  return opened.release();
}

}  // namespace

std::string describe(const Driver& driver, CUresult result) {
  const char* name = nullptr;
  const char* text = nullptr;
  if (driver.error_name(result, &name) != CUDA_SUCCESS || name == nullptr) {
    return "CUDA error " + std::to_string(result);
  }
  std::string out = name;
  if (driver.error_string(result, &text) == CUDA_SUCCESS && text != nullptr) {
    out += " (" + std::string(text) + ")";
  }
  return out;
}

DriverSearch examine(const Driver& driver) {
  DriverSearch out;
  int version = 0;
  if (driver.driver_version(&version) != CUDA_SUCCESS || version == 0) {
    out.reason = "the CUDA driver does not say its version: no driver is loaded in the kernel";
    return out;
  }
  out.version = version;
  if (version < kVersionWanted) {
    out.reason = "the CUDA driver is too old: it speaks CUDA " + version_text(version) +
                 ", this plugin needs " + version_text(kVersionWanted);
    return out;
  }
  CUresult result = driver.init(0);
  if (result == CUDA_SUCCESS) result = driver.device_count(&out.devices);
  if (result == CUDA_ERROR_NO_DEVICE || (result == CUDA_SUCCESS && out.devices == 0)) {
    out.devices = 0;
    out.reason = "the CUDA driver " + version_text(version) + " sees no GPU";
    if (const char* visible = secure_getenv("CUDA_VISIBLE_DEVICES")) {
      out.reason += " (CUDA_VISIBLE_DEVICES is \"" + std::string(visible) + "\")";
    }
    return out;
  }
  if (result != CUDA_SUCCESS) {
    out.devices = 0;
    out.reason = "the CUDA driver could not start: " + describe(driver, result);
    return out;
  }
  out.table = &driver;
  return out;
}

DriverSearch find_driver(const plugin::Host& host) {
  if (const Driver* substitute = substitute_driver()) return examine(*substitute);
  static const Opened* const opened = open_driver(host);
  if (!opened->complete) {
    DriverSearch out;
    out.reason = opened->reason;
    return out;
  }
  return examine(opened->table);
}

}  // namespace tenon::cuda
