// The entry, opening, the two tables; and what the runtime itself says of the file.
#include <cstring>

#include <tenon/runtime/loader/probe.h>

#include "load_cases.h"
#include "slots.h"

namespace tenon::conform {

tn_plugin_descriptor card_of(Context& c, uint32_t size) {
  tn_plugin_descriptor card;
  std::memset(&card, 0xA5, sizeof card);
  card.descriptor_size = size;
  const tn_status status = c.entry()(&kHostVersion, &card);
  require(status == TN_OK, "the entry answered " + status_name(status) + " to a host that offers " +
                               std::to_string(size) + " bytes");
  return card;
}

void add_load_cases(Cases& cases) {
  add_elf_cases(cases);
  add_entry_cases(cases);
  add_device_cases(cases);
  add_reader_cases(cases);
}

namespace {

// ---- the entry ---------------------------------------------------------------------------------

void check_pure(Context& c) {
  const tn_plugin_descriptor first = card_of(c), second = card_of(c);
  require(std::memcmp(&first, &second, sizeof first) == 0, "a second call fills another card");
}

void check_card(Context& c) {
  const tn_plugin_descriptor card = card_of(c);
  require(card.magic == TN_MAGIC, "the magic number is wrong");
  require(card.descriptor_size == sizeof card,
          "descriptor_size is " + std::to_string(card.descriptor_size));
  const std::string name(card.name, card.name_size);
  const bool letters =
      !name.empty() && name.size() <= TN_MAX_NAME &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
  require(letters, "the name must be [a-z0-9_]{1,32}, got \"" + name + "\"");
  require(card.version_size > 0 && card.vendor_size > 0, "version or vendor is empty");
  require(card.open != nullptr && card.get_interface != nullptr, "open or get_interface is NULL");
  require((card.descriptor_flags & TN_DESCRIPTOR_LAYER) == 0, "a layer is no device of its own");
  require(card.reserved == 0, "the reserved word is not zero");
}

void check_versions(Context& c) {
  const tn_plugin_descriptor card = card_of(c);
  require(card.abi_major_min <= TN_ABI_MAJOR && TN_ABI_MAJOR <= card.abi_major,
          "speaks majors " + std::to_string(card.abi_major_min) + " to " +
              std::to_string(card.abi_major) + ", this host " + std::to_string(TN_ABI_MAJOR));
  require(card.abi_major != TN_ABI_MAJOR || card.host_minor_min <= TN_ABI_MINOR,
          "needs a newer minor than this host's");
  require(card.abi_major > 1 || (card.descriptor_flags & TN_DESCRIPTOR_PRERELEASE) != 0,
          "ABI 0.1 is a pre-release, the flag is not set");
}

// It writes what the host has room for, no byte more.
void check_cut(Context& c, uint32_t size) {
  const tn_plugin_descriptor card = card_of(c, size);
  require(
      card.descriptor_size == size,
      "descriptor_size is " + std::to_string(card.descriptor_size) + " of " + std::to_string(size));
  const auto* bytes = reinterpret_cast<const unsigned char*>(&card);
  for (uint32_t i = size; i < sizeof card; ++i) {
    require(bytes[i] == 0xA5,
            "wrote byte " + std::to_string(i) + " of a host that offers " + std::to_string(size));
  }
}

void check_larger_host(Context& c) {
  struct Later {
    tn_plugin_descriptor card;
    uint64_t appended;
  } later{};
  later.appended = 77;
  later.card.descriptor_size = sizeof later;
  require(c.entry()(&kHostVersion, &later.card) == TN_OK, "refuses a host that offers more");
  require(later.card.descriptor_size == sizeof later.card && later.appended == 77,
          "wrote beyond what it knows");
}

void check_too_small(Context& c) {
  for (const uint32_t size : {0u, 8u, 31u}) {
    tn_plugin_descriptor card{};
    card.descriptor_size = size;
    require(c.entry()(&kHostVersion, &card) == TN_INVALID_ARGUMENT,
            "accepts a host that offers " + std::to_string(size) + " bytes");
    require(card.magic == 0, "wrote into less than the frozen bytes");
  }
}

// ---- opening -----------------------------------------------------------------------------------

// Opens with a host table to spoil; closes again when it was accepted.
tn_status open_with(Context& c, const tn_host* host) {
  const tn_plugin_descriptor card = card_of(c);
  tn_plugin plugin = nullptr;
  const tn_status status = card.open(host, &plugin);
  if (status != TN_OK) return status;
  require(plugin != nullptr, "open answered OK with a NULL handle");
  const tn_core* core = nullptr;
  const tn_status fetched =
      card.get_interface(plugin, TN_CORE, 4, reinterpret_cast<const void**>(&core));
  require(fetched == TN_OK && core != nullptr, "no table \"core\"");
  core->close(plugin);
  return TN_OK;
}

void check_open_again(Context& c) {
  const tn_host host = silent_services();
  for (int i = 0; i < 3; ++i) {
    const tn_status status = open_with(c, &host);
    require(status == TN_OK,
            "open answered " + status_name(status) + " the " + std::to_string(i + 1) + ". time");
  }
}

void check_longer_services(Context& c) {
  struct Later {
    tn_host host;
    uint64_t appended;
  } later{silent_services(), 77};
  later.host.struct_size = sizeof later;
  require(open_with(c, &later.host) == TN_OK, "refuses a host table with a longer tail");
}

void check_short_services(Context& c) {
  tn_host host = silent_services();
  host.struct_size = TN_MIN_HOST - 8;
  require(open_with(c, &host) != TN_OK, "accepts a host table below its frozen minimum");
}

void check_service_flags(Context& c) {
  tn_host host = silent_services();
  host.flags = 0x80000000u;
  require(open_with(c, &host) != TN_OK, "accepts host flags it must understand and does not");
  host.flags = 0x1u;
  require(open_with(c, &host) == TN_OK, "refuses advice in the lower half of flags");
}

// ---- tables ------------------------------------------------------------------------------------

void check_slots(const void* table, std::span<const Slot> slots, bool host_memory) {
  std::string missing;
  for (const Slot& slot : slots) {
    const bool needed =
        slot.need == Need::kAlways || (slot.need == Need::kHostMemory && host_memory);
    if (needed && !has_slot(table, slot)) missing += std::string(" ") + slot.name;
  }
  require(missing.empty(), "required slots are NULL:" + missing);
}

void check_tables(Context& c) {
  const PluginHost& host = c.subject();
  const bool host_memory = (host.info.flags & TN_DEVICE_HOST_MEMORY) != 0;
  require(host.core->struct_size >= TN_MIN_CORE, "\"core\" is shorter than its minimum");
  require(host.ops->struct_size >= TN_MIN_OPS, "\"ops\" is shorter than its minimum");
  require(host.core->version == 1 && host.ops->version == 1, "a table is not version 1");
  require(((host.core->flags | host.ops->flags) & TN_FLAGS_MUST_UNDERSTAND) == 0,
          "a table has flags that this host must understand and does not");
  check_slots(host.core, core_slots(), host_memory);
  check_slots(host.ops, ops_slots(), host_memory);
}

void check_table_names(Context& c) {
  const PluginHost& host = c.subject();
  for (const char* name : {"nonsense", "cor", "core2", ""}) {
    const void* table = nullptr;
    const tn_status status = host.card.get_interface(host.plugin, name, std::strlen(name), &table);
    require(status == TN_UNSUPPORTED, std::string("get_interface(\"") + name + "\") answered " +
                                          status_name(status) + ", expected UNSUPPORTED");
  }
  const void* again = nullptr;
  require(host.card.get_interface(host.plugin, "core!", 4, &again) == TN_OK && again == host.core,
          "names are pointer and length, and a table is one and the same");
}

void check_runtime(Context& c) {
  const std::string helper = probe_helper();
  if (helper.empty()) throw Skip("the program tenon is not beside the runtime");
  const PluginFacts facts =
      probe_plugin(helper, c.target().plugin, std::chrono::milliseconds(10'000));
  require(facts.record.verdict == "loaded", "the runtime's verdict is " + facts.record.verdict +
                                                " at " + facts.record.stage + ": " +
                                                facts.record.detail);
  require(!facts.devices.empty(), "the runtime finds no device: " + facts.no_device_reason);
  for (const DeviceFacts& device : facts.devices) require(device.error.empty(), device.error);
}

}  // namespace

void add_entry_cases(Cases& cases) {
  cases.push_back({"load/entry/is_pure", check_pure});
  cases.push_back({"load/entry/card", check_card});
  cases.push_back({"load/entry/versions", check_versions});
  for (uint32_t size = 32; size < sizeof(tn_plugin_descriptor); size += 8) {
    cases.push_back({"load/entry/host_offers/" + std::to_string(size),
                     [=](Context& c) { check_cut(c, size); }});
  }
  cases.push_back({"load/entry/host_offers/more", check_larger_host});
  cases.push_back({"load/entry/host_offers/too_little", check_too_small});
  cases.push_back({"load/open/again", check_open_again});
  cases.push_back({"load/open/longer_services", check_longer_services});
  cases.push_back({"load/open/short_services", check_short_services});
  cases.push_back({"load/open/flags", check_service_flags});
  cases.push_back({"load/tables/required_slots", check_tables});
  cases.push_back({"load/tables/names", check_table_names});
  cases.push_back({"load/runtime/accepts_it", check_runtime});
}

}  // namespace tenon::conform
