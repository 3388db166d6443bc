/* Only the frozen head was written. */
#include "base.h"

static void change(void) {
  memset((char*)&card + TN_MIN_DESCRIPTOR, 0, sizeof card - TN_MIN_DESCRIPTOR);
  card.descriptor_size = TN_MIN_DESCRIPTOR;
}
BROKEN_PLUGIN("short_descriptor")
