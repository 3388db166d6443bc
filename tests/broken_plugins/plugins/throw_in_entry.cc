// Lets an exception through the C boundary.
#include <stdexcept>

#include "base.h"

static void change() { throw std::runtime_error("thrown on purpose"); }
BROKEN_PLUGIN("throw_in_entry")
