#define MUTANT_PREPARE
#include "mutant.h"

static tn_status mutant_prepare(const tn_device_info* info, const tn_signature* s, tnr_kernel* k,
                                tnr_report* report) {
  volatile int* nowhere = NULL;
  if (s->op_size == 4 && memcmp(s->op, "scan", 4) == 0) *nowhere = 1;
  return tnr_prepare(info, s, k, report);
}

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
