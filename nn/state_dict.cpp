#include <tenon/nn/state_dict.h>

namespace tenon::nn {

void save(const Module& module, const std::string& path, const Metadata& metadata) {
  save_safetensors(path, module.state_dict(), metadata);
}

LoadReport load(Module& module, const std::string& path, LoadMode mode) {
  return module.load_state_dict(load_safetensors(path).tensors, mode);
}

void append_prefixed(NamedTensors& all, const std::string& prefix, const NamedTensors& part) {
  for (const auto& [name, tensor] : part) all.emplace_back(prefix + "." + name, tensor);
}

NamedTensors take_prefixed(const NamedTensors& all, const std::string& prefix) {
  NamedTensors result;
  for (const auto& [name, tensor] : all)
    if (name.starts_with(prefix + ".")) result.emplace_back(name.substr(prefix.size() + 1), tensor);
  return result;
}

}  // namespace tenon::nn
