// Tiers of compiled programs: when they are compiled, by whom, and how that ends.
#include "program_compiler.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "compiler_library.h"
#include "program_cases.h"

namespace tenon::cuda {
namespace {

using State = ProgramVariant::State;

bool has_nvrtc() {
  static const bool has = find_nvrtc(std::nullopt).table.has_value();
  return has;
}

ProgramCode code_of(uint32_t opcode) {
  tnr_program p{};
  p.input_count = p.output_count = p.instruction_count = 1;
  p.instructions[0][0] = opcode | uint32_t{TN_DTYPE_F32} << 16;
  p.dtypes[0] = p.dtypes[1] = TN_DTYPE_F32;
  p.outputs[0] = 1;
  return program_code(p);
}

ProgramLayout dense() {
  ProgramLayout layout;
  layout.flat = 1;
  layout.elements = 4;
  layout.dense = 3;
  return layout;
}

void quiet(std::string_view) {}

State wait_for(const ProgramVariant& variant) {
  for (int i = 0; i < 6000 && variant.state() == State::kQueued; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return variant.state();
}

TEST(ProgramCompiler, ThirdLaunchQueues) {
  ProgramCompiler compiler({}, quiet);
  const auto variant = compiler.variant(code_of(TN_PROGRAM_NEG), dense());
  EXPECT_EQ(compiler.variant(code_of(TN_PROGRAM_NEG), dense()), variant);
  EXPECT_NE(compiler.variant(code_of(TN_PROGRAM_ABS), dense()), variant);
  EXPECT_FALSE(compiler.ready(variant));
  EXPECT_FALSE(compiler.ready(variant));
  EXPECT_EQ(variant->state(), State::kNew);
  compiler.ready(variant);
  EXPECT_NE(variant->state(), State::kNew);
  EXPECT_EQ(wait_for(*variant), has_nvrtc() ? State::kReady : State::kFailed);
  EXPECT_EQ(compiler.ready(variant), has_nvrtc());
}

TEST(ProgramCompiler, FirstLaunchCompilesWhenAsked) {
  if (!has_nvrtc()) GTEST_SKIP() << "no NVRTC";
  ProgramCompiler::Settings settings;
  settings.mode = ProgramMode::kCompile;
  ProgramCompiler compiler(settings, quiet);
  const auto variant = compiler.variant(code_of(TN_PROGRAM_EXP), dense());
  std::vector<std::thread> threads;
  std::atomic<int> ready{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { ready += compiler.ready(variant) ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ready, 4);
  EXPECT_TRUE(variant->result().starts_with("\177ELF"));
}

TEST(ProgramCompiler, FailsForGoodWithAReason) {
  ProgramCompiler::Settings settings;
  settings.mode = ProgramMode::kCompile;
  settings.nvrtc = "/nowhere/libnvrtc.so";
  int lines = 0;
  ProgramCompiler compiler(settings, [&](std::string_view) { ++lines; });
  const auto variant = compiler.variant(code_of(TN_PROGRAM_EXP), dense());
  EXPECT_FALSE(compiler.ready(variant));
  EXPECT_EQ(variant->state(), State::kFailed);
  EXPECT_NE(variant->result().find("/nowhere"), std::string::npos) << variant->result();
  compiler.tell(variant->result());
  compiler.tell(variant->result());
  EXPECT_EQ(lines, 1);
}

TEST(ProgramCompiler, FindsOnDiskWhatItCompiled) {
  if (!has_nvrtc()) GTEST_SKIP() << "no NVRTC";
  std::string folder = (std::filesystem::temp_directory_path() / "tenon_programs_XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::string first;
  for (int i = 0; i < 2; ++i) {
    ProgramCompiler::Settings settings;
    settings.mode = ProgramMode::kCompile;
    settings.cache = folder;
    ProgramCompiler compiler(settings, quiet);
    const auto variant = compiler.variant(code_of(TN_PROGRAM_TANH), dense());
    ASSERT_TRUE(compiler.ready(variant));
    EXPECT_TRUE(i == 0 || variant->result() == first);
    first = variant->result();
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  }
  std::filesystem::remove_all(folder);
}

void queue_many(ProgramCompiler& compiler) {
  for (uint32_t opcode = TN_PROGRAM_NEG; opcode <= TN_PROGRAM_RELU; ++opcode) {
    const auto variant = compiler.variant(code_of(opcode), dense());
    for (int i = 0; i < 3; ++i) compiler.ready(variant);
  }
}

TEST(ProgramCompiler, EndsWithWorkWaiting) {
  for (const int wait : {0, 5, 50}) {
    ProgramCompiler compiler({}, quiet);
    queue_many(compiler);
    std::this_thread::sleep_for(std::chrono::milliseconds(wait));
  }
}

// A child that runs f and then exits by itself; its status.
template <class F>
int status_of_child(const F& f) {
  const pid_t child = fork();
  if (child == 0) {
    f();
    std::exit(0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

TEST(ProgramCompiler, ProcessMayExitWhileItCompiles) {
  for (int wait = 0; wait < 300; wait += 20) {
    EXPECT_EQ(status_of_child([&] {
                alarm(60);
                static ProgramCompiler* leaked = nullptr;  // as in a program that closes nothing
                leaked = new ProgramCompiler({}, quiet);
                queue_many(*leaked);
                std::this_thread::sleep_for(std::chrono::milliseconds(wait));
              }),
              0)
        << wait << " ms";
  }
}

TEST(ProgramCompiler, AForkedChildLeavesItAlone) {
  auto compiler = std::make_unique<ProgramCompiler>(ProgramCompiler::Settings{}, quiet);
  queue_many(*compiler);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_EQ(status_of_child([&] {
              alarm(60);
              compiler.reset();
            }),
            0);
}

}  // namespace
}  // namespace tenon::cuda
