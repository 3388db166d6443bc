// Joining, repeating and reordering elements.
#include <tenon/runtime/ops/manipulation.h>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/view.h>

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

// Attributes: (before, after) from the last dimension on. What was cropped gets zeros.
void pad_rule(GradContext& c) {
  std::vector<int64_t> back(c.attributes().begin(), c.attributes().end());
  for (int64_t& border : back) border = -border;
  c.give(0, pad(c.grad(), back));
}

void flip_rule(GradContext& c) { c.give(0, flip(c.grad(), Shape(c.attributes()))); }

void diag_embed_rule(GradContext& c) {
  const auto a = c.attributes();
  c.give(0, diagonal(c.grad(), a[0], a[1], a[2]));
}

// Attributes: kernel, dilation, padding, stride; those of col2im begin with the image.
void im2col_rule(GradContext& c) {
  const auto a = c.attributes();
  const Shape sizes = c.sizes(0);
  c.give(0, fold(c.grad(), {sizes[2], sizes[3]}, {a[0], a[1]}, {a[2], a[3]}, {a[4], a[5]},
                 {a[6], a[7]}));
}

void col2im_rule(GradContext& c) {
  const auto a = c.attributes().last(8);
  c.give(0, unfold(c.grad(), Shape{a[0], a[1]}, Shape{a[2], a[3]}, Shape{a[4], a[5]},
                   Shape{a[6], a[7]}));
}

constexpr Rule kRules[] = {
    {"cat", kSaveNothing, &cat_rule, &keep_lengths},
    {"pad", kSaveNothing, &pad_rule},
    {"flip", kSaveNothing, &flip_rule},
    {"diag_embed", kSaveNothing, &diag_embed_rule},
    {"im2col", kSaveNothing, &im2col_rule},
    {"col2im", kSaveNothing, &col2im_rule},
};

}  // namespace

std::span<const Rule> manipulation_rules() { return kRules; }

}  // namespace tenon::autograd
