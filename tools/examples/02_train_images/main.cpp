// Trains LeNet-5 on Fashion-MNIST, on the device in TENON_DEVICE or --device.
#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "charts.h"
#include "options.h"
#include "training.h"

namespace {

constexpr int64_t kQuickImages = 6000;

// Exit code when the program must end here.
std::optional<int> parse(int argc, char** argv, Options& options) {
  CLI::App app{"Trains LeNet-5 to read images of clothes; TENON_DEVICE chooses the device."};
  bool quick = false;
  const auto count = CLI::Range(int64_t{1}, int64_t{1} << 40);
  app.add_option("--epochs", options.epochs, "Passes over the images")
      ->check(count)
      ->capture_default_str();
  app.add_option("--train-limit", options.train_limit, "Train on the first N images")->check(count);
  app.add_option("--test-limit", options.test_limit, "Test on the first N images")->check(count);
  app.add_option("--batch-size", options.batch_size, "Images per step")
      ->check(count)
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Of the initial weights and the order of images")
      ->capture_default_str();
  app.add_option("--lr", options.lr, "Learning rate of the first epoch")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--lr-decay", options.lr_decay, "Its factor from epoch to epoch")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--device", options.device, "In place of TENON_DEVICE");
  app.add_option("--data", options.data, "Folder with the four files of the dataset");
  app.add_option("--out", options.out, "Folder for curves and checkpoint")
      ->default_str("build/train, without a folder build: tenon-run");
  app.add_option("--resume", options.resume, "Checkpoint to continue, bit for bit");
  app.add_option("--losses", options.losses, "File for the loss of each step, one per line");
  app.add_flag("--quick", quick, "One short epoch");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  if (options.out.empty())
    options.out = std::filesystem::exists("build/CMakeCache.txt") ? "build/train" : "tenon-run";
  if (quick) {
    options.epochs = 1;
    options.train_limit = kQuickImages;
  }
  return std::nullopt;
}

void write_losses(const std::string& path, const std::vector<float>& losses) {
  std::string text;
  char line[32];
  for (const float loss : losses) {
    std::snprintf(line, sizeof line, "%.9g\n", static_cast<double>(loss));
    text += line;
  }
  write_file(path, text);
}

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  tenon::check(!error, tenon::ErrorCode::kIo, "--out", path, ": ", error.message(),
               "; name another folder");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (const auto code = parse(argc, argv, options)) return *code;
  try {
    if (!options.device.empty()) tenon::set_default_device(tenon::Device(options.device));
    tenon::manual_seed(options.seed);
    Training training(options);
    make_folder(options.out);
    if (!options.resume.empty()) training.resume(options.resume);
    training.run();
    if (!options.losses.empty()) write_losses(options.losses, training.losses());
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
