#include <fmt/core.h>

#include <tenon/runtime/layers/replay.h>

#include "commands.h"

namespace tenon::cli {

int run_replay(const std::string& file, const std::string& device, const std::string& beside) {
  const ReplayResult result = replay_launch(file, device, beside);
  fmt::print("{} on {} and {}\n  {}\n", result.op, result.first_device, result.second_device,
             result.operands);
  fmt::print("  {}\n", result.divergence.empty() ? "the two agree" : result.divergence);
  return result.divergence.empty() ? 0 : 1;
}

}  // namespace tenon::cli
