// The search order, and what shadows what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <tenon/runtime/loader/search.h>

#include "scratch.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::Scratch;

std::vector<std::string> origins(const std::vector<SearchEntry>& entries) {
  std::vector<std::string> names;
  for (const SearchEntry& entry : entries) {
    if (names.empty() || names.back() != entry.origin) names.push_back(entry.origin);
  }
  return names;
}

// Folders in this order, searched.
std::vector<LoadRecord> scan(const std::string& path, std::vector<SearchEntry>* entries = nullptr) {
  SearchInputs inputs;
  inputs.plugin_path = path;
  std::vector<SearchEntry> plan = plan_search(inputs);
  std::erase_if(plan, [](const SearchEntry& e) { return e.origin == "system folder"; });
  const std::vector<LoadRecord> records = scan_search(plan);
  if (entries != nullptr) *entries = plan;
  return records;
}

TEST(SearchPlan, FilesThenPathThenUserThenSystemThenRuntime) {
  const SearchInputs inputs = {false, "/f/tenon_a.so", "/p:/q", "/data", "/home/me", "/opt/lib"};
  const std::vector<SearchEntry> entries = plan_search(inputs);
  EXPECT_THAT(origins(entries),
              ElementsAre("TENON_PLUGIN_FILES", "TENON_PLUGIN_PATH", "XDG_DATA_HOME",
                          "system folder", "beside the runtime"));
  EXPECT_TRUE(entries[0].is_file);
  EXPECT_EQ(entries[1].path, "/p");
  EXPECT_EQ(entries[2].path, "/q");
  EXPECT_EQ(entries[3].path, "/data/tenon/plugins");
  EXPECT_EQ(entries[4].path, "/usr/local/lib/tenon");
  EXPECT_EQ(entries.back().path, "/opt/lib/tenon");
}

TEST(SearchPlan, WithoutXdgTheUserFolderIsBelowHome) {
  SearchInputs inputs;
  inputs.home = "/home/me";
  EXPECT_EQ(plan_search(inputs)[0].path, "/home/me/.local/share/tenon/plugins");
}

TEST(SearchPlan, RelativeAndEmptyElementsAreRefused) {
  SearchInputs inputs;
  inputs.plugin_files = "plugins/tenon_a.so";
  inputs.plugin_path = ":/good:.:";
  inputs.data_home = "share";
  const std::vector<SearchEntry> entries = plan_search(inputs);
  for (const size_t i : {0u, 1u, 3u, 4u, 5u}) {
    EXPECT_EQ(entries[i].state, "refused") << i;
    EXPECT_THAT(entries[i].detail,
                testing::AnyOf(HasSubstr("empty element"), HasSubstr("expected an absolute path")));
  }
  EXPECT_EQ(entries[2].state, "search");
}

TEST(SearchPlan, RaisedPrivilegesIgnoreTheEnvironmentAndTheUser) {
  const SearchInputs inputs = {true, "/f/tenon_a.so", "/p", "/data", "/home/me", "/opt/lib"};
  const std::vector<SearchEntry> entries = plan_search(inputs);
  for (const SearchEntry& entry : entries) {
    const bool trusted = entry.origin == "system folder" || entry.origin == "beside the runtime";
    EXPECT_EQ(entry.state, trusted ? "search" : "ignored") << entry.origin;
    EXPECT_THAT(entry.detail, HasSubstr(trusted ? "" : "raised privileges"));
  }
}

TEST(Search, TheFirstFoundWinsAndTheOtherIsShadowed) {
  const Scratch scratch;
  const std::string first = scratch.make_folder("first"), second = scratch.make_folder("second");
  scratch.copy("good", "first/tenon_good.so");
  scratch.copy("good", "second/tenon_good.so");
  const std::vector<LoadRecord> records = scan(first + ":" + second);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].verdict, "found");
  EXPECT_EQ(records[0].name, "good");
  EXPECT_EQ(records[1].verdict, "shadowed");
  EXPECT_THAT(records[1].detail, HasSubstr(first));
}

TEST(Search, AFileComesBeforeAFolder) {
  const Scratch scratch;
  const std::string folder = scratch.make_folder("folder");
  scratch.copy("good", "folder/tenon_good.so");
  SearchInputs inputs;
  inputs.plugin_files = tests::broken_plugin("good");
  inputs.plugin_path = folder;
  std::vector<SearchEntry> entries = plan_search(inputs);
  const std::vector<LoadRecord> records = scan_search(entries);
  EXPECT_EQ(records[0].origin, "TENON_PLUGIN_FILES");
  EXPECT_EQ(records[0].verdict, "found");
  EXPECT_EQ(records[1].verdict, "shadowed");
}

// A refused file keeps its name taken: another one further on would be a silent exchange.
TEST(Search, ARefusedFileIsNotReplacedByALaterOne) {
  const Scratch scratch;
  const std::string first = scratch.make_folder("first"), second = scratch.make_folder("second");
  scratch.write("first/tenon_good.so", "broken");
  scratch.copy("good", "second/tenon_good.so");
  const std::vector<LoadRecord> records = scan(first + ":" + second);
  EXPECT_EQ(records[0].verdict, "refused");
  EXPECT_EQ(records[1].verdict, "shadowed");
}

TEST(Search, TwoClaimsInOneFolderAreBothRefused) {
  const Scratch scratch;
  scratch.copy("good", "tenon_good.so");
  scratch.copy("good", "tenon_good_old.so");
  const std::vector<LoadRecord> records = scan(scratch.path(""));
  ASSERT_EQ(records.size(), 2u);
  for (const LoadRecord& record : records) {
    EXPECT_EQ(record.verdict, "refused");
    EXPECT_THAT(record.detail, HasSubstr("two files of this folder claim the device good"));
  }
}

TEST(Search, APluginUnderAnotherNameIsToldToBeRenamed) {
  const Scratch scratch;
  scratch.copy("good", "libgood.so");
  const std::vector<LoadRecord> records = scan(scratch.path(""));
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].verdict, "refused");
  EXPECT_THAT(records[0].detail, HasSubstr("must be called tenon_good.so"));
}

TEST(Search, OtherLibrariesAreNotOurBusiness) {
  const Scratch scratch;
  scratch.write("libhelper.so", "anything");
  scratch.write("notes.txt", "anything");
  std::vector<SearchEntry> entries;
  EXPECT_TRUE(scan(scratch.path(""), &entries).empty());
  EXPECT_EQ(entries[0].detail, "0 plugin files");
}

TEST(Search, ARepeatedFolderIsSearchedOnce) {
  const Scratch scratch;
  scratch.copy("good", "tenon_good.so");
  ASSERT_EQ(::symlink(scratch.path("").c_str(), scratch.path("again").c_str()), 0);
  std::vector<SearchEntry> entries;
  EXPECT_EQ(scan(scratch.path("") + ":" + scratch.path("again"), &entries).size(), 1u);
  EXPECT_EQ(entries[1].state, "repeated");
}

TEST(Search, AFolderWritableByEverybodyIsRefusedAsAWhole) {
  const Scratch scratch;
  const std::string folder = scratch.make_folder("open");
  scratch.copy("good", "open/tenon_good.so");
  ::chmod(folder.c_str(), 0777);
  std::vector<SearchEntry> entries;
  EXPECT_TRUE(scan(folder, &entries).empty());
  EXPECT_EQ(entries[0].state, "refused");
  EXPECT_THAT(entries[0].detail, HasSubstr("writable by everybody"));
}

TEST(Search, AMissingFolderIsAbsent) {
  std::vector<SearchEntry> entries;
  EXPECT_TRUE(scan("/nowhere/at/all", &entries).empty());
  EXPECT_EQ(entries[0].state, "absent");
}

}  // namespace
}  // namespace tenon
