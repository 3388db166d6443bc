// The count of functions that `tenon conform` prints is true: without any one of them the runtime
// refuses the plugin, without any other it does not.
#include <gtest/gtest.h>

#include <cstdlib>
#include <span>

#include <tenon/runtime/loader/probe.h>

#include "conform/slots.h"

namespace tenon::conform_test {
namespace {

using conform::Need;
using conform::Slot;

void check_table(const char* table, std::span<const Slot> slots) {
  for (const Slot& slot : slots) {
    const std::string hole = std::string(table) + " " + std::to_string(slot.offset);
    ASSERT_EQ(::setenv("HOLE", hole.c_str(), 1), 0);
    const PluginFacts facts = probe_plugin(TENON_PROGRAM, MUTANT_FOLDER "/holes/tenon_plain.so",
                                           std::chrono::milliseconds(60'000));
    ::unsetenv("HOLE");
    const bool needed = slot.need == Need::kAlways;
    EXPECT_EQ(facts.record.verdict, needed ? "refused" : "loaded") << table << "." << slot.name;
    if (needed) {
      EXPECT_NE(facts.record.detail.find(slot.name), std::string::npos) << facts.record.detail;
    }
  }
}

TEST(Slots, NeededOnesAreJustThoseThatTheRuntimeRequires) {
  check_table("core", conform::core_slots());
  check_table("ops", conform::ops_slots());
  EXPECT_EQ(conform::least_functions().functions(), 23u);
  EXPECT_EQ(conform::least_functions().operators, 12u);
}

TEST(Slots, EverySlotOfTheTablesIsListed) {
  constexpr size_t kHead = 16;  // struct_size, flags, version, reserved
  EXPECT_EQ(conform::core_slots().size(), (sizeof(tn_core) - kHead) / sizeof(void*));
  EXPECT_EQ(conform::ops_slots().size(), (sizeof(tn_ops) - kHead) / sizeof(void*));
}

}  // namespace
}  // namespace tenon::conform_test
