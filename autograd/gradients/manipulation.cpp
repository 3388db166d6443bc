// Joining, repeating and reordering elements.
#include <tenon/runtime/ops/manipulation.h>

#include <tenon/autograd/gradients/rules_internal.h>

namespace tenon::autograd {
namespace {

// Attributes: dim, then the length of each tensor along it.
void keep_lengths(const OpCall& call, std::vector<int64_t>& attributes) {
  const int64_t dim = call.attributes[0];
  attributes.push_back(dim);
  for (const Tensor* input : call.inputs) attributes.push_back(input->size(dim));
}

void cat_rule(GradContext& c) {
  const int64_t dim = c.attributes()[0];
  int64_t begin = 0;
  for (size_t i = 0; i < c.input_count(); ++i) {
    const int64_t length = c.attributes()[i + 1];
    if (c.needs(i)) c.give(i, c.grad().narrow(dim, begin, length));
    begin += length;
  }
}

constexpr Rule kRules[] = {
    {"cat", kSaveNothing, &cat_rule, &keep_lengths},
};

}  // namespace

std::span<const Rule> manipulation_rules() { return kRules; }

}  // namespace tenon::autograd
