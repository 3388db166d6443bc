// What the command line says.
#pragma once

#include <cstdint>
#include <string>

#include "support/run.h"

struct Options : CommonOptions {
  int64_t epochs = 10;
  int64_t train_limit = -1;  // images; -1: all
  int64_t test_limit = -1;
  double lr_decay = 0.8;  // factor per epoch
  std::string data;
  std::string out;  // empty: build/train where there is a CMake build folder, else tenon-run
  std::string resume;
};
