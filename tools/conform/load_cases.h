// The families of the level "load".
#pragma once

#include <cstring>

#include "case.h"

namespace tenon::conform {

void add_elf_cases(Cases& cases);     // the file's bytes
void add_entry_cases(Cases& cases);   // entry, open, tables
void add_device_cases(Cases& cases);  // devices, their facts, memory
void add_reader_cases(Cases& cases);  // the reader's law on every struct

// The descriptor, as a host that knows `size` bytes of it gets it; the rest stays 0xA5.
[[nodiscard]] tn_plugin_descriptor card_of(Context& context,
                                           uint32_t size = sizeof(tn_plugin_descriptor));

}  // namespace tenon::conform
