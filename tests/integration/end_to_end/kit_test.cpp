// The plugin kit from outside: two plugins built from an installed prefix alone conform and train
// as the host's own device does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include <nlohmann/json.hpp>

#include "process.h"

namespace tenon::integration {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr const char* kExample = TENON_SOURCE_FOLDER "/tools/examples/04_third_party_plugin";
constexpr const char* kImages = "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz";

std::string extra_flags() {
#ifdef TENON_SANITIZED
  return "-fsanitize=address,undefined";
#else
  return "";
#endif
}

// The prefix and what was built from it; made once, since both take their time.
class Kit {
 public:
  Kit() {
    expect_ok({.arguments = {TENON_CMAKE, "--install", TENON_BUILD_FOLDER, "--prefix", prefix()}});
    // A copy: nothing of the source tree is near.
    std::filesystem::copy(kExample, folder_.path("source"),
                          std::filesystem::copy_options::recursive);
    expect_ok({.arguments = {
                   TENON_CMAKE, "-G", "Ninja", "-S", folder_.path("source"), "-B", build(),
                   "-DCMAKE_PREFIX_PATH=" + prefix(), "-DCMAKE_C_COMPILER=" TENON_C_COMPILER,
                   "-DCMAKE_CXX_COMPILER=" TENON_CXX_COMPILER, "-DCMAKE_C_FLAGS=" + extra_flags(),
                   "-DCMAKE_CXX_FLAGS=" + extra_flags(), "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"}});
    expect_ok({.arguments = {TENON_CMAKE, "--build", build()}});
  }

  static Kit& get() {
    static auto& kit = *new Kit;
    return kit;
  }

  [[nodiscard]] std::string prefix() const { return folder_.path("prefix"); }
  [[nodiscard]] std::string build() const { return folder_.path("build"); }
  [[nodiscard]] std::string plugin(const std::string& name) const {
    return build() + "/tenon_" + name + ".so";
  }

  static Outcome expect_ok(Command command) {
    command.limit = std::chrono::seconds(500);
    Outcome outcome = run(command);
    EXPECT_EQ(outcome.exit_code, 0) << command.arguments[0] << ": " << outcome.describe();
    return outcome;
  }

 private:
  ScratchFolder folder_;
};

class PluginOfTheKit : public ::testing::TestWithParam<const char*> {};

TEST_P(PluginOfTheKit, IsBuiltOfThePrefixAlone) {
  const std::string commands = read_text(Kit::get().build() + "/compile_commands.json");
  EXPECT_THAT(commands, HasSubstr(Kit::get().prefix() + "/include"));
  EXPECT_THAT(commands, Not(HasSubstr(TENON_SOURCE_FOLDER "/")));
  EXPECT_TRUE(std::filesystem::exists(Kit::get().plugin(GetParam())));
}

TEST_P(PluginOfTheKit, ConformsUpToTraining) {
  const Outcome outcome =
      run({.arguments = {Kit::get().prefix() + "/bin/tenon", "conform",
                         Kit::get().plugin(GetParam()), "--level", "load", "--level", "core",
                         "--level", "train", "--timeout", "60", "--json", "-"},
           .bare_environment = true,
           .limit = std::chrono::seconds(500)});
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.describe();
  EXPECT_EQ(json.at("failures"), Json::array());
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(json.at("levels").size(), 3u);
  EXPECT_EQ(json.at("oracle").get<std::string>(),
            std::filesystem::canonical(Kit::get().prefix() + "/" TENON_LIBRARY_FOLDER
                                                             "/tenon/tenon_reference.so")
                .string());
}

struct Training {
  std::vector<double> losses;
  double accuracy = 0;
};

Training train(const std::string& device, const std::string& options) {
  const ScratchFolder folder;
  Command command{
      .arguments = {program("02_train_images"), "--losses", "losses"},
      .environment = {{"TENON_DEVICE", device}, {"TENON_PLUGIN_PATH", Kit::get().build()}},
      .folder = folder.path()};
  std::istringstream words(options);
  for (std::string word; words >> word;) command.arguments.push_back(word);
  const Outcome outcome = Kit::expect_ok(command);
  Training result;
  std::istringstream text(read_text(folder.path("losses")));
  for (double loss = 0; text >> loss;) result.losses.push_back(loss);
  const std::string mark = "test accuracy: ";
  const size_t at = outcome.out.rfind(mark);
  if (at != std::string::npos) result.accuracy = std::stod(outcome.out.substr(at + mark.size()));
  return result;
}

// The whole comparison, of 6,000 images twice, is a long one: without TENON_FULL the first steps.
TEST_P(PluginOfTheKit, TrainsAsTheHostDoes) {
  if (!std::filesystem::exists(kImages)) GTEST_SKIP() << kImages << " is not installed";
  const bool full = std::getenv("TENON_FULL") != nullptr;
  const std::string options =
      full ? "--train-limit 6000 --epochs 2" : "--train-limit 1280 --epochs 1 --test-limit 1000";
  const Training cpu = train("cpu", options), theirs = train(GetParam(), options);
  ASSERT_GE(cpu.losses.size(), 20u);
  ASSERT_EQ(theirs.losses.size(), cpu.losses.size());
  for (size_t i = 0; i < 20; ++i)
    EXPECT_NEAR(theirs.losses[i], cpu.losses[i], 1e-4) << "step " << i;
  EXPECT_GT(cpu.accuracy, 0.1);
  EXPECT_NEAR(theirs.accuracy, cpu.accuracy, 0.01);
}

INSTANTIATE_TEST_SUITE_P(All, PluginOfTheKit, ::testing::Values("plain", "queued"),
                         [](const auto& row) { return std::string(row.param); });

// Headers and package files, no library: enough to build a plugin.
TEST(PluginKit, IsAPartOfItsOwn) {
  const ScratchFolder folder;
  Kit::expect_ok({.arguments = {TENON_CMAKE, "--install", TENON_BUILD_FOLDER, "--component",
                                "plugin_kit", "--prefix", folder.path("kit")}});
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path("kit"))) {
    EXPECT_NE(entry.path().extension(), ".so") << entry.path();
  }
  const std::string header = folder.path("kit/include/tenon/api/device_plugin.h");
  ASSERT_TRUE(std::filesystem::exists(header));
  EXPECT_FALSE(std::filesystem::exists(folder.path("kit/include/tenon/runtime")));
  Kit::expect_ok({.arguments = {TENON_CMAKE, "-G", "Ninja", "-S", kExample, "-B",
                                folder.path("build"), "-DCMAKE_BUILD_TYPE=Debug",
                                "-DCMAKE_PREFIX_PATH=" + folder.path("kit"),
                                "-DCMAKE_C_COMPILER=" TENON_C_COMPILER,
                                "-DCMAKE_CXX_COMPILER=" TENON_CXX_COMPILER}});
  Kit::expect_ok({.arguments = {TENON_CMAKE, "--build", folder.path("build")}});
}

TEST(PluginKit, PkgConfigIsEnough) {
  if (run({{"pkg-config", "--version"}}).exit_code != 0) GTEST_SKIP() << "there is no pkg-config";
  const ScratchFolder folder;
  Kit::expect_ok({.arguments = {TENON_CMAKE, "--install", TENON_BUILD_FOLDER, "--component",
                                "plugin_kit", "--prefix", folder.path("kit")}});
  const std::string line = std::string(TENON_C_COMPILER) + " -std=c11 -O1 -o " +
                           folder.path("tenon_plain.so") + " " + kExample +
                           "/c/plain.c $(pkg-config --cflags --libs tenon-plugin)";
  Command command{.arguments = {"sh", "-c", line}};
  command.environment["PKG_CONFIG_PATH"] = folder.path("kit/" TENON_LIBRARY_FOLDER "/pkgconfig");
  Kit::expect_ok(command);
  const Outcome outcome = run({.arguments = {program("tenon"), "conform",
                                             folder.path("tenon_plain.so"), "--level", "load"}});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
  EXPECT_THAT(outcome.out, HasSubstr("a minimal plugin supplies 23"));
}

TEST(PluginKit, TheExampleInCIsShort) {
  EXPECT_LE(count(read_text(std::string(kExample) + "/c/plain.c"), "\n"), 600u);
}

}  // namespace
}  // namespace tenon::integration
