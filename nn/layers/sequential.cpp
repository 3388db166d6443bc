#include <tenon/nn/layers/sequential.h>

namespace tenon::nn {

Tensor Sequential::forward(const Tensor& input) {
  Tensor value = input;
  for (Module* module : children()) value = (*module)(value);
  return value;
}

Module& Sequential::operator[](int64_t index) const {
  const std::vector<Module*> modules = children();
  const auto count = static_cast<int64_t>(modules.size());
  check(index >= 0 && index < count, ErrorCode::kIndex, "Sequential", "expected an index in [0, ",
        count, "), got ", index);
  return *modules[static_cast<size_t>(index)];
}

}  // namespace tenon::nn
