// Something done in a process of its own, which must go on working afterwards.
#pragma once

#include <functional>
#include <string>

namespace tenon::tests {

struct Visit {
  std::string verdict;  // what it answered
  int status = -1;      // of the process; 128 + the signal that ended it
  bool hung = false;    // it took more than 10 seconds and was ended
};

// `look` runs in a fork, which then trains on cpu and exits as programs do. The caller must not
// have used a device.
[[nodiscard]] Visit visit(const std::function<std::string()>& look);

}  // namespace tenon::tests
