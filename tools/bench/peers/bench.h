// What both sides of a comparison share: rows by name, timed in blocks that the script `run` asks
// for one at a time over stdin, so that ours and the peer's alternate.
//   asked:     <row> <seconds>
//   answered:  <nanoseconds per iteration> <the same at best> <check>
// A block's figure is the median of slices of 2 ms: short enough to fit between two interruptions
// on a busy machine.
// `check` is a number that both sides must agree on (a loss, a sum): equal work.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace peers {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Runs `n` iterations, answers the seconds they took.
using Block = std::function<double(int64_t n)>;

struct Row {
  Block block;
  double check = 0;
  int64_t iterations = 0;  // of a block, once calibrated
};

// `body` is inlined into the loop: no call by pointer per iteration.
template <class F>
Row make_row(F body, double check) {
  return {[body](int64_t n) mutable {
            const auto begin = Clock::now();
            for (int64_t i = 0; i < n; ++i) body();
            return seconds_since(begin);
          },
          check};
}

// Keeps what is only computed to be timed.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

using Rows = std::map<std::string, std::function<Row()>>;

// The same numbers on both sides.
inline std::vector<float> wave(int64_t count, double scale, double step) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(scale * std::sin(step * static_cast<double>(i + 1)));
  }
  return values;
}

inline void calibrate(Row& row, double seconds) {
  int64_t n = 1;
  double taken = row.block(n);
  while (taken < seconds / 4 && n < (int64_t{1} << 40)) {
    n = taken <= 0 ? n * 16
                   : n * std::min<int64_t>(16, 1 + static_cast<int64_t>(seconds / 2 / taken));
    taken = row.block(n);
  }
  row.iterations =
      std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(n) * seconds / taken));
}

inline int serve(const Rows& rows) {
  constexpr double kSliceSeconds = 2e-3;
  std::map<std::string, Row> ready;
  std::string name;
  double seconds = 0;
  std::cout.precision(9);
  while (std::cin >> name >> seconds) {
    const auto at = rows.find(name);
    if (at == rows.end()) {
      std::cout << "unknown" << std::endl;
      continue;
    }
    auto [row, is_new] = ready.try_emplace(name);
    if (is_new) {
      row->second = at->second();
      calibrate(row->second, seconds);
    }
    const auto n = static_cast<double>(row->second.iterations);
    const auto slices = static_cast<int64_t>(std::clamp(seconds / kSliceSeconds, 1.0, n));
    const int64_t iterations = row->second.iterations / slices;
    std::vector<double> taken;
    for (int64_t i = 0; i < slices; ++i) {
      taken.push_back(row->second.block(iterations) / static_cast<double>(iterations) * 1e9);
    }
    std::sort(taken.begin(), taken.end());
    std::cout << taken[taken.size() / 2] << ' ' << taken[0] << ' ' << row->second.check
              << std::endl;
  }
  return 0;
}

}  // namespace peers
