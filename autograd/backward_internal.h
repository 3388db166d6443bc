// Tensor::backward: one root, without the lists of the public function.
#pragma once

#include <tenon/autograd/engine.h>

namespace tenon::autograd {

// Adds d(tensor)/d(leaf) * gradient to grad() of every leaf. Errors: as autograd::backward.
void backward_from(const Tensor& tensor, const Tensor& gradient, Engine::Options options);

}  // namespace tenon::autograd
