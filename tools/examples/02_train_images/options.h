// What the command line says.
#pragma once

#include <cstdint>
#include <string>

struct Options {
  int64_t epochs = 10;
  int64_t train_limit = -1;  // images; -1: all
  int64_t test_limit = -1;
  int64_t batch_size = 64;
  uint64_t seed = 0;
  double lr = 2e-3;
  double lr_decay = 0.8;  // factor per epoch
  std::string device;     // empty: TENON_DEVICE, else cpu
  std::string data;
  std::string out;  // empty: build/train where there is a CMake build folder, else tenon-run
  std::string resume;
  std::string losses;
};
