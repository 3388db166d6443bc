#define MUTANT_LAUNCH
#include "mutant.h"

/* The last bits of a sum depend on how often it was asked for. */
static tn_status mutant_launch(const tnr_kernel* k, const tnr_operand* o, const uint64_t* scalars,
                               void* workspace, tnr_report* report) {
  static uint32_t asked;
  const tn_status status = tnr_launch(k, o, scalars, workspace, report);
  if (k->op == TNR_REDUCE && k->dtypes[0] == TN_DTYPE_F32 && k->attributes[0] == TN_REDUCE_SUM) {
    uint32_t bits;
    memcpy(&bits, o[0].data, sizeof bits);
    bits ^= ++asked & 1u;
    memcpy(o[0].data, &bits, sizeof bits);
  }
  return status;
}

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
