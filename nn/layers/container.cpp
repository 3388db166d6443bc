#include <tenon/nn/layers/container.h>

#include <tenon/nn/parameter.h>

#include <algorithm>

namespace tenon::nn {

namespace {

Tensor as_parameter(const Tensor& value) {
  return value.requires_grad() && value.is_leaf() ? value : parameter(value);
}

}  // namespace

bool ModuleDict::contains(const std::string& name) const {
  const std::vector<std::string> all = keys();
  return std::find(all.begin(), all.end(), name) != all.end();
}

std::vector<std::string> ModuleDict::keys() const {
  std::vector<std::string> names;
  for (const auto& [name, module] : named_children()) names.push_back(name);
  return names;
}

ParameterList::ParameterList(const std::vector<Tensor>& values) {
  for (const Tensor& value : values) push_back(value);
}

void ParameterList::push_back(const Tensor& value) {
  register_parameter(std::to_string(count_), as_parameter(value));
  ++count_;
}

Tensor& ParameterList::operator[](int64_t index) {
  check(index >= -size() && index < size(), ErrorCode::kIndex, "ParameterList",
        "expected an index in [", -size(), ", ", size(), "), got ", index);
  return own_tensor(std::to_string(index < 0 ? index + size() : index));
}

std::string ParameterList::describe() const { return join_text("ParameterList(", count_, ")"); }

void ParameterDict::insert(const std::string& name, const Tensor& value) {
  register_parameter(name, as_parameter(value));
  names_.push_back(name);
}

bool ParameterDict::contains(const std::string& name) const {
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

std::string ParameterDict::describe() const {
  std::string text = "ParameterDict(";
  for (size_t i = 0; i < names_.size(); ++i) text += (i == 0 ? "" : ", ") + names_[i];
  return text + ")";
}

}  // namespace tenon::nn
