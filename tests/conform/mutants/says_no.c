#define MUTANT_QUERY
#include "mutant.h"

/* Claims f64 in device_info, but not when asked. */
static void mutant_query(const tn_device_info* info, const tn_signature* s, tn_answer* answer) {
  tnr_query(info, s, answer);
  if (s->op_size == 6 && memcmp(s->op, "reduce", 6) == 0 &&
      TN_CLASS_DTYPE(s->classes[1]) == TN_DTYPE_F64) {
    answer->support = TN_ANSWER_NO;
    strcpy(answer->reason, "no f64 today");
  }
}

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
