// Runs cases in a helper process, so that a plugin that hangs, exits or crashes costs one case.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "case.h"

namespace tenon::conform {

using Json = nlohmann::ordered_json;

struct Selection {
  std::vector<std::string> levels;  // empty: all
  std::string filter;  // a shell pattern, or the beginning of a name up to a slash; "": all
};
// Positions in `cases` of those selected.
[[nodiscard]] std::vector<size_t> select(const Cases& cases, const Selection& selection);

enum class Verdict : uint8_t { kPassed, kFailed, kSkipped, kNotRun };

struct Result {
  std::string name;
  Verdict verdict = Verdict::kNotRun;
  std::string text;
  double seconds = 0;
};

struct Order {
  Target target;
  Selection selection;
  std::chrono::milliseconds timeout{10'000};  // of one case
};

// Results of the cases selected, in order. Stops after too many dead helpers, which are fewer when
// they hung, and at the first one of a plugin that does not open; the rest was not run.
[[nodiscard]] std::vector<Result> run_contained(const std::string& program, const Order& order,
                                                bool opens);
// What the plugin says of itself; of one that can't say: an object with "error".
[[nodiscard]] Json read_facts(const std::string& program, const Order& order);

// The helper's side: `program --worker …`. Reports on descriptor 3. Answers the exit status.
struct Work {
  Order order;
  size_t first = 0;    // position among the selected ones
  bool facts = false;  // only those
};
[[nodiscard]] int serve(const Work& work);

}  // namespace tenon::conform
