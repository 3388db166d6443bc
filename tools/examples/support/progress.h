// A progress line on stderr: a moving bar on a terminal, a few lines otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

class Progress {
 public:
  // `unit` is what is counted: "images".
  Progress(std::string title, int64_t total, std::string unit);
  void add(int64_t count, float loss);
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void print(float loss);

  std::string title_, unit_;
  int64_t total_;
  int64_t done_ = 0;
  bool terminal_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
};
