// An installed Tenon, used by a project outside the tree with no variable set.
#include <gmock/gmock.h>
#include <gtest/gtest.h>


#include "process.h"

namespace tenon::integration {
namespace {

using ::testing::HasSubstr;

Outcome run_ok(Command command) {
  Outcome outcome = run(command);
  EXPECT_EQ(outcome.exit_code, 0) << command.arguments[0] << ": " << outcome.describe();
  return outcome;
}

// The losses that the README's program prints must fall to a tenth.
void expect_learning(const Outcome& outcome) {
  std::vector<double> losses;
  const std::string word = "loss ";
  for (size_t at = outcome.out.find(word); at != std::string::npos;
       at = outcome.out.find(word, at + 1))
    losses.push_back(std::stod(outcome.out.substr(at + word.size())));
  ASSERT_EQ(losses.size(), 5u) << outcome.describe();
  EXPECT_LT(losses.back(), losses.front() / 10) << outcome.describe();
}

void install_into(const std::string& prefix) {
  run_ok({{TENON_CMAKE, "--install", TENON_BUILD_FOLDER, "--prefix", prefix}});
}

// What a sanitized Tenon needs of the programs around it.
std::string extra_flags() {
#ifdef TENON_SANITIZED
  return "-fsanitize=address,undefined";
#else
  return "-O1";
#endif
}

TEST(Install, AnOutsideProjectBuildsTrainsAndSurvivesAMove) {
  const ScratchFolder scratch;
  install_into(scratch.path("prefix"));
  const std::string sources = TENON_SOURCE_FOLDER "/tests/integration/installed";
  const std::string build = scratch.path("build");
  run_ok({{TENON_CMAKE, "-G", "Ninja", "-S", sources, "-B", build,
           "-DCMAKE_PREFIX_PATH=" + scratch.path("prefix"), "-DCMAKE_CXX_FLAGS=" + extra_flags(),
           "-DCMAKE_C_FLAGS=" + extra_flags(), "-DCMAKE_C_COMPILER=" TENON_C_COMPILER,
           "-DCMAKE_CXX_COMPILER=" TENON_CXX_COMPILER}});
  run_ok({{TENON_CMAKE, "--build", build}});

  const Outcome trained =
      run_ok({.arguments = {build + "/readme_program"}, .bare_environment = true});
  expect_learning(trained);
  EXPECT_THAT(trained.out, HasSubstr("on cpu"));

  // The plugin from the one header is found by its folder and says what it has.
  const Outcome refused = run({.arguments = {build + "/readme_program"},
                               .environment = {{"TENON_DEVICE", "minimal"},
                                               {"TENON_PLUGIN_FILES", build + "/tenon_minimal.so"}},
                               .bare_environment = true});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("it is only an example"));

  // The prefix holds no absolute path: moved elsewhere it still works.
  std::filesystem::rename(scratch.path("prefix"), scratch.path("moved"));
  Command moved{.arguments = {build + "/readme_program"}, .bare_environment = true};
  moved.environment["LD_LIBRARY_PATH"] = scratch.path("moved/" TENON_LIBRARY_FOLDER);
  expect_learning(run_ok(moved));
  const Outcome devices =
      run_ok({.arguments = {scratch.path("moved/bin/tenon"), "devices"}, .bare_environment = true});
  EXPECT_THAT(devices.out, HasSubstr("cpu"));
}

TEST(Install, PkgConfigNamesFlagsThatWork) {
  if (run({{"pkg-config", "--version"}}).exit_code != 0) GTEST_SKIP() << "there is no pkg-config";
  const ScratchFolder scratch;
  install_into(scratch.path("prefix"));
  std::filesystem::rename(scratch.path("prefix"), scratch.path("moved"));
  const std::string library_folder = scratch.path("moved/" TENON_LIBRARY_FOLDER);
  Command flags{.arguments = {"pkg-config", "--cflags", "--libs", "tenon"}};
  flags.environment["PKG_CONFIG_PATH"] = library_folder + "/pkgconfig";
  const std::string printed = run_ok(flags).out;
  const std::string line =
      std::string(TENON_CXX_COMPILER) + " " + extra_flags() + " -o " + scratch.path("program") +
      " " TENON_SOURCE_FOLDER "/tests/integration/installed/readme_program.cpp " +
      printed.substr(0, printed.find('\n')) + " -Wl,-rpath," + library_folder;
  run_ok({{"sh", "-c", line}});
  expect_learning(run_ok({.arguments = {scratch.path("program")}, .bare_environment = true}));
}

TEST(Readme, QuotesTheProgramThatIsTested) {
  const std::string readme_path = TENON_SOURCE_FOLDER "/README.md";
  if (!std::filesystem::exists(readme_path)) GTEST_SKIP() << "there is no README.md";
  const std::string program_text =
      read_text(TENON_SOURCE_FOLDER "/tests/integration/installed/readme_program.cpp");
  EXPECT_THAT(read_text(readme_path), HasSubstr("```cpp\n" + program_text + "```"))
      << "README.md must quote tests/integration/installed/readme_program.cpp as it is";
  const size_t body = program_text.find("int main() {\n");
  ASSERT_NE(body, std::string::npos);
  EXPECT_LE(count(program_text.substr(body), "\n") - 2, 12u) << "lines inside main";
}

}  // namespace
}  // namespace tenon::integration
