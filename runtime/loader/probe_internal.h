// TENON_PROBE=1 inside the loader.
#pragma once

#include <string>

namespace tenon::loader {

// The helper to use before a file is loaded; "" when TENON_PROBE does not ask for it.
[[nodiscard]] std::string wanted_probe_helper();

// LoadFailure unless the helper process loaded the file.
void require_probe(const std::string& helper, const std::string& path);

}  // namespace tenon::loader
