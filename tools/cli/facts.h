// Device facts as text and as JSON, shared by the subcommands.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include <tenon/runtime/loader/probe.h>

namespace tenon::cli {

using Json = nlohmann::ordered_json;

// "31.2 GiB"
[[nodiscard]] std::string size_text(uint64_t bytes);
// "float32, int64, …" of tn_device_info.compute_dtypes.
[[nodiscard]] std::string dtypes_text(uint64_t compute_dtypes);
// "64 instructions, 16 inputs, 16 scalars, 8 outputs, tail"
[[nodiscard]] std::string program_text(const tn_device_info& info);
[[nodiscard]] Json device_json(const std::string& device, const DeviceFacts& facts);
// One document on stdout. Bytes that are no UTF-8 are replaced.
void print_json(const Json& document);

}  // namespace tenon::cli
