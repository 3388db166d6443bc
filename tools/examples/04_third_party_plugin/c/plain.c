/* A complete plugin in plain C: host memory, work inside the call, every kernel from
 * reference_kernels.h. It is what a vendor starts from; the tests of all plugins run on it. */
#include <tenon/api/reference_kernels.h>

#include <stdlib.h>

struct tn_plugin_s {
  const tn_host* host;
};
struct tn_device_s {
  const tn_host* host;
};
struct tn_stream_s {
  const tn_host* host;
  uint64_t last_event;
};
struct tn_buffer_s {
  char* data;
  uint64_t size_bytes;
  uint64_t owned;
};
struct tn_kernel_s {
  tnr_kernel prepared;
};

static tn_status fail(const tn_host* host, tn_status status, const char* text) {
  host->set_error(host->context, text, strlen(text));
  return status;
}

/* ---- devices ------------------------------------------------------------------------------- */

static tn_device_info make_info(void) {
  tn_device_info info;
  memset(&info, 0, sizeof info);
  info.flags = TN_DEVICE_HOST_MEMORY;
  strcpy(info.name, "plain C");
  info.offset_alignment = 64;
  info.compute_dtypes = (1u << TN_DTYPE_COUNT) - 2u;
  info.program_instructions = TNR_INSTRUCTIONS_MAX;
  info.program_inputs = TNR_INPUTS_MAX;
  info.program_scalars = TNR_SCALARS_MAX;
  info.program_outputs = TNR_OUTPUTS_MAX;
  info.program_tail = 1;
  info.compute_units = 1;
  return info;
}

/* Copies what fits in the reader's struct_size. */
static tn_status write_out(void* to, const void* from, uint32_t size) {
  uint32_t room;
  memcpy(&room, to, sizeof room);
  if (room < 8) return TN_INVALID_ARGUMENT;
  if (room > size) room = size;
  memcpy(to, from, room);
  memcpy(to, &room, sizeof room);
  return TN_OK;
}

static void plugin_close(tn_plugin plugin) { free(plugin); }

static tn_status device_count(tn_plugin plugin, uint32_t* count) {
  (void)plugin;
  *count = 1;
  return TN_OK;
}

static tn_status device_open(tn_plugin plugin, uint32_t index, tn_device* out) {
  if (index != 0) return fail(plugin->host, TN_INVALID_ARGUMENT, "there is one device, 0");
  *out = (tn_device)malloc(sizeof **out);
  if (*out == NULL) return fail(plugin->host, TN_OUT_OF_MEMORY, "no host memory");
  (*out)->host = plugin->host;
  return TN_OK;
}

static void device_close(tn_device device) { free(device); }

static tn_status device_info(tn_device device, tn_device_info* out) {
  const tn_device_info info = make_info();
  (void)device;
  return write_out(out, &info, sizeof info);
}

/* ---- memory -------------------------------------------------------------------------------- */

static tn_status make_buffer(tn_device device, char* data, uint64_t size_bytes, uint64_t owned,
                             tn_buffer* out) {
  *out = data == NULL ? NULL : (tn_buffer)malloc(sizeof **out);
  if (*out == NULL) {
    if (owned != 0) free(data);
    return fail(device->host, TN_OUT_OF_MEMORY, "no host memory");
  }
  (*out)->data = data;
  (*out)->size_bytes = size_bytes;
  (*out)->owned = owned;
  return TN_OK;
}

static tn_status buffer_alloc(tn_device device, uint64_t size_bytes, tn_buffer* out) {
  const uint64_t rounded = (size_bytes / 64u + 1u) * 64u;
  if (rounded < size_bytes) return fail(device->host, TN_OUT_OF_MEMORY, "no host memory");
  return make_buffer(device, (char*)aligned_alloc(64, rounded), size_bytes, 1, out);
}

static void buffer_free(tn_buffer buffer) {
  if (buffer == NULL) return;
  if (buffer->owned != 0) free(buffer->data);
  free(buffer);
}

static tn_status buffer_from_host(tn_device device, void* data, uint64_t size_bytes,
                                  tn_buffer* out) {
  return make_buffer(device, (char*)data, size_bytes, 0, out);
}

static tn_status buffer_host(tn_buffer buffer, void** data) {
  *data = buffer->data;
  return TN_OK;
}

/* ---- streams: everything is done when a call returns --------------------------------------- */

static tn_status stream_create(tn_device device, tn_stream* out) {
  *out = (tn_stream)malloc(sizeof **out);
  if (*out == NULL) return fail(device->host, TN_OUT_OF_MEMORY, "no host memory");
  (*out)->host = device->host;
  (*out)->last_event = 0;
  return TN_OK;
}

static void stream_destroy(tn_stream stream) { free(stream); }

static tn_status stream_sync(tn_stream stream, uint64_t* failed_tag) {
  (void)stream;
  *failed_tag = 0;
  return TN_OK;
}

static tn_status event_record(tn_stream stream, uint64_t* value) {
  *value = ++stream->last_event;
  return TN_OK;
}

static tn_status event_query(tn_stream stream, uint64_t value, uint32_t* state,
                             tn_status* failure) {
  (void)stream;
  (void)value;
  *state = TN_EVENT_DONE;
  *failure = TN_OK;
  return TN_OK;
}

static tn_status event_wait(tn_stream stream, uint64_t value, uint64_t timeout_ns) {
  (void)stream;
  (void)value;
  (void)timeout_ns;
  return TN_OK;
}

static tn_status stream_wait(tn_stream stream, tn_stream other, uint64_t value) {
  (void)stream;
  (void)other;
  (void)value;
  return TN_OK;
}

static int is_inside(tn_buffer buffer, uint64_t offset_bytes, uint64_t size_bytes) {
  return offset_bytes <= buffer->size_bytes && size_bytes <= buffer->size_bytes - offset_bytes;
}

static tn_status upload(tn_stream stream, tn_buffer target, uint64_t offset_bytes,
                        const void* source, uint64_t size_bytes, uint32_t flags) {
  (void)flags; /* PINNED is advice: the source is consumed anyway */
  if (!is_inside(target, offset_bytes, size_bytes)) {
    return fail(stream->host, TN_INVALID_ARGUMENT, "upload: beyond the end of the buffer");
  }
  if (size_bytes > 0) memcpy(target->data + offset_bytes, source, size_bytes);
  return TN_OK;
}

static tn_status download(tn_stream stream, tn_buffer source, uint64_t offset_bytes, void* target,
                          uint64_t size_bytes) {
  if (!is_inside(source, offset_bytes, size_bytes)) {
    return fail(stream->host, TN_INVALID_ARGUMENT, "download: beyond the end of the buffer");
  }
  if (size_bytes > 0) memcpy(target, source->data + offset_bytes, size_bytes);
  return TN_OK;
}

static const tn_core core = {sizeof(tn_core),
                             0,
                             1,
                             0,
                             plugin_close,
                             device_count,
                             device_open,
                             device_close,
                             device_info,
                             NULL,
                             buffer_alloc,
                             buffer_free,
                             buffer_from_host,
                             buffer_host,
                             stream_create,
                             stream_destroy,
                             stream_sync,
                             event_record,
                             event_query,
                             event_wait,
                             stream_wait,
                             upload,
                             download};

/* ---- kernels ------------------------------------------------------------------------------- */

/* The reader's law. */
static tn_status check(const tn_host* host, uint32_t size, uint32_t minimum, uint32_t flags) {
  if (size < minimum) return fail(host, TN_INVALID_ARGUMENT, "struct_size is too small");
  if ((flags & TN_FLAGS_MUST_UNDERSTAND) != 0) return fail(host, TN_UNSUPPORTED, "unknown flags");
  return TN_OK;
}

static tn_status check_signature(const tn_host* host, const tn_signature* s) {
  const tn_status status = check(host, s->struct_size, TN_MIN_SIGNATURE, s->flags);
  if (status != TN_OK || s->program == NULL) return status;
  return check(host, s->program->struct_size, TN_MIN_PROGRAM, s->program->flags);
}

static tn_status query(tn_device device, const tn_signature* signature, tn_answer* out) {
  const tn_device_info info = make_info();
  tn_answer answer;
  const tn_status status = check_signature(device->host, signature);
  if (status != TN_OK) return status;
  memset(&answer, 0, sizeof answer);
  tnr_query(&info, signature, &answer);
  return write_out(out, &answer, sizeof answer);
}

static tn_status prepare(tn_device device, const tn_signature* signature, tn_kernel* out) {
  const tn_device_info info = make_info();
  tnr_report report;
  tn_status status = check_signature(device->host, signature);
  if (status != TN_OK) return status;
  *out = (tn_kernel)malloc(sizeof **out);
  if (*out == NULL) return fail(device->host, TN_OUT_OF_MEMORY, "no host memory");
  status = tnr_prepare(&info, signature, &(*out)->prepared, &report);
  if (status == TN_OK) return TN_OK;
  free(*out);
  *out = NULL;
  return fail(device->host, status, report.text);
}

static void kernel_release(tn_kernel kernel) { free(kernel); }

static tn_status workspace(tn_kernel kernel, const tn_tensor* const* operands,
                           uint64_t* size_bytes) {
  tnr_workspace(&kernel->prepared, operands, size_bytes);
  return TN_OK;
}

static tn_status launch(tn_stream stream, tn_kernel kernel, const tn_tensor* const* operands,
                        const uint64_t* scalars, const tn_workspace* scratch, uint64_t tag) {
  tnr_operand addressed[TNR_OPERANDS_MAX];
  tnr_report report;
  char* memory = scratch == NULL ? NULL : scratch->buffer->data + scratch->offset_bytes;
  tn_status status;
  uint32_t i;
  (void)tag; /* failures are reported at once, by this call */
  for (i = 0; i < kernel->prepared.operand_count; ++i) {
    const tn_tensor* t = operands[i];
    status = check(stream->host, t->struct_size, TN_MIN_TENSOR, t->flags);
    if (status != TN_OK) return status;
    addressed[i].tensor = t;
    addressed[i].data = t->buffer->data + t->offset_bytes;
  }
  status = tnr_launch(&kernel->prepared, addressed, scalars, memory, &report);
  return status == TN_OK ? TN_OK : fail(stream->host, status, report.text);
}

static const tn_ops ops = {sizeof(tn_ops), 0,         1,      0,   query, prepare,
                           kernel_release, workspace, launch, NULL};

/* ---- the entry ----------------------------------------------------------------------------- */

static tn_status plugin_open(const tn_host* host, tn_plugin* out) {
  const tn_status status = check(host, host->struct_size, TN_MIN_HOST, host->flags);
  if (status != TN_OK) return status;
  *out = (tn_plugin)malloc(sizeof **out);
  if (*out == NULL) return fail(host, TN_OUT_OF_MEMORY, "no host memory");
  (*out)->host = host;
  return TN_OK;
}

static tn_status get_interface(tn_plugin plugin, const char* name, uint64_t name_size,
                               const void** table) {
  (void)plugin;
  if (name_size == 4 && memcmp(name, TN_CORE, 4) == 0)
    *table = &core;
  else if (name_size == 3 && memcmp(name, TN_OPS, 3) == 0)
    *table = &ops;
  else
    return TN_UNSUPPORTED;
  return TN_OK;
}

static void fill_card(tn_plugin_descriptor* d) {
  d->version = "1";
  d->version_size = 1;
  d->vendor = "example";
  d->vendor_size = 7;
  d->dlpack_device_type = TN_DLPACK_CPU;
  d->open = plugin_open;
  d->get_interface = get_interface;
}

TN_PLUGIN("plain", fill_card)
