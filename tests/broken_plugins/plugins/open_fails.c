/* Fails with much text, colours and a torn letter. */
#include "base.h"

static tn_status open_fails(const tn_host* given, tn_plugin* out) {
  static char text[100000];
  host = given;
  (void)out;
  memset(text, 0x41, sizeof text);
  memcpy(text, "\033[31mno driver\007\n\xff", 17);
  host->set_error(host->context, text, sizeof text);
  return TN_INTERNAL;
}
static void change(void) { card.open = open_fails; }
BROKEN_PLUGIN("open_fails")
