/* Every stream opens a file, none closes it. */
#include <fcntl.h>

#include "computing.h"

static tn_status open_file(tn_device device, tn_stream* out) {
  if (open("/dev/null", O_RDONLY) < 0) return TN_INTERNAL;
  return plain_core()->stream_create(device, out);
}
static void change(void) {
  compute();
  core.stream_create = open_file;
}
BROKEN_PLUGIN("leaky_streams")
