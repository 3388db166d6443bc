// 02_train_images as a whole: the same training on every device, continued bit for bit, and bad
// files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <cmath>
#include <sstream>

#include "process.h"

namespace tenon::integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kImages = "/usr/share/datasets/fashion-mnist";
constexpr const char* kImageFiles[] = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
                                       "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"};

bool has_images() { return std::filesystem::exists(std::string(kImages) + "/" + kImageFiles[0]); }

// 02_train_images in `folder`, with the options in `line`.
Command training(const ScratchFolder& folder, const std::string& line,
                 const std::string& device = "cpu") {
  Command command{.arguments = {program("02_train_images")},
                  .environment = {{"TENON_DEVICE", device}},
                  .folder = folder.path()};
  std::istringstream words(line);
  for (std::string word; words >> word;) command.arguments.push_back(word);
  return command;
}

Outcome train(const ScratchFolder& folder, const std::string& line,
              const std::string& device = "cpu") {
  const Outcome outcome = run(training(folder, line, device));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
  return outcome;
}

std::vector<double> read_losses(const std::string& path) {
  std::istringstream text(read_text(path));
  std::vector<double> losses;
  for (double loss = 0; text >> loss;) losses.push_back(loss);
  return losses;
}

#ifdef TENON_SANITIZED
constexpr size_t kImageCount = 640;  // sanitizers are slow
#else
constexpr size_t kImageCount = 2000;
#endif

class TrainingOn : public ::testing::TestWithParam<const char*> {};

// The order of images and the initial weights come from the same bits, so the losses agree from the
// first step on; later ones drift by rounding only.
TEST_P(TrainingOn, FirstLossesAgreeWithCpu) {
  if (!has_images()) GTEST_SKIP() << "the dataset is not installed: run tools/setup";
  const std::string line =
      "--epochs 1 --test-limit 64 --train-limit " + std::to_string(kImageCount);
  const ScratchFolder folder;
  (void)train(folder, line + " --losses cpu --out cpu_out");
  Command command = training(folder, line + " --losses other --out other_out", GetParam());
  command.limit = std::chrono::seconds(500);
  const Outcome outcome = run(command);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.describe();
  const std::vector<double> cpu = read_losses(folder.path("cpu"));
  const std::vector<double> other = read_losses(folder.path("other"));
  ASSERT_EQ(cpu.size(), (kImageCount + 63) / 64);
  ASSERT_EQ(other.size(), cpu.size());
  for (size_t i = 0; i < std::min<size_t>(cpu.size(), 20); ++i) {
    EXPECT_NEAR(other[i], cpu[i], 1e-4 * std::abs(cpu[i])) << "step " << i;
  }
}
INSTANTIATE_TEST_SUITE_P(Devices, TrainingOn, ::testing::Values("reference", "opaque"),
                         [](const auto& row) { return std::string(row.param); });

TEST(Training, ThreadsDoNotChangeABit) {
  if (!has_images()) GTEST_SKIP() << "the dataset is not installed: run tools/setup";
  const ScratchFolder folder;
  for (const char* threads : {"1", "2", "5"}) {
    Command command = training(folder, std::string("--train-limit 640 --test-limit 64 --epochs 1 "
                                                   "--losses losses") +
                                           threads);
    command.environment["TENON_NUM_THREADS"] = threads;
    const Outcome outcome = run(command);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.describe();
  }
  EXPECT_EQ(read_text(folder.path("losses1")), read_text(folder.path("losses2")));
  EXPECT_EQ(read_text(folder.path("losses1")), read_text(folder.path("losses5")));
}

// ---- resuming ----

constexpr const char* kShort = "--train-limit 1280 --test-limit 200 ";

TEST(Resume, ContinuesBitForBit) {
  if (!has_images()) GTEST_SKIP() << "the dataset is not installed: run tools/setup";
  const ScratchFolder folder;
  const std::string line = kShort;
  (void)train(folder, line + "--epochs 2 --out whole --losses whole_losses");
  (void)train(folder, line + "--epochs 1 --out first --losses first_losses");
  (void)train(folder, line +
                          "--epochs 2 --out second --losses second_losses "
                          "--resume first/checkpoint.safetensors");
  EXPECT_EQ(read_text(folder.path("first_losses")) + read_text(folder.path("second_losses")),
            read_text(folder.path("whole_losses")));
  EXPECT_TRUE(read_text(folder.path("second/checkpoint.safetensors")) ==
              read_text(folder.path("whole/checkpoint.safetensors")))
      << "weights, optimizer state and curves";
}

TEST(Resume, OnAnotherDeviceContinuesWithTheSameOrder) {
  if (!has_images()) GTEST_SKIP() << "the dataset is not installed: run tools/setup";
  const ScratchFolder folder;
  const std::string line = "--train-limit 256 --test-limit 64 ";
  (void)train(folder, line + "--epochs 1 --out first");
  const std::string resume = line + "--epochs 2 --resume first/checkpoint.safetensors ";
  (void)train(folder, resume + "--out a --losses a_losses");
  (void)train(folder, resume + "--out b --losses b_losses", "opaque");
  const auto a = read_losses(folder.path("a_losses")), b = read_losses(folder.path("b_losses"));
  ASSERT_EQ(a.size(), 4u);
  ASSERT_EQ(b.size(), 4u);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-4 * a[i]);
}

TEST(Resume, AKillLeavesTheLastWholeCheckpoint) {
  if (!has_images()) GTEST_SKIP() << "the dataset is not installed: run tools/setup";
  const ScratchFolder folder;
  Command command = training(folder, std::string(kShort) + "--epochs 1000 --out run");
  // Two epochs, then the end comes in the middle of something.
  command.watch = [](pid_t process, std::string_view out) {
    if (count(out, "test accuracy") < 2) return false;
    ::kill(process, SIGKILL);
    return true;
  };
  const Outcome killed = run(command);
  EXPECT_EQ(killed.signal, SIGKILL) << killed.describe();
  const Outcome resumed = train(folder, std::string(kShort) +
                                            "--epochs 4 --out again "
                                            "--resume run/checkpoint.safetensors");
  EXPECT_THAT(resumed.out, HasSubstr("epoch 4/4"));
}

TEST(Resume, OtherOptionsAreRefused) {
  if (!has_images()) GTEST_SKIP() << "the dataset is not installed: run tools/setup";
  const ScratchFolder folder;
  (void)train(folder, "--train-limit 128 --test-limit 64 --epochs 1 --out first");
  const Outcome outcome = run(training(folder,
                                       "--train-limit 256 --test-limit 64 --epochs 2 --out second "
                                       "--resume first/checkpoint.safetensors"));
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("train_limit"));
}

TEST(Resume, DamagedCheckpointsAreErrors) {
  if (!has_images()) GTEST_SKIP() << "the dataset is not installed: run tools/setup";
  const ScratchFolder folder;
  const std::string line = "--train-limit 128 --test-limit 64 ";
  (void)train(folder, line + "--epochs 1 --out first");
  const std::string whole = read_text(folder.path("first/checkpoint.safetensors"));
  std::vector<std::pair<std::string, std::string>> damaged = {
      {"empty", ""},
      {"seven_bytes", whole.substr(0, 7)},
      {"header_only", whole.substr(0, 8)},
      {"half_header", whole.substr(0, 100)},
      {"half", whole.substr(0, whole.size() / 2)},
      {"one_byte_less", whole.substr(0, whole.size() - 1)},
      {"one_byte_more", whole + 'x'},
      {"huge_header", std::string("\xff\xff\xff\xff\xff\xff\xff\x7f") + whole.substr(8)},
      {"text", "a checkpoint? no.\n"}};
  for (const auto& [name, bytes] : damaged) {
    write_text(folder.path(name), bytes);
    const Outcome outcome =
        run(training(folder, line + "--epochs 2 --out out_" + name + " --resume " + name));
    EXPECT_EQ(outcome.exit_code, 1) << name << ": " << outcome.describe();
    EXPECT_THAT(outcome.err, HasSubstr(name));
    EXPECT_FALSE(std::filesystem::exists(folder.path("out_" + name + "/checkpoint.safetensors")));
  }
  const Outcome missing = run(training(folder, line + "--epochs 2 --resume nothing_here"));
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("nothing_here"));
}

// ---- the dataset ----

// Links to the real files, of which one is replaced.
void make_dataset(const ScratchFolder& folder, const std::string& replaced,
                  std::string_view bytes) {
  const std::string data = folder.path("data");
  std::filesystem::remove_all(data);
  std::filesystem::create_directory(data);
  for (const char* name : kImageFiles) {
    if (name != replaced) {
      std::filesystem::create_symlink(std::string(kImages) + "/" + name, data + "/" + name);
    }
  }
  write_text(data + "/" + replaced, bytes);
}

TEST(Dataset, TruncatedOrForeignFilesAreErrorsAndWriteNothing) {
  if (!has_images()) GTEST_SKIP() << "the dataset is not installed: run tools/setup";
  const ScratchFolder folder;
  for (const char* name : kImageFiles) {
    const std::string whole = read_text(std::string(kImages) + "/" + name);
    const std::string label_file = read_text(std::string(kImages) + "/" + kImageFiles[3]);
    for (const std::string& bytes :
         {std::string(), whole.substr(0, 10), whole.substr(0, whole.size() / 2),
          whole.substr(0, whole.size() - 4), std::string("no gzip at all"),
          whole.size() == label_file.size() ? std::string("\x1f\x8b") : label_file}) {
      make_dataset(folder, name, bytes);
      const Outcome outcome =
          run(training(folder,
                       "--train-limit 128 --test-limit 64 --epochs 1 --data data "
                       "--out out --losses losses"));
      EXPECT_EQ(outcome.exit_code, 1)
          << name << ", " << bytes.size() << " bytes: " << outcome.describe();
      EXPECT_THAT(outcome.err, HasSubstr("data")) << "names the file or its folder";
      EXPECT_FALSE(std::filesystem::exists(folder.path("losses")));
      EXPECT_TRUE(!std::filesystem::exists(folder.path("out")) ||
                  std::filesystem::is_empty(folder.path("out")))
          << "nothing half-written";
    }
  }
}

TEST(Dataset, AMissingFolderSaysHowToGetIt) {
  const ScratchFolder folder;
  const Outcome outcome = run(training(folder, "--epochs 1 --data nowhere"));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("nowhere"), HasSubstr("dataset-fashion-mnist")));
}

}  // namespace
}  // namespace tenon::integration
