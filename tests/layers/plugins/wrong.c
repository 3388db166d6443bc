/* The plain plugin with one kernel that is wrong: where a program multiplies, the last element of
 * the result is a thousandth too large. */
#include <tenon/api/device_plugin.h>
#pragma push_macro("TN_PLUGIN")
#undef TN_PLUGIN
#define TN_PLUGIN(NAME, FILL) /* the plain plugin's own entry is left out */
#include "../../../tools/examples/04_third_party_plugin/c/plain.c"
#undef TN_PLUGIN
#pragma pop_macro("TN_PLUGIN")

#define WRONG_MAX 64
static tn_kernel wrong[WRONG_MAX];
static uint32_t wrong_count;

static tn_status wrong_prepare(tn_device device, const tn_signature* signature, tn_kernel* out) {
  const tn_status status = prepare(device, signature, out);
  uint32_t i;
  if (status != TN_OK || signature->program == NULL) return status;
  if (TN_CLASS_DTYPE(signature->classes[0]) != TN_DTYPE_F32) return status;
  for (i = 0; i < signature->program->instruction_count; ++i) {
    const uint32_t opcode = signature->program->instructions[4 * i] & 0xffffu;
    if (opcode == TN_PROGRAM_MUL && wrong_count < WRONG_MAX) {
      wrong[wrong_count++] = *out;
      return status;
    }
  }
  return status;
}

static tn_status wrong_launch(tn_stream stream, tn_kernel kernel, const tn_tensor* const* operands,
                              const uint64_t* scalars, const tn_workspace* scratch, uint64_t tag) {
  const tn_status status = launch(stream, kernel, operands, scalars, scratch, tag);
  const tn_tensor* result = operands[0];
  int64_t last = 0;
  uint32_t i, d;
  for (i = 0; i < wrong_count; ++i) {
    if (status != TN_OK || wrong[i] != kernel) continue;
    for (d = 0; d < result->rank; ++d) last += (result->shape[d] - 1) * result->strides[d];
    ((float*)(void*)(result->buffer->data + result->offset_bytes))[last] *= 1.001f;
    break;
  }
  return status;
}

static tn_status get_wrong(tn_plugin plugin, const char* name, uint64_t name_size,
                           const void** table) {
  static tn_ops wrong_ops;
  const tn_status status = get_interface(plugin, name, name_size, table);
  if (status != TN_OK || *table != &ops) return status;
  wrong_ops = ops;
  wrong_ops.prepare = wrong_prepare;
  wrong_ops.launch = wrong_launch;
  *table = &wrong_ops;
  return TN_OK;
}

static void fill_wrong(tn_plugin_descriptor* d) {
  fill_card(d);
  d->get_interface = get_wrong;
}

TN_PLUGIN("wrong", fill_wrong)
