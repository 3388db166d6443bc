#include "emulation/gpu.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "images.h"
#include "simt.h"

namespace tenon::cuda {

const Driver* substitute_driver() { return &emulation::emulated_driver(); }
const void* find_image(std::string_view name) { return name.data(); }
std::span<const HeaderText> header_texts() { return {}; }  // nothing is compiled at run time

namespace emulation {
namespace {

// ---- state -------------------------------------------------------------------------------------

struct Settings {
  int64_t version = CUDA_VERSION, devices = 1, memory = int64_t{2} << 30, refuse_alloc = 0,
          lose_launch = 0, blas = 0, backward = 0;

  Settings() {
    const char* text = std::getenv("TENON_EMULATED_GPU");
    const std::string all = text != nullptr ? text : "";
    const std::map<std::string, int64_t*> keys{{"version", &version},
                                               {"devices", &devices},
                                               {"memory", &memory},
                                               {"refuse_alloc", &refuse_alloc},
                                               {"lose_launch", &lose_launch},
                                               {"backward", &backward},
                                               {"blas", &blas}};
    for (const auto& [key, value] : keys) {
      const size_t at = all.find(key + "=");
      if (at != std::string::npos)
        *value = std::strtoll(all.c_str() + at + key.size() + 1, nullptr, 10);
    }
  }
};

struct Stream;

struct Event {
  Stream* stream = nullptr;  // where it was recorded last
  uint64_t position = 0;     // its place among that stream's tasks
};

// Work in order; `done` counts what was run.
struct Stream {
  std::deque<std::function<void()>> tasks;
  uint64_t queued = 0, done = 0;
};

struct Gpu {
  std::recursive_mutex mutex;
  Settings settings;
  CUresult sticky = CUDA_SUCCESS;
  int64_t allocations = 0, launches = 0, used = 0;
  std::map<uintptr_t, size_t> blocks;  // device and pinned memory: address and size
  std::list<Stream> streams;

  static Gpu& get() {
    static auto* const gpu = new Gpu;
    return *gpu;
  }
};

thread_local std::vector<CUcontext> contexts_pushed;  // the last is current on this thread

bool is_done(const Event& event) {
  return event.stream == nullptr || event.stream->done >= event.position;
}

void run_one(Stream& stream) {
  const auto task = std::move(stream.tasks.front());
  stream.tasks.pop_front();
  if (Gpu::get().sticky == CUDA_SUCCESS) task();
  ++stream.done;
}

void run_up_to(Stream& stream, uint64_t position) {
  while (stream.done < position) run_one(stream);
}

void run_all() {
  for (Stream& stream : Gpu::get().streams) run_up_to(stream, stream.queued);
}

Stream& of(CUstream stream) { return *reinterpret_cast<Stream*>(stream); }
Event& of(CUevent event) { return *reinterpret_cast<Event*>(event); }

// The body of every entry that needs a context.
template <class F>
CUresult call(F&& f) {
  const std::lock_guard lock(Gpu::get().mutex);
  if (contexts_pushed.empty()) return CUDA_ERROR_INVALID_CONTEXT;
  if (Gpu::get().sticky != CUDA_SUCCESS) return Gpu::get().sticky;
  const CUresult result = f(Gpu::get());
  return result == CUDA_SUCCESS ? Gpu::get().sticky : result;
}

// Is [address, address + size) inside memory that the driver gave out?
bool owned(uint64_t address, size_t size) {
  const auto& blocks = Gpu::get().blocks;
  auto at = blocks.upper_bound(address);
  if (at == blocks.begin()) return false;
  --at;
  return address >= at->first && address + size <= at->first + at->second;
}

CUresult queue(CUstream stream, std::function<void()> task) {
  of(stream).tasks.push_back(std::move(task));
  ++of(stream).queued;
  return CUDA_SUCCESS;
}

char* pointer(CUdeviceptr address) { return reinterpret_cast<char*>(address); }

void* take(size_t size) {
  void* data = std::aligned_alloc(256, (size + 255) / 256 * 256);
  if (data == nullptr) return nullptr;
  std::memset(data, 0xff, size);  // NaN, -1, an invalid bool: whoever reads it notices
  Gpu::get().blocks[reinterpret_cast<uintptr_t>(data)] = size;
  return data;
}

void give(void* data) {
  Gpu::get().blocks.erase(reinterpret_cast<uintptr_t>(data));
  std::free(data);
}

template <class T>
CUresult set(CUdeviceptr to, T value, size_t count, CUstream stream) {
  return call([&](Gpu&) {
    if (count == 0 || to % sizeof(T) != 0 || !owned(to, count * sizeof(T))) {
      return CUDA_ERROR_INVALID_VALUE;
    }
    return queue(stream, [=] {
      for (size_t i = 0; i < count; ++i)
        std::memcpy(pointer(to) + i * sizeof(T), &value, sizeof(T));
    });
  });
}

// ---- entries -----------------------------------------------------------------------------------

CUresult init(unsigned) { return CUDA_SUCCESS; }
CUresult driver_version(int* version) {
  Gpu::get().settings = Settings();
  *version = static_cast<int>(Gpu::get().settings.version);
  return CUDA_SUCCESS;
}
CUresult error_name(CUresult result, const char** text) {
  *text =
      result == CUDA_ERROR_ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS" : "CUDA_ERROR_EMULATED";
  return CUDA_SUCCESS;
}
CUresult error_string(CUresult, const char** text) {
  *text = "emulated";
  return CUDA_SUCCESS;
}
CUresult device_count(int* count) {
  *count = static_cast<int>(Gpu::get().settings.devices);
  return CUDA_SUCCESS;
}
CUresult device_get(CUdevice* device, int ordinal) {
  *device = ordinal;
  return ordinal < Gpu::get().settings.devices ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}
CUresult device_name(char* name, int room, CUdevice) {
  std::strncpy(name, "emulated GPU", static_cast<size_t>(room));
  return CUDA_SUCCESS;
}
CUresult device_memory(size_t* bytes, CUdevice) {
  *bytes = static_cast<size_t>(Gpu::get().settings.memory);
  return CUDA_SUCCESS;
}
CUresult device_attribute(int* value, CUdevice_attribute attribute, CUdevice) {
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
      *value = 4;
      break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
      *value = 9;
      break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
      *value = 0;
      break;
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
}
CUresult context_retain(CUcontext* context, CUdevice device) {
  // A number, not an address: nobody follows it. One per device.
  static char contexts[16];
  *context = reinterpret_cast<CUcontext>(contexts + device);
  return CUDA_SUCCESS;
}
CUresult context_release(CUdevice) { return CUDA_SUCCESS; }
CUresult context_push(CUcontext context) {
  contexts_pushed.push_back(context);
  return CUDA_SUCCESS;
}
CUresult context_pop(CUcontext*) {
  if (contexts_pushed.empty()) return CUDA_ERROR_INVALID_CONTEXT;
  contexts_pushed.pop_back();
  return CUDA_SUCCESS;
}
CUresult context_current(CUcontext* context) {
  *context = contexts_pushed.empty() ? nullptr : contexts_pushed.back();
  return CUDA_SUCCESS;
}
CUresult context_set(CUcontext context) {
  if (!contexts_pushed.empty()) contexts_pushed.pop_back();
  contexts_pushed.push_back(context);
  return CUDA_SUCCESS;
}

CUresult memory_info(size_t* free_bytes, size_t* total) {
  return call([&](Gpu& gpu) {
    *total = static_cast<size_t>(gpu.settings.memory);
    *free_bytes = static_cast<size_t>(gpu.settings.memory - gpu.used);
    return CUDA_SUCCESS;
  });
}
CUresult memory_alloc(CUdeviceptr* out, size_t size) {
  return call([&](Gpu& gpu) {
    if (size == 0) return CUDA_ERROR_INVALID_VALUE;
    if (++gpu.allocations == gpu.settings.refuse_alloc ||
        static_cast<int64_t>(size) > gpu.settings.memory - gpu.used) {
      return CUDA_ERROR_OUT_OF_MEMORY;
    }
    void* data = take(size);
    if (data == nullptr) return CUDA_ERROR_OUT_OF_MEMORY;
    gpu.used += static_cast<int64_t>(size);
    *out = reinterpret_cast<CUdeviceptr>(data);
    return CUDA_SUCCESS;
  });
}
CUresult memory_free(CUdeviceptr address) {
  return call([&](Gpu& gpu) {
    run_all();  // as the real one, it waits
    if (gpu.blocks.count(address) == 0) return CUDA_ERROR_INVALID_VALUE;
    gpu.used -= static_cast<int64_t>(gpu.blocks[address]);
    give(pointer(address));
    return CUDA_SUCCESS;
  });
}
CUresult host_alloc(void** out, size_t size, unsigned) {
  return call([&](Gpu&) {
    *out = take(size);
    return *out != nullptr ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
  });
}
CUresult host_free(void* data) {
  return call([&](Gpu&) {
    run_all();
    give(data);
    return CUDA_SUCCESS;
  });
}

CUresult upload(CUdeviceptr to, const void* from, size_t size, CUstream stream) {
  return call([&](Gpu&) {
    if (size == 0 || !owned(to, size)) return CUDA_ERROR_INVALID_VALUE;
    return queue(stream, [=] { std::memcpy(pointer(to), from, size); });
  });
}
CUresult download(void* to, CUdeviceptr from, size_t size, CUstream stream) {
  return call([&](Gpu&) {
    if (size == 0 || !owned(from, size)) return CUDA_ERROR_INVALID_VALUE;
    return queue(stream, [=] { std::memcpy(to, pointer(from), size); });
  });
}
CUresult copy(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream) {
  return call([&](Gpu&) {
    if (size == 0 || !owned(from, size) || !owned(to, size)) return CUDA_ERROR_INVALID_VALUE;
    return queue(stream, [=] { std::memmove(pointer(to), pointer(from), size); });
  });
}

CUresult stream_create(CUstream* out, unsigned) {
  return call([&](Gpu& gpu) {
    gpu.streams.emplace_back();
    *out = reinterpret_cast<CUstream>(&gpu.streams.back());
    return CUDA_SUCCESS;
  });
}
// Events may still name it, so it stays, empty.
CUresult stream_destroy(CUstream stream) {
  return call([&](Gpu&) {
    run_up_to(of(stream), of(stream).queued);
    return CUDA_SUCCESS;
  });
}
CUresult stream_synchronize(CUstream stream) {
  return call([&](Gpu&) {
    run_up_to(of(stream), of(stream).queued);
    return CUDA_SUCCESS;
  });
}
CUresult stream_wait(CUstream stream, CUevent event, unsigned) {
  return call([&](Gpu&) {
    const Event waited = of(event);
    return queue(stream, [waited] {
      if (!is_done(waited)) run_up_to(*waited.stream, waited.position);
    });
  });
}

CUresult event_create(CUevent* out, unsigned) {
  return call([&](Gpu&) {
    *out = reinterpret_cast<CUevent>(new Event);
    return CUDA_SUCCESS;
  });
}
CUresult event_destroy(CUevent event) {
  delete &of(event);
  return CUDA_SUCCESS;
}
CUresult event_record(CUevent event, CUstream stream) {
  return call([&](Gpu&) {
    queue(stream, [] {});
    of(event) = {&of(stream), of(stream).queued};
    return CUDA_SUCCESS;
  });
}
// Each look lets one piece of work be done, so that a loop of queries ends.
CUresult event_query(CUevent event) {
  return call([&](Gpu&) {
    if (is_done(of(event))) return CUDA_SUCCESS;
    run_one(*of(event).stream);
    return CUDA_ERROR_NOT_READY;
  });
}
CUresult event_synchronize(CUevent event) {
  return call([&](Gpu&) {
    if (!is_done(of(event))) run_up_to(*of(event).stream, of(event).position);
    return CUDA_SUCCESS;
  });
}

CUresult event_elapsed(float* milliseconds, CUevent begin, CUevent end) {
  return call([&](Gpu&) {
    if (!is_done(of(begin)) || !is_done(of(end))) return CUDA_ERROR_NOT_READY;
    *milliseconds = static_cast<float>(of(end).position - of(begin).position);
    return CUDA_SUCCESS;
  });
}
CUresult stream_capturing(CUstream, CUstreamCaptureStatus* status) {
  *status = CU_STREAM_CAPTURE_STATUS_NONE;
  return CUDA_SUCCESS;
}
CUresult module_load(CUmodule* out, const void* image) {
  return call([&](Gpu&) {
    *out = reinterpret_cast<CUmodule>(const_cast<void*>(image));
    return image != nullptr ? CUDA_SUCCESS : CUDA_ERROR_INVALID_IMAGE;
  });
}
CUresult module_unload(CUmodule) { return CUDA_SUCCESS; }
CUresult module_function(CUfunction* out, CUmodule, const char* name) {
  return call([&](Gpu&) {
    const EmulatedKernel* kernel = find_kernel(name);
    *out = reinterpret_cast<CUfunction>(const_cast<EmulatedKernel*>(kernel));
    return kernel != nullptr ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
  });
}
CUresult function_attribute(CUfunction, CUfunction_attribute, int) { return CUDA_SUCCESS; }

CUresult launch(CUfunction function, unsigned blocks_x, unsigned blocks_y, unsigned blocks_z,
                unsigned threads_x, unsigned threads_y, unsigned threads_z, unsigned shared,
                CUstream stream, void** arguments, void**) {
  return call([&](Gpu& gpu) {
    const uint64_t threads = uint64_t{threads_x} * threads_y;
    if (blocks_x == 0 || blocks_x >= 1u << 31 || blocks_y == 0 || blocks_y > 65535 ||
        blocks_z != 1 || threads == 0 || threads > 1024 || threads_z != 1 || shared > 48 * 1024) {
      return CUDA_ERROR_INVALID_VALUE;
    }
    const auto& kernel = *reinterpret_cast<const EmulatedKernel*>(function);
    const auto* raw = static_cast<const char*>(arguments[0]);
    // Aligned as the parameter space is.
    auto params = std::make_shared<std::vector<std::max_align_t>>(
        static_cast<size_t>(kernel.size_bytes) / sizeof(std::max_align_t) + 1);
    std::memcpy(params->data(), raw, static_cast<size_t>(kernel.size_bytes));
    const bool loses = ++gpu.launches == gpu.settings.lose_launch;
    const Shape shape{blocks_x, blocks_y, static_cast<int>(threads_x), static_cast<int>(threads_y),
                      shared};
    const Turn turn = gpu.settings.backward != 0 ? Turn::kBackward : Turn::kForward;
    return queue(stream, [=, &gpu, &kernel] {
      std::string error;
      if (loses) gpu.sticky = CUDA_ERROR_ILLEGAL_ADDRESS;
      if (!loses && !run_grid(kernel, shape, params->data(), turn, &error)) {
        gpu.sticky = CUDA_ERROR_LAUNCH_FAILED;
      }
    });
  });
}

}  // namespace

void add_task(CUstream stream, std::function<void()> task) {
  const std::lock_guard lock(Gpu::get().mutex);
  queue(stream, std::move(task));
}
bool owns(CUdeviceptr address, size_t size_bytes) {
  const std::lock_guard lock(Gpu::get().mutex);
  return owned(address, size_bytes);
}
bool has_context() { return !contexts_pushed.empty(); }
int64_t blas_setting() { return Gpu::get().settings.blas; }

const Driver& emulated_driver() {
  static const Driver driver{
      init,
      driver_version,
      error_name,
      error_string,
      device_count,
      device_get,
      device_name,
      device_memory,
      device_attribute,
      context_retain,
      context_release,
      context_push,
      context_pop,
      context_current,
      context_set,
      memory_info,
      memory_alloc,
      memory_free,
      host_alloc,
      host_free,
      upload,
      download,
      copy,
      [](CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
        return set<uint8_t>(to, value, count, stream);
      },
      [](CUdeviceptr to, unsigned short value, size_t count, CUstream stream) {
        return set<uint16_t>(to, value, count, stream);
      },
      [](CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
        return set<uint32_t>(to, value, count, stream);
      },
      stream_create,
      stream_destroy,
      stream_synchronize,
      stream_wait,
      event_create,
      event_destroy,
      event_record,
      event_query,
      event_synchronize,
      event_elapsed,
      stream_capturing,
      module_load,
      module_unload,
      module_function,
      function_attribute,
      launch};
  return driver;
}

}  // namespace emulation
}  // namespace tenon::cuda
