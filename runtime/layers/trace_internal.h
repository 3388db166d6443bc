// What the trace layer shares between its files.
#pragma once

#include <string_view>

namespace tenon::layers {

// The user's scopes on this thread, "outer/inner".
[[nodiscard]] std::string_view current_scope() noexcept;

}  // namespace tenon::layers
