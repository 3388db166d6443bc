// The CUDA driver as one table of function pointers, filled from libcuda.so.1 when a device is
// first asked for. Nothing else in the plugin calls the driver, so that a test's table stands in
// for it.
#ifndef TENON_PLUGINS_CUDA_DRIVER_H
#define TENON_PLUGINS_CUDA_DRIVER_H

#include <cuda.h>
#include <tenon/api/plugin.hpp>

#include <string>
#include <vector>

namespace tenon::cuda {

// Member per entry of the driver's API; the macros of cuda.h choose the version of each.
struct Driver {
  decltype(&::cuInit) init;
  decltype(&::cuDriverGetVersion) driver_version;
  decltype(&::cuGetErrorName) error_name;
  decltype(&::cuGetErrorString) error_string;
  decltype(&::cuDeviceGetCount) device_count;
  decltype(&::cuDeviceGet) device_get;
  decltype(&::cuDeviceGetName) device_name;
  decltype(&::cuDeviceTotalMem) device_memory;
  decltype(&::cuDeviceGetAttribute) device_attribute;
  decltype(&::cuDevicePrimaryCtxRetain) context_retain;
  decltype(&::cuDevicePrimaryCtxRelease) context_release;
  decltype(&::cuCtxPushCurrent) context_push;
  decltype(&::cuCtxPopCurrent) context_pop;
  decltype(&::cuCtxGetCurrent) context_current;
  decltype(&::cuCtxSetCurrent) context_set;
  decltype(&::cuMemGetInfo) memory_info;
  decltype(&::cuMemAlloc) memory_alloc;
  decltype(&::cuMemFree) memory_free;
  decltype(&::cuMemHostAlloc) host_alloc;
  decltype(&::cuMemFreeHost) host_free;
  decltype(&::cuMemcpyHtoDAsync) upload;
  decltype(&::cuMemcpyDtoHAsync) download;
  decltype(&::cuMemcpyDtoDAsync) copy;
  decltype(&::cuMemsetD8Async) set8;
  decltype(&::cuMemsetD16Async) set16;
  decltype(&::cuMemsetD32Async) set32;
  decltype(&::cuStreamCreate) stream_create;
  decltype(&::cuStreamDestroy) stream_destroy;
  decltype(&::cuStreamSynchronize) stream_synchronize;
  decltype(&::cuStreamWaitEvent) stream_wait;
  decltype(&::cuEventCreate) event_create;
  decltype(&::cuEventDestroy) event_destroy;
  decltype(&::cuEventRecord) event_record;
  decltype(&::cuEventQuery) event_query;
  decltype(&::cuEventSynchronize) event_synchronize;
  decltype(&::cuEventElapsedTime) event_elapsed;
  decltype(&::cuStreamIsCapturing) stream_capturing;
  decltype(&::cuModuleLoadData) module_load;
  decltype(&::cuModuleUnload) module_unload;
  decltype(&::cuModuleGetFunction) module_function;
  decltype(&::cuFuncSetAttribute) function_attribute;
  decltype(&::cuLaunchKernel) launch;
};

// What became of the search. `table` is NULL when there is no usable driver; `reason` then says so
// in one sentence: driver missing, too old, no GPU.
struct DriverSearch {
  const Driver* table = nullptr;
  int version = 0;  // of the driver, 1000 * major + 10 * minor
  int devices = 0;
  std::string reason;
};

// Looks for the driver where configuration key "driver" says (TENON_CUDA_DRIVER: a file), else by
// its SONAME and in the usual folders; asks it for its version and its devices.
DriverSearch find_driver(const plugin::Host& host);

// The same for a driver that is there: its version, cuInit, the number of devices.
DriverSearch examine(const Driver& driver);

// The table a test gives instead of a library's; NULL in the product.
const Driver* substitute_driver();

// Name and text of a result, for people.
std::string describe(const Driver& driver, CUresult result);

}  // namespace tenon::cuda

#endif
