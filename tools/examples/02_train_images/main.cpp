// Trains LeNet-5 on Fashion-MNIST, on the device in TENON_DEVICE or --device.
#include <filesystem>

#include "options.h"
#include "support/run.h"
#include "training.h"

namespace {

constexpr int64_t kQuickImages = 6000;

void add_options(CLI::App& app, Options& options) {
  app.add_option("--epochs", options.epochs, "Passes over the images")
      ->check(count_range())
      ->capture_default_str();
  app.add_option("--train-limit", options.train_limit, "Train on the first N images")
      ->check(count_range());
  app.add_option("--test-limit", options.test_limit, "Test on the first N images")
      ->check(count_range());
  app.add_option("--lr-decay", options.lr_decay, "The learning rate's factor from epoch to epoch")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--data", options.data, "Folder with the four files of the dataset");
  app.add_option("--out", options.out, "Folder for curves and checkpoint")
      ->default_str("build/train, without a folder build: tenon-run");
  app.add_option("--resume", options.resume, "Checkpoint to continue, bit for bit");
}

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  tenon::check(!error, tenon::ErrorCode::kIo, "--out", path, ": ", error.message(),
               "; name another folder");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Trains LeNet-5 to read images of clothes; TENON_DEVICE chooses the device."};
  Options options;
  options.lr = 2e-3;
  bool quick = false;
  add_common_options(app, options, "Images");
  add_options(app, options);
  app.add_flag("--quick", quick, "One short epoch");
  return run_program(app, argc, argv, options, [&] {
    if (options.out.empty())
      options.out = std::filesystem::exists("build/CMakeCache.txt") ? "build/train" : "tenon-run";
    if (quick) {
      options.epochs = 1;
      options.train_limit = kQuickImages;
    }
    Training training(options);
    make_folder(options.out);
    if (!options.resume.empty()) training.resume(options.resume);
    training.run();
    training.losses().write(options.losses);
  });
}
