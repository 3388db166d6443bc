#include "facts.h"

#include <fmt/core.h>

#include <tenon/runtime/dtype.h>

namespace tenon::cli {
namespace {

constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};

bool computes(uint64_t compute_dtypes, DType dtype) {
  return (compute_dtypes >> static_cast<uint8_t>(dtype) & 1u) != 0;
}

}  // namespace

std::string size_text(uint64_t bytes) {
  auto size = static_cast<double>(bytes);
  size_t unit = 0;
  for (; size >= 1024 && unit + 1 < std::size(kUnits); ++unit) size /= 1024;
  return fmt::format("{:.{}f} {}", size, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string dtypes_text(uint64_t compute_dtypes) {
  std::string text;
  for (const DType dtype : kAllDTypes) {
    if (!computes(compute_dtypes, dtype)) continue;
    text += text.empty() ? "" : ", ";
    text += name(dtype);
  }
  return text;
}

std::string program_text(const tn_device_info& info) {
  return fmt::format("{} instructions, {} inputs, {} scalars, {} outputs, {}",
                     info.program_instructions, info.program_inputs, info.program_scalars,
                     info.program_outputs, info.program_tail != 0 ? "reductions" : "no reductions");
}

Json device_json(const std::string& device, const DeviceFacts& facts) {
  const tn_device_info& info = facts.info;
  Json dtypes = Json::array();
  for (const DType dtype : kAllDTypes) {
    if (computes(info.compute_dtypes, dtype)) dtypes.push_back(name(dtype));
  }
  const auto has = [&info](uint32_t flag) { return (info.flags & flag) != 0; };
  Json json = {{"device", device}, {"name", facts.name}};
  if (!facts.error.empty()) {
    json["error"] = facts.error;
    return json;
  }
  json.update({{"memory_bytes", info.memory_bytes},
               {"allocation_max_bytes", info.allocation_max},
               {"offset_alignment_bytes", info.offset_alignment},
               {"compute_units", info.compute_units},
               {"dtypes", dtypes},
               {"host_memory", has(TN_DEVICE_HOST_MEMORY)},
               {"asynchronous", has(TN_DEVICE_ASYNC)},
               {"recoverable", has(TN_DEVICE_RECOVERABLE)},
               {"concurrent_streams", has(TN_DEVICE_CONCURRENT)},
               {"software", has(TN_DEVICE_SOFTWARE)},
               {"program",
                {{"instructions", info.program_instructions},
                 {"inputs", info.program_inputs},
                 {"scalars", info.program_scalars},
                 {"outputs", info.program_outputs},
                 {"reductions", info.program_tail != 0}}}});
  return json;
}

void print_json(const Json& document) {
  fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace tenon::cli
