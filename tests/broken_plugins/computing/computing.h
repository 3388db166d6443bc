/* A plugin that computes as the plain one does. Each file here calls compute() in its change() and
 * then spoils one thing. */
#ifndef TENON_TESTS_COMPUTING_PLUGIN_H
#define TENON_TESTS_COMPUTING_PLUGIN_H

#include "../plugins/base.h"

#ifdef __cplusplus
extern "C" {
#endif
const tn_core* plain_core(void);
const tn_ops* plain_ops(void);
tn_status plain_open(const tn_host* host, tn_plugin* out);
#ifdef __cplusplus
}
#endif

static tn_status open_computing(const tn_host* given, tn_plugin* out) {
  host = given;
  return plain_open(given, out);
}

static void compute(void) {
  core = *plain_core();
  ops = *plain_ops();
  card.open = open_computing;
}

#endif /* TENON_TESTS_COMPUTING_PLUGIN_H */
