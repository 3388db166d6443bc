// What all sides of a comparison share: rows by name, timed in blocks that the script `run` asks
// for one at a time over stdin, so that blocks of ours and of the peers alternate.
//   asked:     <row> <seconds>
//   answered:  <nanoseconds per iteration> <check>…    or    absent    or    error <text>
// A block's figure is the median of slices of 2 ms: short enough to fit between two interruptions
// on a busy machine. The checks are numbers that all sides must agree on (losses, means): equal
// work.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peers {

using Clock = std::chrono::steady_clock;
using Checks = std::vector<double>;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Runs `n` iterations, answers the seconds they took.
using Block = std::function<double(int64_t n)>;

struct Row {
  Block block;
  Checks checks;
};

using Rows = std::map<std::string, std::function<Row()>>;

// `body` is inlined into the loop: no call by pointer per iteration.
template <class F>
Row make_row(F body, Checks checks = {}) {
  return {[body](int64_t n) mutable {
            const auto begin = Clock::now();
            for (int64_t i = 0; i < n; ++i) body();
            return seconds_since(begin);
          },
          std::move(checks)};
}

// Keeps what is only computed to be timed.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

// The same numbers on all sides, spread like noise; they repeat after kPeriod.
inline std::vector<float> wave(int64_t count, double scale, double step) {
  constexpr size_t kPeriod = 10'007;
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = i < kPeriod
                    ? static_cast<float>(scale * std::sin(step * static_cast<double>(i + 1)))
                    : values[i - kPeriod];
  }
  return values;
}

// How many threads this side was given.
inline int thread_share() {
  const char* text = std::getenv("OMP_NUM_THREADS");
  return text == nullptr ? 1 : std::max(1, std::atoi(text));
}

// Mean and mean square.
inline Checks checks_of(const std::vector<float>& values) {
  double sum = 0, squares = 0;
  for (const float v : values) sum += v, squares += static_cast<double>(v) * v;
  const auto count = static_cast<double>(values.size());
  return {sum / count, squares / count};
}

// "VmHWM" (greatest so far) or "VmRSS" of this process, in MB.
inline double memory_mb(const std::string& key) {
  std::ifstream status("/proc/self/status");
  std::string word;
  double kilobytes = 0;
  while (status >> word) {
    if (word == key + ":" && status >> kilobytes) break;
  }
  return kilobytes / 1e3;
}

class Server {
 public:
  explicit Server(const Rows& rows) : rows_(rows) {}

  void answer(const std::string& name, double seconds) {
    const auto at = rows_.find(name);
    if (at == rows_.end()) {
      std::cout << "absent" << std::endl;
      return;
    }
    if (name != name_) {  // one row's tensors at a time
      row_ = {};
      row_ = at->second();
      name_ = name;
      iterations_ = calibrated(seconds);
    }
    std::cout << block(seconds);
    for (const double check : row_.checks) std::cout << ' ' << check;
    std::cout << std::endl;
  }

 private:
  // Iterations that take `seconds`, at least one; warms up on the way.
  int64_t calibrated(double seconds) {
    int64_t n = 1;
    double taken = row_.block(n);
    if (taken < seconds) taken = row_.block(n);  // the first one was cold
    while (taken < seconds / 4 && n < (int64_t{1} << 40)) {
      n *= taken <= 0 ? 16 : std::clamp<int64_t>(static_cast<int64_t>(seconds / 2 / taken), 2, 16);
      taken = row_.block(n);
    }
    return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(n) * seconds / taken));
  }

  // Nanoseconds per iteration: the median of slices.
  double block(double seconds) {
    constexpr double kSliceSeconds = 2e-3;
    const auto n = static_cast<double>(iterations_);
    const auto slices = static_cast<int64_t>(std::clamp(seconds / kSliceSeconds, 1.0, n));
    const int64_t share = iterations_ / slices;
    std::vector<double> taken;
    for (int64_t i = 0; i < slices; ++i) {
      taken.push_back(row_.block(share) / static_cast<double>(share) * 1e9);
    }
    std::sort(taken.begin(), taken.end());
    return taken[taken.size() / 2];
  }

  const Rows& rows_;
  std::string name_;
  Row row_;
  int64_t iterations_ = 1;
};

// The main function of a side. `side <row> <n>` runs n iterations and prints the greatest memory
// use in MB; `side` alone answers blocks until stdin ends.
inline int serve(int argc, char** argv, const Rows& rows) {
  std::cout.precision(9);
  if (argc == 3) {
    const auto at = rows.find(argv[1]);
    if (at == rows.end()) return 1;
    at->second().block(std::atoll(argv[2]));
    std::cout << memory_mb("VmHWM") << '\n';
    return 0;
  }
  Server server(rows);
  std::string name;
  double seconds = 0;
  while (std::cin >> name >> seconds) {
    try {
      server.answer(name, seconds);
    } catch (const std::exception& e) {
      std::string text = e.what();
      std::replace(text.begin(), text.end(), '\n', ' ');
      std::cout << "error " << text.substr(0, 300) << std::endl;
    }
  }
  return 0;
}

}  // namespace peers
