#include <tenon/nn/layers/sequential.h>

namespace tenon::nn {

Tensor Sequential::forward(const Tensor& input) {
  Tensor value = input;
  for (Module* module : children()) value = (*module)(value);
  return value;
}

}  // namespace tenon::nn
