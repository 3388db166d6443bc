// Joining, cutting, repeating and reordering elements.
#include <tenon/autograd/gradients/rules_internal.h>

namespace tenon::autograd {

std::span<const Rule> manipulation_rules() { return {}; }

}  // namespace tenon::autograd
