// What is printed and written at the end.
#pragma once

#include <string>
#include <vector>

#include "run.h"

namespace tenon::conform {

struct LevelCount {
  std::string level;
  size_t cases = 0, passed = 0, failed = 0, skipped = 0, not_run = 0;
  double seconds = 0;
};

struct Report {
  Order order;
  Json facts;
  std::vector<Result> results;
  std::string program;  // how to call it again
};

// One row a level that has cases.
[[nodiscard]] std::vector<LevelCount> count_levels(const std::vector<Result>& results);
// No failure, everything run, something passed in every level asked for.
[[nodiscard]] bool conforms(const Report& report);
void print_report(const Report& report);
[[nodiscard]] Json report_json(const Report& report);

}  // namespace tenon::conform
