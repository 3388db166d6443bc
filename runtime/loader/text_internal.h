// Text from plugins and file systems, made safe for terminals and JSON.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tenon::loader {

// At most `limit` bytes of valid UTF-8: control characters are dropped, line breaks and tabs become
// spaces, bytes that are no UTF-8 become '?'.
[[nodiscard]] std::string clean_text(std::string_view text, size_t limit);

// [a-z0-9_]{1,32}
[[nodiscard]] bool is_device_type(std::string_view name);

// "x" of "tenon_x.so"; empty when the name has another form.
[[nodiscard]] std::string_view plugin_name_of_file(std::string_view file_name);

}  // namespace tenon::loader
