// What PyTorch computed: tests/golden/data, made by tools/checks/goldens.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <tenon/runtime/tensor.h>

namespace tenon::golden {

using Json = nlohmann::json;

// One call of an op with what came out of it.
struct GoldenCall {
  std::string id;  // "add/0"
  std::string op;
  Json arguments;              // in the order of the op's schema; see make_value in call_test.cpp
  size_t outputs = 0;          // tensors of the result, lists flattened
  std::vector<size_t> leaves;  // tensors among the arguments that have a gradient
};

[[nodiscard]] const std::vector<GoldenCall>& all_calls();
// By "add/0/out0" or "add/0/grad1", on "cpu".
[[nodiscard]] const Tensor& stored(const std::string& name);
// Ops with nothing in PyTorch to compare with → why.
[[nodiscard]] const std::map<std::string, std::string>& without_twin();
// Lines of trainings.jsonl.
[[nodiscard]] const std::vector<Json>& all_trainings();
// The least number of a kind ("calls", "trainings") that must run.
[[nodiscard]] int64_t floor_of(const std::string& kind);

}  // namespace tenon::golden
