#include "progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace {

constexpr int kWidth = 30;
constexpr double kTerminalSeconds = 0.1, kLogSeconds = 15;

}  // namespace

Progress::Progress(std::string title, int64_t total, std::string unit)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(std::max<int64_t>(total, 1)),
      terminal_(isatty(2) == 1) {}

void Progress::add(int64_t count, float loss) {
  done_ += count;
  const Clock::time_point now = Clock::now();
  const double since = std::chrono::duration<double>(now - last_).count();
  if (since < (terminal_ ? kTerminalSeconds : kLogSeconds)) return;
  last_ = now;
  print(loss);
}

void Progress::print(float loss) {
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = static_cast<double>(done_) / std::max(elapsed, 1e-9);
  const auto left = static_cast<long>(static_cast<double>(total_ - done_) / std::max(rate, 1e-9));
  const auto full = static_cast<int>(kWidth * std::min(done_, total_) / total_);
  std::string bar(static_cast<size_t>(full), '=');
  bar.resize(kWidth, ' ');
  std::fprintf(stderr, "%s%s [%s] %3d%%  loss %.4f  %.0f %s/s  ETA %ld:%02ld%s",
               terminal_ ? "\r" : "", title_.c_str(), bar.c_str(),
               static_cast<int>(100 * done_ / total_), static_cast<double>(loss), rate,
               unit_.c_str(), left / 60, left % 60, terminal_ ? "\033[K" : "\n");
  std::fflush(stderr);
}

void Progress::finish() {
  if (terminal_) std::fprintf(stderr, "\r\033[K");
}
