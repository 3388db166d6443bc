// The Trace Event Format as the trace layer promises it, checked event by event.
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace tenon::layers_test {

using Json = nlohmann::json;

inline const std::set<std::string> kDTypes{"bool",  "uint8",   "int8",     "int16",   "int32",
                                           "int64", "float16", "bfloat16", "float32", "float64"};
inline const std::set<std::string> kCategories{"op", "memory", "stream", "plugin", "scope"};

// What is wrong with an event of the Trace Event Format, or with what the trace layer promises to
// put into it; "" when nothing is.
inline std::string op_problem(const Json& args) {
  const uint64_t operands = args.value("operands", uint64_t{0});
  const Json shapes = args.value("shapes", Json()), dtypes = args.value("dtypes", Json());
  if (!args.contains("kernel") || !args.contains("device")) return "an op without kernel or device";
  if (operands == 0 || args.value("outputs", operands + 1) > operands) return "operands";
  if (!shapes.is_array() || shapes.size() != std::min<uint64_t>(operands, 6)) return "shapes";
  if (!dtypes.is_array() || dtypes.size() != shapes.size()) return "dtypes";
  for (const Json& dtype : dtypes)
    if (kDTypes.count(dtype.get<std::string>()) == 0) return "unknown dtype";
  for (const Json& shape : shapes) {
    if (!shape.is_array() || shape.size() > 8) return "a shape is no list";
    for (const Json& extent : shape)
      if (!extent.is_number_integer() || extent.get<int64_t>() < 0) return "an extent";
  }
  return args.value("bytes", uint64_t{0}) > 0 ? "" : "no bytes";
}

inline std::string event_problem(const Json& event) {
  if (!event.is_object()) return "no object";
  for (const char* key : {"name", "ph"})
    if (!event.contains(key) || !event[key].is_string()) return std::string("no text ") + key;
  for (const char* key : {"pid", "tid"})
    if (!event.contains(key) || !event[key].is_number_integer()) return std::string("no ") + key;
  if (!event.contains("args") || !event["args"].is_object()) return "no args";
  const std::string phase = event["ph"];
  if (phase == "M") {
    const bool known = event["name"] == "process_name" || event["name"] == "thread_name";
    return known && event["args"].contains("name") ? "" : "unknown metadata";
  }
  if (phase != "X") return "phase " + phase;
  for (const char* key : {"ts", "dur"})
    if (!event.contains(key) || !event[key].is_number() || event[key].get<double>() < 0)
      return std::string("no time ") + key;
  if (kCategories.count(event.value("cat", "")) == 0) return "category";
  return event["cat"] == "op" ? op_problem(event["args"]) : "";
}

}  // namespace tenon::layers_test
