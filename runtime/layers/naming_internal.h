// Which op a kernel is prepared for: what layers can't see from below, where each pointwise op is a
// "program".
#pragma once

#include <string_view>

namespace tenon {
class Op;
}

namespace tenon::layers {

// The op that this thread prepares a kernel for, while one is prepared. Lives for ever.
struct PreparedOp {
  std::string_view name;
  const Op* op = nullptr;
};
inline thread_local constinit PreparedOp preparing{};

class PreparingOp {
 public:
  PreparingOp(std::string_view name, const Op& op) noexcept { preparing = {name, &op}; }
  ~PreparingOp() { preparing = {}; }
  PreparingOp(const PreparingOp&) = delete;
  PreparingOp& operator=(const PreparingOp&) = delete;
};

}  // namespace tenon::layers
