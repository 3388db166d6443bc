// What the training programs share: common options, losses, files.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

#include <tenon/tenon.h>

struct CommonOptions {
  uint64_t seed = 0;
  int64_t batch_size = 64;
  double lr = 1e-3;
  std::string device;  // empty: TENON_DEVICE, else cpu
  std::string losses;  // file for the loss of each step; empty: none
};

// A whole number from 1 on.
[[nodiscard]] CLI::Range count_range();
// --seed, --batch-size, --lr, --device and --losses; `unit` is what a batch consists of: "Images".
void add_common_options(CLI::App& app, CommonOptions& options, const std::string& unit);
// Parses, chooses the device, seeds, calls `body`. Errors are printed; returns the exit code.
[[nodiscard]] int run_program(CLI::App& app, int argc, char** argv, const CommonOptions& options,
                              const std::function<void()>& body);

// Losses of a run, read from the device some at a time, so that no step waits for it.
class LossLog {
 public:
  void add(const tenon::Tensor& loss);
  // Reads what is left. Errors: InvalidArgument when a loss is not finite.
  void read();
  // NaN before the first.
  [[nodiscard]] float last() const;
  // Mean of the last `count` ones that were read.
  [[nodiscard]] double mean_of_last(size_t count) const;
  [[nodiscard]] const std::vector<float>& values() const noexcept { return values_; }
  // One per line, if there is a path. Errors: Io.
  void write(const std::string& path) const;

 private:
  std::vector<tenon::Tensor> pending_;
  std::vector<float> values_;
};

// Replaces the file in one step. Errors: Io.
void write_file(const std::string& path, const std::string& text);
