// Gradients of tensors.
#pragma once

#include <vector>

#include <tenon/runtime/tensor.h>

namespace tenon::autograd {

struct BackwardOptions {
  bool retain_graph = false;  // saved tensors survive, so that the graph can be walked again
  bool create_graph = false;  // gradients get a history of their own; implies retain_graph
  // Only the grad() of these is added to, and only what leads to them is computed; results among
  // them keep their gradient as after retain_grad(). Empty: all leaves.
  std::vector<Tensor> inputs = {};
};

struct GradOptions {
  bool retain_graph = false;
  bool create_graph = false;
  bool allow_unused = false;  // an undefined tensor instead of an error
};

// Adds the sum over i of d(tensors[i])/d(leaf) * gradients[i] to grad() of every leaf.
// Gradients: none, or one for each tensor, of its sizes (or both of one element); an undefined one
// means 1 and needs a tensor of one element.
// Errors: Autograd when a tensor has no history, shapes do not match, or saved tensors are gone or
// were changed in place. What hooks throw is passed on; leaves reached before keep what they got.
// Threads: graphs that share only leaves may be walked at once.
TENON_API void backward(const std::vector<Tensor>& tensors,
                        const std::vector<Tensor>& gradients = {},
                        const BackwardOptions& options = {});

// The same sum for each of `inputs` (leaves or results), without touching any grad().
// Errors: as backward(); Autograd for an input that outputs do not depend on, unless allow_unused.
[[nodiscard]] TENON_API std::vector<Tensor> grad(const std::vector<Tensor>& outputs,
                                                 const std::vector<Tensor>& inputs,
                                                 const std::vector<Tensor>& grad_outputs = {},
                                                 GradOptions options = {});

}  // namespace tenon::autograd
