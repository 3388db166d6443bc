// A prepare throws a string, and so does the release of memory.
#include <string>

#include "computing.h"

static tn_status throw_text(tn_device, const tn_signature*, tn_kernel*) {
  throw std::string("no std::exception");
}
static void throw_in_free(tn_buffer buffer) {
  plain_core()->buffer_free(buffer);
  throw std::string("in a destructor");
}
static void change() {
  compute();
  ops.prepare = throw_text;
  core.buffer_free = throw_in_free;
}
BROKEN_PLUGIN("throw_in_prepare")
