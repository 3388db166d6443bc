#include "run.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

using namespace tenon;

namespace {

constexpr size_t kReadLosses = 16;  // steps between two waits for the device

}  // namespace

CLI::Range count_range() { return CLI::Range(int64_t{1}, int64_t{1} << 40); }

void add_common_options(CLI::App& app, CommonOptions& options, const std::string& unit) {
  app.add_option("--batch-size,--batch", options.batch_size, unit + " per step")
      ->check(count_range())
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Of the initial weights and the order of the data")
      ->capture_default_str();
  app.add_option("--lr", options.lr, "Greatest learning rate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--device", options.device, "In place of TENON_DEVICE");
  app.add_option("--losses", options.losses, "File for the loss of each step, one per line");
}

int run_program(CLI::App& app, int argc, char** argv, const CommonOptions& options,
                const std::function<void()>& body) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  try {
    if (!options.device.empty()) set_default_device(Device(options.device));
    manual_seed(options.seed);
    body();
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

void LossLog::add(const Tensor& loss) {
  pending_.push_back(loss.detach());
  if (pending_.size() == kReadLosses) read();
}

void LossLog::read() {
  if (pending_.empty()) return;
  for (const float loss : stack(pending_).to_vector<float>()) {
    check(std::isfinite(loss), ErrorCode::kInvalidArgument, "training", "the loss became ", loss,
          "; try a smaller --lr");
    values_.push_back(loss);
  }
  pending_.clear();
}

float LossLog::last() const { return values_.empty() ? NAN : values_.back(); }

double LossLog::mean_of_last(size_t count) const {
  const size_t used = std::min(count, values_.size());
  double sum = 0;
  for (size_t i = values_.size() - used; i < values_.size(); ++i)
    sum += static_cast<double>(values_[i]);
  return sum / static_cast<double>(used);
}

void LossLog::write(const std::string& path) const {
  if (path.empty()) return;
  std::string text;
  char line[32];
  for (const float loss : values_) {
    std::snprintf(line, sizeof line, "%.9g\n", static_cast<double>(loss));
    text += line;
  }
  write_file(path, text);
}

void write_file(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".tmp";
  std::ofstream stream(temporary, std::ios::binary);
  stream << text;
  stream.close();
  const bool written = stream.good() && std::rename(temporary.c_str(), path.c_str()) == 0;
  if (written) return;
  const std::string reason = std::strerror(errno);
  std::remove(temporary.c_str());
  check(false, ErrorCode::kIo, "write", path, ": ", reason,
        "; check the folder and the free space");
}
