// Order and running totals along a dimension.
#include <tenon/autograd/gradients/rules_internal.h>

namespace tenon::autograd {

std::span<const Rule> sorting_rules() { return {}; }

}  // namespace tenon::autograd
