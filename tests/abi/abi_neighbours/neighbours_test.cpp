// This runtime and plugins of other versions of the ABI.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include <tenon/runtime/loader/plugin.h>
#include <tenon/tenon.h>

namespace tenon {
namespace {

using testing::HasSubstr;

LoadRecord last_record(const std::string& path) {
  LoadRecord found;
  for (const LoadRecord& record : load_records())
    if (record.path == path) found = record;
  return found;
}

std::string refusal(const std::string& path) {
  try {
    load_plugin_file(path);
  } catch (const Error& e) {
    return e.what();
  }
  return "it was loaded";
}

// One plugin of a name can be loaded in a process, so each is tried in one of its own. Answers its
// exit status: 0 when everything in it held.
int in_child(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<std::string> variants() {
  std::vector<std::string> list;
  std::istringstream text(NEIGHBOUR_VARIANTS);
  for (std::string name; std::getline(text, name, ':');) list.push_back(name);
  return list;
}

std::vector<double> losses_on(const Device& device) {
  manual_seed(3);
  const Tensor x = rand({32, 6}).to(device), y = rand({32, 2}).to(device);
  nn::Sequential net{nn::Linear(6, 16), nn::Tanh(), nn::Linear(16, 2)};
  net.to(device);
  optim::Adam adam(net.parameters(), {.lr = 0.01});
  std::vector<double> losses;
  for (int step = 0; step < 10; ++step) {
    const Tensor loss = mse_loss(net(x), y);
    adam.zero_grad();
    loss.backward();
    adam.step();
    losses.push_back(loss.item<float>());
  }
  return losses;
}

class Neighbour : public testing::TestWithParam<std::string> {};

TEST_P(Neighbour, LoadsAtThisMinorAndTrains) {
  const int status = in_child([] {
    const std::string path = NEIGHBOURS "/" + GetParam() + "/tenon_plain.so";
    const Plugin& plugin = load_plugin_file(path);
    EXPECT_EQ(last_record(path).verdict, "loaded");
    EXPECT_EQ(plugin.abi_major, TN_ABI_MAJOR);
    EXPECT_LE(plugin.abi_minor, TN_ABI_MINOR);
    EXPECT_EQ(plugin.core.struct_size, sizeof(tn_core));
    const std::vector<double> theirs = losses_on("plain"), ours = losses_on("cpu");
    EXPECT_LT(theirs.back(), theirs.front());
    for (size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(theirs[i], ours[i], 1e-4) << i;
  });
  EXPECT_EQ(status, 0);
}

INSTANTIATE_TEST_SUITE_P(Versions, Neighbour, testing::ValuesIn(variants()), [](const auto& item) {
  std::string name = item.param;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
});

TEST(AlienMajor, IsRefusedByItsNote) {
  const std::string path = NEIGHBOURS "/alien/tenon_plain.so";
  EXPECT_THAT(refusal(path), HasSubstr("speaks ABI majors 2 to 2, this runtime 1 to 1; install an "
                                       "older build of it"));
  EXPECT_EQ(last_record(path).stage, "note");
}

TEST(TwoMajors, TheCommonOneIsInForce) {
  const Plugin& plugin = load_plugin_file(NEIGHBOURS "/tenon_two_majors.so");
  EXPECT_EQ(plugin.abi_major, TN_ABI_MAJOR);
  EXPECT_EQ(plugin.abi_minor, TN_ABI_MINOR);
}

TEST(LaterMinor, IsRefusedWhenThePluginCantLiveWithLess) {
  EXPECT_THAT(refusal(NEIGHBOURS "/tenon_needs_minor.so"),
              HasSubstr("needs minor " + std::to_string(TN_ABI_MINOR + 1u) +
                        " of ABI major 1 from the host, this runtime offers " +
                        std::to_string(TN_ABI_MINOR)));
}

// ---- tables of every size, right before a page that faults ----

struct TableSize {
  const char* table;
  uint64_t size;
  uint64_t minimum;
};

void PrintTo(const TableSize& row, std::ostream* out) { *out << row.table << ' ' << row.size; }

class TableReader : public testing::TestWithParam<TableSize> {};

TEST_P(TableReader, ReadsWhatLiesInsideItsSize) {
  const TableSize row = GetParam();
  const int status = in_child([&row] {
    set_plugin_config("guarded", "table", row.table);
    set_plugin_config("guarded", "size", std::to_string(row.size));
    const std::string said = refusal(NEIGHBOURS "/tenon_guarded.so");
    if (row.size >= row.minimum) {
      EXPECT_EQ(said, "it was loaded");
    } else {
      EXPECT_THAT(said, HasSubstr("the table \"" + std::string(row.table) + "\" has " +
                                  std::to_string(row.size) + " bytes, expected at least " +
                                  std::to_string(row.minimum)));
    }
  });
  EXPECT_EQ(status, 0);
}

std::vector<TableSize> table_sizes() {
  std::vector<TableSize> rows;
  for (const auto& [table, minimum, exact] :
       {std::tuple("core", uint64_t{TN_MIN_CORE}, sizeof(tn_core)),
        std::tuple("ops", uint64_t{TN_MIN_OPS}, sizeof(tn_ops))}) {
    for (const uint64_t size : {uint64_t{0}, uint64_t{12}, uint64_t{40}, minimum - 1, minimum,
                                exact, exact + 64, uint64_t{UINT32_MAX}})
      rows.push_back({table, size, minimum});
  }
  return rows;
}
INSTANTIATE_TEST_SUITE_P(Sizes, TableReader, testing::ValuesIn(table_sizes()),
                         [](const auto& item) {
                           return std::string(item.param.table) + "_" + std::to_string(item.index);
                         });

}  // namespace
}  // namespace tenon
