// The ABI tables of the device `cpu`: host memory, inline execution, a trivial timeline.
#include <tenon/api/plugin.hpp>

#include <sys/sysinfo.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "device.h"
#include "kernel.h"

namespace tenon::cpu {
namespace {

constexpr uint64_t kAlignment = 64;

using plugin::check_struct;
using plugin::guard;

// ---- plugin and device ----

tn_status open(const tn_host* host, tn_plugin* out) {
  // Below the minimum there may be no set_error to tell it with.
  if (host == nullptr || host->struct_size < TN_MIN_HOST) return TN_INVALID_ARGUMENT;
  return guard(host, [&] {
    check_struct(host, TN_MIN_HOST, "host");
    *out = new tn_plugin_s{host};
    return TN_OK;
  });
}

void close(tn_plugin plugin) { delete plugin; }

tn_status device_count(tn_plugin, uint32_t* count) {
  *count = 1;
  return TN_OK;
}

tn_status choose_isa(const tn_host* host, Isa* isa) {
  const Isa best = detect_isa();
  *isa = best;
  const std::string wanted = plugin::Host(host).config("isa").value_or("");
  if (wanted.empty()) return TN_OK;
  for (const Isa candidate : {Isa::kBaseline, Isa::kAvx2, Isa::kAvx512}) {
    if (wanted != isa_name(candidate)) continue;
    if (candidate > best) {
      return fail(host, TN_UNSUPPORTED,
                  "cpu: isa=" + wanted + " is not available here, the best is " + isa_name(best));
    }
    *isa = candidate;
    return TN_OK;
  }
  return fail(host, TN_INVALID_ARGUMENT,
              "cpu: isa must be baseline, avx2 or avx512, got \"" + wanted + "\"");
}

tn_status device_open(tn_plugin plugin, uint32_t index, tn_device* out) {
  return guard(plugin->host, [&] {
    if (index != 0) return fail(plugin->host, TN_INVALID_ARGUMENT, "cpu: there is one device, 0");
    Isa isa;
    const tn_status status = choose_isa(plugin->host, &isa);
    if (status != TN_OK) return status;
    *out = new tn_device_s{plugin->host, isa, kernel_tables(isa), processor_name()};
    return TN_OK;
  });
}

void device_close(tn_device device) { delete device; }

uint64_t memory_bytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

tn_status device_info(tn_device device, tn_device_info* out) {
  tn_device_info info{};
  info.flags = TN_DEVICE_HOST_MEMORY | TN_DEVICE_CONCURRENT;
  std::strncpy(info.name, device->name.c_str(), sizeof info.name - 1);
  info.memory_bytes = memory_bytes();
  info.offset_alignment = kAlignment;
  for (uint32_t dtype = TN_DTYPE_BOOL; dtype < TN_DTYPE_COUNT; ++dtype) {
    info.compute_dtypes |= uint64_t{1} << dtype;
  }
  info.program_instructions = 64;
  info.program_inputs = 16;
  info.program_scalars = 16;
  info.program_outputs = 8;
  info.program_tail = 1;
  info.compute_units = device->host->thread_count(device->host->context);
  return guard(device->host, [&] { plugin::write_struct(info, out); });
}

tn_status device_budget(tn_device, uint64_t* free_bytes, uint64_t* budget_bytes) {
  struct sysinfo system;
  sysinfo(&system);
  *free_bytes = (uint64_t{system.freeram} + system.bufferram) * system.mem_unit;
  *budget_bytes = uint64_t{system.totalram} * system.mem_unit;
  return TN_OK;
}

// ---- memory ----

tn_status buffer_alloc(tn_device device, uint64_t size_bytes, tn_buffer* out) {
  return guard(device->host, [&] {
    void* data = nullptr;
    const uint64_t size = size_bytes == 0 ? kAlignment : size_bytes;
    if (posix_memalign(&data, kAlignment, size) != 0) throw std::bad_alloc();
    try {
      *out = new tn_buffer_s{static_cast<std::byte*>(data), size_bytes, true};
    } catch (...) {
      std::free(data);
      throw;
    }
    return TN_OK;
  });
}

void buffer_free(tn_buffer buffer) {
  if (buffer == nullptr) return;
  if (buffer->owned) std::free(buffer->data);
  delete buffer;
}

tn_status buffer_from_host(tn_device device, void* data, uint64_t size_bytes, tn_buffer* out) {
  return guard(device->host, [&] {
    *out = new tn_buffer_s{static_cast<std::byte*>(data), size_bytes, false};
    return TN_OK;
  });
}

tn_status buffer_host(tn_buffer buffer, void** data) {
  *data = buffer->data;
  return TN_OK;
}

// ---- streams: work is done when the call returns ----

tn_status stream_create(tn_device device, tn_stream* out) {
  return guard(device->host, [&] {
    *out = new tn_stream_s{device, 0};
    return TN_OK;
  });
}

void stream_destroy(tn_stream stream) { delete stream; }

tn_status stream_sync(tn_stream, uint64_t* failed_tag) {
  *failed_tag = 0;
  return TN_OK;
}

tn_status event_record(tn_stream stream, uint64_t* value) {
  *value = ++stream->timeline;
  return TN_OK;
}

tn_status event_query(tn_stream, uint64_t, uint32_t* state, tn_status* failure) {
  *state = TN_EVENT_DONE;
  *failure = TN_OK;
  return TN_OK;
}

tn_status event_wait(tn_stream, uint64_t, uint64_t) { return TN_OK; }

tn_status stream_wait(tn_stream, tn_stream, uint64_t) { return TN_OK; }

tn_status upload(tn_stream, tn_buffer target, uint64_t offset_bytes, const void* source,
                 uint64_t size_bytes, uint32_t) {
  if (size_bytes != 0) std::memcpy(target->data + offset_bytes, source, size_bytes);
  return TN_OK;
}

tn_status download(tn_stream, tn_buffer source, uint64_t offset_bytes, void* target,
                   uint64_t size_bytes) {
  if (size_bytes != 0) std::memcpy(target, source->data + offset_bytes, size_bytes);
  return TN_OK;
}

// ---- kernels ----

void check_signature(const tn_signature* s) {
  check_struct(s, TN_MIN_SIGNATURE, "signature");
  if (s->program != nullptr) check_struct(s->program, TN_MIN_PROGRAM, "program");
}

bool all_contiguous(const tn_signature& s) {
  for (uint32_t i = 0; i < s.operand_count; ++i) {
    if (TN_CLASS_LAYOUT(s.classes[i]) != TN_LAYOUT_CONTIGUOUS) return false;
  }
  return true;
}

const Operator* choose_operator(const tn_signature& s, std::string_view* reason) {
  const Operator* op = find_operator({s.op, s.op_size});
  if (op == nullptr || s.op_version != 1) {
    *reason = "the plugin cpu has no such operator";
    return nullptr;
  }
  for (uint32_t i = 0; i < s.operand_count; ++i) {
    const uint32_t dtype = operand_dtype(s, i);
    const bool known = dtype >= TN_DTYPE_BOOL && dtype < TN_DTYPE_COUNT;
    if (!known || TN_CLASS_RANK(s.classes[i]) > TN_MAX_RANK) {
      *reason = "an operand has an unknown dtype or too many dimensions";
      return nullptr;
    }
  }
  *reason = op->refuse(s);
  return reason->empty() ? op : nullptr;
}

tn_status query(tn_device device, const tn_signature* signature, tn_answer* answer) {
  return guard(device->host, [&] {
    check_signature(signature);
    std::string_view reason;
    const Operator* op = choose_operator(*signature, &reason);
    tn_answer result = op == nullptr ? plugin::no(reason) : plugin::native();
    if (op != nullptr && op->needs_contiguous && !all_contiguous(*signature)) {
      result.support = TN_ANSWER_CONTIGUOUS;
    }
    plugin::write_struct(result, answer);
  });
}

tn_status prepare(tn_device device, const tn_signature* signature, tn_kernel* out) {
  return guard(device->host, [&] {
    check_signature(signature);
    std::string_view reason;
    const Operator* op = choose_operator(*signature, &reason);
    if (op == nullptr) return fail(device->host, TN_UNSUPPORTED, reason);
    if (op->needs_contiguous && !all_contiguous(*signature)) {
      return fail(device->host, TN_UNSUPPORTED, "the operands must be contiguous");
    }
    *out = op->prepare(device, *signature).release();
    return TN_OK;
  });
}

void kernel_release(tn_kernel kernel) { delete kernel; }

tn_status workspace(tn_kernel kernel, const tn_tensor* const* operands, uint64_t* size_bytes) {
  *size_bytes = kernel->workspace_bytes(operands);
  return TN_OK;
}

tn_status launch(tn_stream, tn_kernel kernel, const tn_tensor* const* operands,
                 const uint64_t* scalars, const tn_workspace* scratch, uint64_t) {
  std::byte* memory = scratch == nullptr ? nullptr : scratch->buffer->data + scratch->offset_bytes;
  return kernel->launch({operands, scalars, memory});
}

// ---- tables ----

tn_core make_core() {
  tn_core t{};
  t.struct_size = sizeof t;
  t.version = 1;
  t.close = close;
  t.device_count = device_count;
  t.device_open = device_open;
  t.device_close = device_close;
  t.device_info = device_info;
  t.device_budget = device_budget;
  t.buffer_alloc = buffer_alloc;
  t.buffer_free = buffer_free;
  t.buffer_from_host = buffer_from_host;
  t.buffer_host = buffer_host;
  t.stream_create = stream_create;
  t.stream_destroy = stream_destroy;
  t.stream_sync = stream_sync;
  t.event_record = event_record;
  t.event_query = event_query;
  t.event_wait = event_wait;
  t.stream_wait = stream_wait;
  t.upload = upload;
  t.download = download;
  return t;
}

tn_ops make_ops() {
  tn_ops t{};
  t.struct_size = sizeof t;
  t.version = 1;
  t.query = query;
  t.prepare = prepare;
  t.kernel_release = kernel_release;
  t.workspace = workspace;
  t.launch = launch;
  return t;
}

tn_status get_interface(tn_plugin, const char* name, uint64_t name_size, const void** table) {
  static const tn_core core = make_core();
  static const tn_ops ops = make_ops();
  const std::string_view wanted(name, name_size);
  if (wanted == TN_CORE) {
    *table = &core;
  } else if (wanted == TN_OPS) {
    *table = &ops;
  } else {
    return TN_UNSUPPORTED;
  }
  return TN_OK;
}

void describe(tn_plugin_descriptor* d) {
  d->version = TENON_VERSION;
  d->version_size = sizeof(TENON_VERSION) - 1;
  d->vendor = "Tenon";
  d->vendor_size = 5;
  d->dlpack_device_type = TN_DLPACK_CPU;
  d->open = open;
  d->get_interface = get_interface;
}

}  // namespace

const Operator* find_operator(std::string_view name) {
  using Family = std::span<const Operator> (*)();
  constexpr Family kFamilies[] = {
      creation_operators,  view_operators,        elementwise_operators, reduction_operators,
      matmul_operators,    convolution_operators, pooling_operators,     normalization_operators,
      optimizer_operators, indexing_operators,    ordering_operators,    random_operators};
  for (const Family family : kFamilies) {
    for (const Operator& op : family()) {
      if (op.name == name) return &op;
    }
  }
  return nullptr;
}

}  // namespace tenon::cpu

TN_PLUGIN("cpu", tenon::cpu::describe)
