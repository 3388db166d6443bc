/* A plugin that does everything right and has no device worth using. Each file here includes it,
 * spoils one thing in change() and ends with BROKEN_PLUGIN("name of the file"). */
#ifndef TENON_TESTS_BROKEN_PLUGIN_BASE_H
#define TENON_TESTS_BROKEN_PLUGIN_BASE_H

#include <string.h>

#include <tenon/api/device_plugin.h>

static tn_plugin_descriptor card;
static tn_core core;
static tn_ops ops;
static const tn_host* host;
static int handle; /* its address serves as every handle */

static void change(void); /* written by each file */

static void set_error(const char* text) { host->set_error(host->context, text, strlen(text)); }

static tn_status base_open(const tn_host* given, tn_plugin* out) {
  host = given;
  *out = (tn_plugin)&handle;
  return TN_OK;
}
static tn_status base_get_interface(tn_plugin plugin, const char* name, uint64_t name_size,
                                    const void** table) {
  (void)plugin;
  if (name_size == 4 && memcmp(name, TN_CORE, 4) == 0) {
    *table = &core;
  } else if (name_size == 3 && memcmp(name, TN_OPS, 3) == 0) {
    *table = &ops;
  } else {
    return TN_UNSUPPORTED;
  }
  return TN_OK;
}

static void base_close(tn_plugin plugin) { (void)plugin; }
static tn_status base_device_count(tn_plugin plugin, uint32_t* count) {
  (void)plugin;
  *count = 1;
  return TN_OK;
}
static tn_status base_device_open(tn_plugin plugin, uint32_t index, tn_device* out) {
  (void)plugin;
  if (index != 0) return TN_INVALID_ARGUMENT;
  *out = (tn_device)&handle;
  return TN_OK;
}
static void base_device_close(tn_device device) { (void)device; }
static tn_status base_device_info(tn_device device, tn_device_info* info) {
  const uint32_t room = info->struct_size;
  tn_device_info facts;
  (void)device;
  memset(&facts, 0, sizeof facts);
  facts.struct_size = room < sizeof facts ? room : (uint32_t)sizeof facts;
  memcpy(facts.name, "broken", 6);
  facts.offset_alignment = 64;
  memcpy(info, &facts, facts.struct_size);
  return TN_OK;
}

/* Slots that no test calls: there, and of the right type. */
static tn_status no_alloc(tn_device d, uint64_t n, tn_buffer* out) {
  return (void)d, (void)n, (void)out, TN_UNSUPPORTED;
}
static void no_free(tn_buffer b) { (void)b; }
static tn_status no_stream(tn_device d, tn_stream* out) {
  return (void)d, (void)out, TN_UNSUPPORTED;
}
static void no_destroy(tn_stream s) { (void)s; }
static tn_status no_sync(tn_stream s, uint64_t* tag) { return (void)s, (void)tag, TN_UNSUPPORTED; }
static tn_status no_record(tn_stream s, uint64_t* v) { return (void)s, (void)v, TN_UNSUPPORTED; }
static tn_status no_event(tn_stream s, uint64_t v, uint32_t* state, tn_status* failure) {
  return (void)s, (void)v, (void)state, (void)failure, TN_UNSUPPORTED;
}
static tn_status no_wait(tn_stream s, uint64_t v, uint64_t ns) {
  return (void)s, (void)v, (void)ns, TN_UNSUPPORTED;
}
static tn_status no_join(tn_stream s, tn_stream o, uint64_t v) {
  return (void)s, (void)o, (void)v, TN_UNSUPPORTED;
}
static tn_status no_upload(tn_stream s, tn_buffer b, uint64_t at, const void* from, uint64_t n,
                           uint32_t flags) {
  return (void)s, (void)b, (void)at, (void)from, (void)n, (void)flags, TN_UNSUPPORTED;
}
static tn_status no_download(tn_stream s, tn_buffer b, uint64_t at, void* to, uint64_t n) {
  return (void)s, (void)b, (void)at, (void)to, (void)n, TN_UNSUPPORTED;
}
static tn_status no_query(tn_device d, const tn_signature* s, tn_answer* a) {
  return (void)d, (void)s, (void)a, TN_UNSUPPORTED;
}
static tn_status no_prepare(tn_device d, const tn_signature* s, tn_kernel* out) {
  return (void)d, (void)s, (void)out, TN_UNSUPPORTED;
}
static void no_release(tn_kernel k) { (void)k; }
static tn_status no_launch(tn_stream s, tn_kernel k, const tn_tensor* const* operands,
                           const uint64_t* scalars, const tn_workspace* w, uint64_t tag) {
  return (void)s, (void)k, (void)operands, (void)scalars, (void)w, (void)tag, TN_UNSUPPORTED;
}

static void fill_core(void) {
  core.struct_size = sizeof core;
  core.version = 1;
  core.close = base_close;
  core.device_count = base_device_count;
  core.device_open = base_device_open;
  core.device_close = base_device_close;
  core.device_info = base_device_info;
  core.buffer_alloc = no_alloc;
  core.buffer_free = no_free;
  core.stream_create = no_stream;
  core.stream_destroy = no_destroy;
  core.stream_sync = no_sync;
  core.event_record = no_record;
  core.event_query = no_event;
  core.event_wait = no_wait;
  core.stream_wait = no_join;
  core.upload = no_upload;
  core.download = no_download;
}

static void fill_ops(void) {
  ops.struct_size = sizeof ops;
  ops.version = 1;
  ops.query = no_query;
  ops.prepare = no_prepare;
  ops.kernel_release = no_release;
  ops.launch = no_launch;
}

static void fill_card(const char* name) {
  card.magic = TN_MAGIC;
  card.descriptor_size = sizeof card;
  card.descriptor_flags = TN_DESCRIPTOR_PRERELEASE;
  card.abi_major = card.abi_major_min = TN_ABI_MAJOR;
  card.abi_minor = TN_ABI_MINOR;
  card.name = name;
  card.name_size = strlen(name);
  card.version = "1.2.3";
  card.version_size = 5;
  card.vendor = "tests";
  card.vendor_size = 5;
  card.open = base_open;
  card.get_interface = base_get_interface;
}

#define BROKEN_NOTE(NAME, MAJOR, MAJOR_MIN, HOST_MINOR_MIN) \
  TN_NOTE_ATTRIBUTES static const tn_plugin_note note = {   \
      6u,           sizeof(tn_plugin_note) - 20u,           \
      TN_NOTE_TYPE, "Tenon",                                \
      MAJOR,        0u,                                     \
      MAJOR_MIN,    HOST_MINOR_MIN,                         \
      NAME}

#define BROKEN_ENTRY(NAME)                                                        \
  TN_EXTERN_C TN_EXPORT tn_status tn_plugin_entry(const tn_host_version* version, \
                                                  tn_plugin_descriptor* out) {    \
    (void)version;                                                                \
    fill_core();                                                                  \
    fill_ops();                                                                   \
    fill_card(NAME);                                                              \
    change();                                                                     \
    *out = card;                                                                  \
    return TN_OK;                                                                 \
  }

#define BROKEN_PLUGIN(NAME)                          \
  BROKEN_NOTE(NAME, TN_ABI_MAJOR, TN_ABI_MAJOR, 0u); \
  BROKEN_ENTRY(NAME)

#endif /* TENON_TESTS_BROKEN_PLUGIN_BASE_H */
