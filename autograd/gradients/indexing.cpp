// Reading and writing by index. Attribute 0: dim.
#include <tenon/runtime/ops/indexing.h>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/view.h>

namespace tenon::autograd {
namespace {

void gather_rule(GradContext& c) {
  const Tensor zero = zeros(c.sizes(0), c.grad().options());
  c.give(0, scatter_add(zero, c.attributes()[0], c.input(1), c.grad()));
}

// Which sources stay where several meet: the last in row-major order.
Tensor last_writes(const Tensor& index, int64_t dim, const Shape& sizes) {
  const Tensor numbers = arange(index.numel(), index.options()).view(index.sizes());
  const Tensor last = scatter(zeros(sizes, index.options()), dim, index, numbers);
  return eq(gather(last, dim, index), numbers);
}

// What of source lies outside of index was not read.
void give_source(GradContext& c, const Tensor& read) {
  if (read.sizes() == c.sizes(2)) return c.give(2, read);
  const Tensor gradient = zeros(c.sizes(2), read.options());
  Tensor part = gradient;
  for (int64_t d = 0; d < read.dim(); ++d) part = part.narrow(d, 0, read.size(d));
  part.copy_(read);
  c.give(2, gradient);
}

void scatter_add_rule(GradContext& c) {
  c.give(0, c.grad());
  if (c.needs(2)) give_source(c, gather(c.grad(), c.attributes()[0], c.input(1)));
}

void scatter_rule(GradContext& c) {
  const int64_t dim = c.attributes()[0];
  const Tensor index = c.input(1);
  if (c.needs(0)) c.give(0, scatter(c.grad(), dim, index, 0));
  if (!c.needs(2)) return;
  const Tensor stays = last_writes(index, dim, c.grad().sizes());
  give_source(c, where(stays, gather(c.grad(), dim, index), 0.0));
}

// Extremes: equal ones share the gradient evenly. Attributes: dim, reduction, include_self.
void scatter_reduce_rule(GradContext& c) {
  const int64_t dim = c.attributes()[0];
  const Tensor index = c.input(1);
  const DType dtype = c.grad().dtype();
  Tensor source = c.input(2);
  for (int64_t d = 0; d < index.dim(); ++d) source = source.narrow(d, 0, index.size(d));
  const Tensor result = c.output().detach();
  const bool include_self = c.attributes()[2] != 0;  // else what no index names is self's own
  const Tensor self_chosen = include_self ? eq(c.input(0).detach(), result).to(dtype)
                                          : scatter(ones_like(result), dim, index, 0);
  const Tensor source_chosen = eq(source.detach(), gather(result, dim, index)).to(dtype);
  const Tensor share = c.grad() / scatter_add(self_chosen, dim, index, source_chosen);
  if (c.needs(0)) c.give(0, self_chosen * share);
  if (c.needs(2)) give_source(c, source_chosen * gather(share, dim, index));
}

void masked_fill_rule(GradContext& c) {
  const Tensor mask = c.input(1);
  if (c.needs(0)) c.give(0, masked_fill(c.grad(), mask, 0));
  if (c.needs(2)) c.give(2, where(mask, c.grad(), 0.0));
}

// Inputs: self, rows, values. Attributes: dim, count, accumulate: `count` dimensions of self from
// `dim` on are one dimension of rows.
void index_put_rule(GradContext& c) {
  const int64_t dim = c.attributes()[0], end = dim + c.attributes()[1];
  const bool accumulate = c.attributes()[2] != 0;
  const Tensor rows = c.input(1);
  const Shape sizes = c.grad().sizes();
  const int64_t count = sizes.slice(dim, end).numel();
  const Tensor merged =
      c.grad().reshape(sizes.slice(0, dim) + Shape{count} + sizes.slice(end, sizes.rank()));
  if (c.needs(0)) c.give(0, accumulate ? c.grad() : index_fill(merged, dim, rows, 0).view(sizes));
  if (!c.needs(2)) return;
  const Tensor read = index_select(merged, dim, rows);
  if (accumulate) return c.give(2, read);
  Shape along;
  for (int64_t d = 0; d < read.dim(); ++d) along.push_back(d == dim ? rows.numel() : 1);
  c.give(2, where(last_writes(rows, 0, {count}).view(along), read, 0.0));
}

constexpr Rule kRules[] = {
    {"gather", save_input(1, kFor0), &gather_rule},
    {"scatter_add", save_input(1, kFor2), &scatter_add_rule},
    {"scatter", save_input(1), &scatter_rule},
    {"scatter_reduce", save_input(0) | save_input(1) | save_input(2) | save_output(),
     &scatter_reduce_rule},
    {"masked_fill", save_input(1), &masked_fill_rule},
    {"index_put", save_input(1), &index_put_rule},
};

}  // namespace

std::span<const Rule> indexing_rules() { return kRules; }

}  // namespace tenon::autograd
