// What a program may change of a tensor's place in the graph, beside Tensor's own members.
#pragma once

#include <cstdint>
#include <functional>

#include <tenon/runtime/tensor.h>

namespace tenon::autograd {

// Takes a result out of its history: a constant from here on, over the same memory. A leaf stops
// to require a gradient. Returns self. Errors: Autograd for a view (use detach()).
TENON_API Tensor& detach_(Tensor& self);

// Calls `hook` whenever a backward() has added to the gradient of this leaf, so that an update can
// be made at once and the gradient dropped. It gets a handle on the leaf's memory, gradient and
// place in the graph that is not is_same() with the leaf; capturing the leaf itself would keep it
// alive for ever. Several run in the order they came in; none runs for grad().
// Returns an id for Tensor::remove_hook. Errors: Autograd unless `leaf` is a leaf of the graph.
TENON_API uint64_t register_post_accumulate_grad_hook(const Tensor& leaf,
                                                      std::function<void(const Tensor& leaf)> hook);

}  // namespace tenon::autograd
