/* The least a plugin can be, in C11 and from one header: it loads, and offers no device. */
#include <tenon/api/device_plugin.h>

static const tn_host* host;

static tn_status refuse(const char* text, uint64_t size) {
  host->set_error(host->context, text, size);
  return TN_UNIMPLEMENTED;
}
#define REFUSE refuse("there is no device", 18)

static void close_plugin(tn_plugin plugin) { (void)plugin; }
static tn_status device_count(tn_plugin plugin, uint32_t* count) {
  (void)plugin;
  *count = 0;
  host->set_error(host->context, "it is only an example", 21);
  return TN_OK;
}
static tn_status device_open(tn_plugin plugin, uint32_t index, tn_device* out) {
  (void)plugin, (void)index, (void)out;
  return REFUSE;
}
static void device_close(tn_device device) { (void)device; }
static tn_status device_info(tn_device device, tn_device_info* info) {
  (void)device, (void)info;
  return REFUSE;
}
static tn_status buffer_alloc(tn_device device, uint64_t size_bytes, tn_buffer* out) {
  (void)device, (void)size_bytes, (void)out;
  return REFUSE;
}
static void buffer_free(tn_buffer buffer) { (void)buffer; }
static tn_status stream_create(tn_device device, tn_stream* out) {
  (void)device, (void)out;
  return REFUSE;
}
static void stream_destroy(tn_stream stream) { (void)stream; }
static tn_status stream_sync(tn_stream stream, uint64_t* failed_tag) {
  (void)stream, (void)failed_tag;
  return REFUSE;
}
static tn_status event_record(tn_stream stream, uint64_t* value) {
  (void)stream, (void)value;
  return REFUSE;
}
static tn_status event_query(tn_stream stream, uint64_t value, uint32_t* state,
                             tn_status* failure) {
  (void)stream, (void)value, (void)state, (void)failure;
  return REFUSE;
}
static tn_status event_wait(tn_stream stream, uint64_t value, uint64_t timeout_ns) {
  (void)stream, (void)value, (void)timeout_ns;
  return REFUSE;
}
static tn_status stream_wait(tn_stream stream, tn_stream other, uint64_t value) {
  (void)stream, (void)other, (void)value;
  return REFUSE;
}
static tn_status upload(tn_stream stream, tn_buffer target, uint64_t offset_bytes,
                        const void* source, uint64_t size_bytes, uint32_t flags) {
  (void)stream, (void)target, (void)offset_bytes, (void)source, (void)size_bytes, (void)flags;
  return REFUSE;
}
static tn_status download(tn_stream stream, tn_buffer source, uint64_t offset_bytes, void* target,
                          uint64_t size_bytes) {
  (void)stream, (void)source, (void)offset_bytes, (void)target, (void)size_bytes;
  return REFUSE;
}

static const tn_core core = {
    .struct_size = sizeof(tn_core),
    .version = 1,
    .close = close_plugin,
    .device_count = device_count,
    .device_open = device_open,
    .device_close = device_close,
    .device_info = device_info,
    .buffer_alloc = buffer_alloc,
    .buffer_free = buffer_free,
    .stream_create = stream_create,
    .stream_destroy = stream_destroy,
    .stream_sync = stream_sync,
    .event_record = event_record,
    .event_query = event_query,
    .event_wait = event_wait,
    .stream_wait = stream_wait,
    .upload = upload,
    .download = download,
};

static tn_status query(tn_device device, const tn_signature* signature, tn_answer* answer) {
  (void)device, (void)signature, (void)answer;
  return REFUSE;
}
static tn_status prepare(tn_device device, const tn_signature* signature, tn_kernel* out) {
  (void)device, (void)signature, (void)out;
  return REFUSE;
}
static void kernel_release(tn_kernel kernel) { (void)kernel; }
static tn_status launch(tn_stream stream, tn_kernel kernel, const tn_tensor* const* operands,
                        const uint64_t* scalars, const tn_workspace* workspace, uint64_t tag) {
  (void)stream, (void)kernel, (void)operands, (void)scalars, (void)workspace, (void)tag;
  return REFUSE;
}

static const tn_ops ops = {
    .struct_size = sizeof(tn_ops),
    .version = 1,
    .query = query,
    .prepare = prepare,
    .kernel_release = kernel_release,
    .launch = launch,
};

static tn_status open_plugin(const tn_host* host_in, tn_plugin* out) {
  static char handle;
  host = host_in;
  *out = (tn_plugin)(void*)&handle;
  return TN_OK;
}

static tn_status get_interface(tn_plugin plugin, const char* name, uint64_t name_size,
                               const void** table) {
  (void)plugin;
  if (name_size == sizeof TN_CORE - 1 && name[0] == 'c' && name[1] == 'o') {
    *table = &core;
  } else if (name_size == sizeof TN_OPS - 1 && name[0] == 'o' && name[1] == 'p') {
    *table = &ops;
  } else {
    return TN_UNSUPPORTED;
  }
  return TN_OK;
}

static void describe(tn_plugin_descriptor* d) {
  d->version = "1.0";
  d->version_size = 3;
  d->vendor = "an outside project";
  d->vendor_size = 18;
  d->open = open_plugin;
  d->get_interface = get_interface;
}

TN_PLUGIN("minimal", describe)
