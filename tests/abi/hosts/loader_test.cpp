// The loader built with the header of another version, as it will be one day: plugins of today meet
// it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include <tenon/runtime/layers/install_internal.h>
#include <tenon/runtime/loader/load_internal.h>

namespace tenon {

namespace layers {
void install(Plugin&, const tn_host*) {}  // no layer is around these
}  // namespace layers

namespace {

using testing::HasSubstr;

struct Attempt {
  LoadRecord record;
  std::unique_ptr<Plugin> plugin;  // of what was loaded; its code stays

  Attempt() = default;
  Attempt(Attempt&&) = default;
  ~Attempt() {
    if (plugin != nullptr && plugin->core.close != nullptr) plugin->core.close(plugin->handle);
  }
};

Attempt load(const std::string& path) {
  Attempt attempt;
  attempt.record.path = path;
  try {
    attempt.plugin = loader::load_file(attempt.record).plugin;
  } catch (const loader::LoadFailure&) {  // the record says why
  }
  return attempt;
}

const std::string kToday[] = {PLUGINS "/tenon_cpu.so", PLUGINS "/tenon_reference.so",
                              PLUGINS "/tenon_opaque.so"};

#if TN_ABI_MAJOR == 1u  // the next minor of this major
TEST(LaterHost, LoadsPluginsOfTodayAtTheirMinor) {
  for (const std::string& path : kToday) {
    const Attempt attempt = load(path);
    ASSERT_EQ(attempt.record.verdict, "loaded") << path << ": " << attempt.record.detail;
    EXPECT_EQ(attempt.plugin->abi_major, TN_ABI_MAJOR);
    EXPECT_EQ(attempt.plugin->abi_minor, TN_ABI_MINOR - 1u);
    EXPECT_GE(attempt.plugin->device_count, 1u);
  }
}

TEST(LaterHost, TakesZeroForWhatATableOfTodayLacks) {
  for (const std::string& path : kToday) {
    const Attempt attempt = load(path);
    ASSERT_NE(attempt.plugin, nullptr) << path << ": " << attempt.record.detail;
    EXPECT_EQ(attempt.plugin->core.struct_size, sizeof(tn_core));
    EXPECT_EQ(attempt.plugin->core.later_slot, nullptr);
    EXPECT_EQ(attempt.plugin->ops.later_slot, nullptr);
    EXPECT_NE(attempt.plugin->ops.launch, nullptr);
  }
}

TEST(LaterHost, LoadsPluginsOfItsOwnMinor) {
  const Attempt attempt = load(NEIGHBOURS "/later/tenon_plain.so");
  ASSERT_EQ(attempt.record.verdict, "loaded") << attempt.record.detail;
  EXPECT_EQ(attempt.plugin->abi_minor, TN_ABI_MINOR);
}

TEST(LaterHost, LoadsWhatNeedsItsMinor) {
  const Attempt attempt = load(NEIGHBOURS "/tenon_needs_minor.so");
  EXPECT_EQ(attempt.record.verdict, "loaded") << attempt.record.detail;
}

TEST(LaterHost, RefusesTheNextMajor) {
  const Attempt attempt = load(NEIGHBOURS "/alien/tenon_plain.so");
  EXPECT_EQ(attempt.record.verdict, "refused");
  EXPECT_EQ(attempt.record.stage, "note");
}
#else  // the next major
TEST(AlienHost, RefusesPluginsOfTodayBeforeTheirCodeIsRun) {
  for (const std::string& path : kToday) {
    const Attempt attempt = load(path);
    EXPECT_EQ(attempt.record.verdict, "refused");
    EXPECT_EQ(attempt.record.stage, "note");
    EXPECT_THAT(attempt.record.detail, HasSubstr("speaks ABI majors 1 to 1, this runtime 2 to 2; "
                                                 "install a newer build of it"));
  }
}

TEST(AlienHost, SharesAMajorWithWhoSpeaksBoth) {
  const Attempt attempt = load(NEIGHBOURS "/tenon_two_majors.so");
  ASSERT_EQ(attempt.record.verdict, "loaded") << attempt.record.detail;
  EXPECT_EQ(attempt.plugin->abi_major, 2u);
  EXPECT_EQ(attempt.plugin->abi_minor, TN_ABI_MINOR);  // of both minors the lesser
}
#endif

}  // namespace
}  // namespace tenon
