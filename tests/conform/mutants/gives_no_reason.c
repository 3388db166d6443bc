#define MUTANT_QUERY
#include "mutant.h"

/* NO, and not a word more. */
static void mutant_query(const tn_device_info* info, const tn_signature* s, tn_answer* answer) {
  tnr_query(info, s, answer);
  memset(answer->reason, 0, sizeof answer->reason);
}

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
