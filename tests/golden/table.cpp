#include "golden/table.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <tenon/runtime/interop/safetensors.h>

namespace tenon::golden {

namespace {

std::filesystem::path folder() { return std::filesystem::path(TENON_TESTS_FOLDER) / "golden"; }

std::ifstream open(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file.is_open()) throw std::runtime_error("cannot read " + path.string());
  return file;
}

// One JSON value per line; the first line says which PyTorch it was.
std::vector<Json> lines_of(const char* name) {
  std::ifstream file = open(folder() / "data" / name);
  std::vector<Json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
  if (lines.empty() || !lines.front().contains("torch"))
    throw std::runtime_error(std::string(name) + " does not say which PyTorch made it");
  lines.erase(lines.begin());
  return lines;
}

}  // namespace

const std::vector<GoldenCall>& all_calls() {
  static const auto& calls = *[] {
    auto* result = new std::vector<GoldenCall>;
    for (const Json& line : lines_of("calls.jsonl"))
      result->push_back({line.at("id"), line.at("op"), line.at("args"), line.at("outputs"),
                         line.at("gradients")});
    return result;
  }();
  return calls;
}

const Tensor& stored(const std::string& name) {
  static const auto& tensors = *[] {
    auto* result = new std::map<std::string, Tensor>;
    for (auto& [key, tensor] :
         load_safetensors((folder() / "data/results.safetensors").string()).tensors)
      result->emplace(key, tensor);
    return result;
  }();
  return tensors.at(name);
}

const std::map<std::string, std::string>& without_twin() {
  static const auto& reasons = *[] {
    auto* result = new std::map<std::string, std::string>;
    for (const Json& line : lines_of("without_twin.jsonl"))
      result->emplace(line.at("op"), line.at("reason"));
    return result;
  }();
  return reasons;
}

const std::vector<Json>& all_trainings() {
  static const auto& trainings = *new std::vector<Json>(lines_of("trainings.jsonl"));
  return trainings;
}

int64_t floor_of(const std::string& kind) {
  std::ifstream file = open(folder() / "floor.txt");
  int64_t number = 0;
  for (std::string name; file >> name >> number;)
    if (name == kind) return number;
  throw std::runtime_error("floor.txt has no line for " + kind);
}

}  // namespace tenon::golden
