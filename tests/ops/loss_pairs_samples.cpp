// Distances, and losses of pairs and triples.
#include <algorithm>
#include <cmath>

#include "ops/loss_samples.h"

namespace tenon::ops_test {
namespace {

using Line = std::vector<double>;

// The values of `x` along `dim` of the broadcast sizes, at `index` of the other dimensions.
Line line_at(const Array& x, const Shape& sizes, int64_t dim, const Shape& index) {
  Line line;
  for (int64_t i = 0; i < sizes[dim]; ++i)
    line.push_back(x.at(index.slice(0, dim) + Shape{i} + index.slice(dim, index.rank())));
  return line;
}

struct Distance {
  double value, size;  // size: of the terms, for its error
};

Distance distance(const Line& a, const Line& b, double p, double eps) {
  double total = 0, greatest = 0, largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = std::fabs(a[i] - b[i] + eps);
    greatest = std::max(greatest, d);
    largest += std::fabs(a[i]) + std::fabs(b[i]) + std::fabs(eps);
    total += p == 0 ? d != 0 : std::isinf(p) ? 0 : std::pow(d, p);
  }
  if (std::isinf(p)) return {greatest, largest};
  return {p == 0 ? total : std::pow(total, 1 / p), largest};
}

double cosine(const Line& a, const Line& b, double eps) {
  double product = 0, size_a = 0, size_b = 0;
  for (size_t i = 0; i < a.size(); ++i)
    product += a[i] * b[i], size_a += a[i] * a[i], size_b += b[i] * b[i];
  return product / (std::fmax(std::sqrt(size_a), eps) * std::fmax(std::sqrt(size_b), eps));
}

std::vector<Argument> tensors(Random& random, DType dtype, std::initializer_list<Shape> shapes) {
  std::vector<Argument> arguments;
  for (const Shape& sizes : shapes) arguments.emplace_back(random.array(sizes, dtype, -2, 2));
  return arguments;
}

SampleRow pair_row(const char* op) {
  SampleRow row;
  row.op = op;
  row.dtypes = kFloats;
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  return row;
}

// ---- distances ----

void add_pairwise(std::vector<SampleRow>& rows) {
  SampleRow row = pair_row("pairwise_distance");
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const auto& [a, b] : std::vector<std::pair<Shape, Shape>>{
             {{3, 4}, {3, 4}}, {{4}, {4}}, {{2, 3, 4}, {4}}, {{3, 1}, {3, 1}}, {{0, 3}, {0, 3}}})
      for (const double p : {2.0, 1.0, 3.0, double{INFINITY}})
        for (const bool keepdim : {false, true}) {
          Call call{tensors(random, dtype, {a, b})};
          for (const Scalar& scalar : {Scalar(p), Scalar(0.25), Scalar(keepdim)})
            call.arguments.emplace_back(scalar);
          calls.push_back(std::move(call));
        }
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &a = call.array(0), &b = call.array(1);
    const Shape sizes = broadcast(a.sizes, b.sizes);
    const int64_t dim = sizes.rank() - 1;
    Array out(sizes.slice(0, dim), a.dtype);
    for_each(out.sizes, [&](const Shape& index, size_t i) {
      const Distance d = distance(line_at(a, sizes, dim, index), line_at(b, sizes, dim, index),
                                  call.scalar(2).to_double(), call.scalar(3).to_double());
      out.values[i] = d.value;
      out.magnitudes.push_back(8 * storage_roundings(a.dtype) * d.size);
    });
    if (call.scalar(4).to_bool()) out.sizes.push_back(1);
    return std::vector<Array>{out};
  };
  const auto with = [](const Array& a, const Array& b) {
    return std::vector<Argument>{a, b, Scalar(2), Scalar(1e-6), Scalar(false)};
  };
  row.errors = {
      {"sizes", with(blank({2, 3}), blank({2, 4})), "\\(2, 3\\).*\\(2, 4\\)"},
      {"numbers", with(blank({}), blank({})), "pairwise_distance.*dimension"},
      {"integers", with(blank({3}, kInt64), blank({3})), "pairwise_distance.*int64"},
      {"integers on the right", with(blank({3}), blank({3}, kInt64)), "pairwise_distance.*int64"},
      {"keepdim", {blank({3}), blank({3}), Scalar(2), Scalar(1e-6), Shape{1}}, "a number"}};
  rows.push_back(std::move(row));
}

void add_cdist(std::vector<SampleRow>& rows) {
  SampleRow row = pair_row("cdist");
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const auto& [a, b] : std::vector<std::pair<Shape, Shape>>{{{3, 4}, {2, 4}},
                                                                   {{2, 3, 2}, {2, 1, 2}},
                                                                   {{2, 1, 3, 2}, {2, 2, 2}},
                                                                   {{0, 3}, {2, 3}},
                                                                   {{2, 0}, {3, 0}}})
      for (const double p : {2.0, 1.0, 0.0, 3.0, double{INFINITY}}) {
        Call call{tensors(random, dtype, {a, b})};
        call.arguments.emplace_back(Scalar(p));
        calls.push_back(std::move(call));
      }
    const Array same = random.array({2, 3}, dtype, -2, 2);
    calls.push_back({{same, same, Scalar(2)}, false});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &a = call.array(0), &b = call.array(1);
    const int64_t ra = a.sizes.rank(), rb = b.sizes.rank();
    const Shape batch = broadcast(a.sizes.slice(0, ra - 2), b.sizes.slice(0, rb - 2));
    const int64_t lead = batch.rank(), width = a.sizes.back();
    Array out(batch + Shape{a.sizes[ra - 2], b.sizes[rb - 2]}, a.dtype);
    for_each(out.sizes, [&](const Shape& index, size_t i) {
      Line left, right;
      for (int64_t k = 0; k < width; ++k) {
        left.push_back(a.at(index.slice(0, lead) + Shape{index[lead], k}));
        right.push_back(b.at(index.slice(0, lead) + Shape{index[lead + 1], k}));
      }
      const Distance d = distance(left, right, call.scalar(2).to_double(), 0);
      out.values[i] = d.value;
      out.magnitudes.push_back(8 * storage_roundings(a.dtype) * d.size);
    });
    return std::vector<Array>{out};
  };
  row.errors = {
      {"width", {blank({2, 3}), blank({2, 4}), Scalar(2)}, "cdist.*\\(2, 3\\).*\\(2, 4\\)"},
      {"rank", {blank({3}), blank({2, 3}), Scalar(2)}, "cdist.*\\(3\\).*\\(2, 3\\)"},
      {"batch", {blank({2, 2, 3}), blank({3, 2, 3}), Scalar(2)}, "must match|broadcast"},
      {"dtypes", {blank({2, 3}), blank({2, 3}, kFloat64), Scalar(2)}, "cdist.*same dtype"},
      {"integers", {blank({2, 3}, kInt64), blank({2, 3}, kInt64), Scalar(2)}, "cdist.*int64"},
      {"negative p", {blank({2, 3}), blank({2, 3}), Scalar(-1)}, "cdist: p must be >= 0, got -1"}};
  rows.push_back(std::move(row));
}

void add_cosine_similarity(std::vector<SampleRow>& rows) {
  SampleRow row = pair_row("cosine_similarity");
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    struct Along {
      Shape a, b;
      int64_t dim;
    };
    for (const Along& s :
         {Along{{3, 4}, {3, 4}, 1}, Along{{3, 4}, {3, 4}, 0}, Along{{2, 3, 2}, {3, 2}, -2},
          Along{{4}, {4}, 0}, Along{{3, 4}, {4}, 1}, Along{{0, 3}, {0, 3}, 1}}) {
      Call call{tensors(random, dtype, {s.a, s.b})};
      for (const Scalar& scalar : {Scalar(s.dim), Scalar(1e-8)})
        call.arguments.emplace_back(scalar);
      calls.push_back(std::move(call));
    }
    Array zero = random.array({2, 3}, dtype, -2, 2);
    for (size_t i = 0; i < 3; ++i) zero.values[i] = 0;
    calls.push_back({{zero, random.array({2, 3}, dtype, -2, 2), Scalar(1), Scalar(0.5)}, false});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &a = call.array(0), &b = call.array(1);
    const Shape sizes = broadcast(a.sizes, b.sizes);
    const int64_t dim = (call.scalar(2).to_int64() + sizes.rank()) % sizes.rank();
    Array out(sizes.slice(0, dim) + sizes.slice(dim + 1, sizes.rank()), a.dtype);
    for_each(out.sizes, [&](const Shape& index, size_t i) {
      out.values[i] = cosine(line_at(a, sizes, dim, index), line_at(b, sizes, dim, index),
                             call.scalar(3).to_double());
      out.magnitudes.push_back(8 * storage_roundings(a.dtype));
    });
    return std::vector<Array>{out};
  };
  const auto with = [](const Array& a, const Array& b, int64_t dim) {
    return std::vector<Argument>{a, b, Scalar(dim), Scalar(1e-8)};
  };
  row.errors = {
      {"sizes", with(blank({2, 3}), blank({2, 4}), 1), "cosine_similarity.*\\(2, 3\\).*\\(2, 4\\)"},
      {"dim", with(blank({2, 3}), blank({2, 3}), 2), "Dimension out of range.*2"},
      {"dim of vectors", with(blank({3}), blank({3}), 1), "Dimension out of range.*1"},
      {"integers", with(blank({3}, kInt64), blank({3}, kInt64), 0), "cosine_similarity.*int64"},
      {"integers on the right", with(blank({3}), blank({3}, kInt64), 0),
       "cosine_similarity.*int64"}};
  rows.push_back(std::move(row));
}

// ---- losses ----

void add_ranking(std::vector<SampleRow>& rows) {
  SampleRow row = pair_row("margin_ranking_loss");
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : {Shape{3, 5}, Shape{}, Shape{7}, Shape{2, 130}})
      for (const double margin : {0.0, 0.5})
        for (const int64_t reduction : {1, 2, 0}) {
          Call call{tensors(random, dtype, {sizes, sizes}), sizes.numel() < 60};
          Array target = random.array(sizes, kInt64, 0, 1);
          for (double& value : target.values) value = 2 * value - 1;
          call.arguments.emplace_back(target);
          for (const Scalar& scalar : {Scalar(margin), Scalar(reduction)})
            call.arguments.emplace_back(scalar);
          calls.push_back(std::move(call));
        }
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &a = call.array(0), &b = call.array(1), &y = call.array(2);
    Array losses(a.sizes, a.dtype);
    for (size_t i = 0; i < a.values.size(); ++i) {
      const double margin = call.scalar(3).to_double();
      losses.values[i] = std::fmax(0, -y.values[i] * (a.values[i] - b.values[i]) + margin);
      losses.magnitudes.push_back(4 * storage_roundings(a.dtype) *
                                  (std::fabs(a.values[i]) + std::fabs(b.values[i]) + margin));
    }
    return std::vector<Array>{reduced_losses(losses, call.scalar(4).to_int64())};
  };
  const auto with = [](const Array& a, const Array& b, const Array& y, int64_t reduction) {
    return std::vector<Argument>{a, b, y, Scalar(0.0), Scalar(reduction)};
  };
  const Array x = blank({3});
  row.errors = {
      {"inputs", with(x, blank({3, 1}), x, 1), "margin_ranking_loss.*\\(3\\).*\\(3, 1\\)"},
      {"target", with(x, x, blank({1}), 1), "margin_ranking_loss.*\\(3\\).*\\(1\\)"},
      {"integers", with(blank({3}, kInt64), x, x, 1), "margin_ranking_loss.*int64"},
      {"bool", with(x, blank({3}, kBool), x, 1), "margin_ranking_loss.*bool"},
      {"reduction", with(x, x, x, 3), "margin_ranking_loss.*reduction.*3"}};
  rows.push_back(std::move(row));
}

// As the loss has it: 1e-12 is added to the squares.
double embedded_cosine(const Line& a, const Line& b) {
  double product = 0, size_a = 1e-12, size_b = 1e-12;
  for (size_t i = 0; i < a.size(); ++i)
    product += a[i] * b[i], size_a += a[i] * a[i], size_b += b[i] * b[i];
  return product / std::sqrt(size_a * size_b);
}

void add_cosine_embedding(std::vector<SampleRow>& rows) {
  SampleRow row = pair_row("cosine_embedding_loss");
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : {Shape{4, 3}, Shape{5}, Shape{30, 4}})
      for (const double margin : {0.0, 0.25})
        for (const int64_t reduction : {1, 2, 0}) {
          Call call{tensors(random, dtype, {sizes, sizes}), sizes.numel() < 60};
          Array target = random.array(sizes.slice(0, sizes.rank() - 1), kInt64, 0, 1);
          for (double& value : target.values) value = 2 * value - 1;
          call.arguments.emplace_back(target);
          for (const Scalar& scalar : {Scalar(margin), Scalar(reduction)})
            call.arguments.emplace_back(scalar);
          calls.push_back(std::move(call));
        }
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &a = call.array(0), &b = call.array(1), &y = call.array(2);
    const int64_t dim = a.sizes.rank() - 1;
    Array losses(y.sizes, a.dtype);
    for_each(y.sizes, [&](const Shape& index, size_t i) {
      const double c =
          embedded_cosine(line_at(a, a.sizes, dim, index), line_at(b, b.sizes, dim, index));
      losses.values[i] = y.values[i] == 1 ? 1 - c : std::fmax(0, c - call.scalar(3).to_double());
      losses.magnitudes.push_back(16 * storage_roundings(a.dtype));
    });
    return std::vector<Array>{reduced_losses(losses, call.scalar(4).to_int64())};
  };
  const auto with = [](const Array& a, const Array& b, const Array& y, int64_t reduction) {
    return std::vector<Argument>{a, b, y, Scalar(0.0), Scalar(reduction)};
  };
  const Array x = blank({2, 3}), y({2}, kInt64);
  row.errors = {
      {"inputs", with(x, blank({2, 4}), y, 1), "cosine_embedding_loss.*\\(2, 3\\).*\\(2, 4\\)"},
      {"target", with(x, x, blank({3}), 1), "cosine_embedding_loss.*\\(2, 3\\) and \\(3\\)"},
      {"rank", with(blank({2, 3, 4}), blank({2, 3, 4}), blank({2, 3}), 1),
       "cosine_embedding_loss.*\\(N, D\\)"},
      {"numbers", with(blank({}), blank({}), blank({}), 1), "cosine_embedding_loss.*\\(N, D\\)"},
      {"integers", with(blank({2, 3}, kInt64), x, y, 1), "cosine_embedding_loss.*int64"},
      {"reduction", with(x, x, y, 5), "cosine_embedding_loss.*reduction.*5"}};
  rows.push_back(std::move(row));
}

// anchor, positive, negative, margin, p, eps, swap, reduction
void add_triplet(std::vector<SampleRow>& rows) {
  SampleRow row = pair_row("triplet_margin_loss");
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : {Shape{4, 3}, Shape{5}, Shape{2, 3, 2}, Shape{30, 4}})
      for (const bool swap : {false, true})
        for (const int64_t reduction : {1, 2, 0}) {
          Call call{tensors(random, dtype, {sizes, sizes, sizes}), sizes.numel() < 60};
          const double p = reduction == 2 ? 1 : 2;
          for (const Scalar& scalar :
               {Scalar(2.0), Scalar(p), Scalar(0.25), Scalar(swap), Scalar(reduction)})
            call.arguments.emplace_back(scalar);
          calls.push_back(std::move(call));
        }
    return calls;
  };
  row.expect = [](const Call& call) {
    const Shape sizes = call.array(0).sizes;
    const int64_t dim = sizes.rank() - 1;
    const double p = call.scalar(4).to_double(), eps = call.scalar(5).to_double();
    Array losses(sizes.slice(0, dim), call.array(0).dtype);
    for_each(losses.sizes, [&](const Shape& index, size_t i) {
      const auto apart = [&](size_t a, size_t b) {
        return distance(line_at(call.array(a), sizes, dim, index),
                        line_at(call.array(b), sizes, dim, index), p, eps);
      };
      const Distance near = apart(0, 1), far = apart(0, 2), other = apart(1, 2);
      const double least = call.scalar(6).to_bool() ? std::min(far.value, other.value) : far.value;
      losses.values[i] = std::fmax(0, near.value - least + call.scalar(3).to_double());
      losses.magnitudes.push_back(8 * storage_roundings(losses.dtype) *
                                  (near.size + far.size + other.size + 2));
    });
    return std::vector<Array>{reduced_losses(losses, call.scalar(7).to_int64())};
  };
  const auto with = [](const Array& a, const Array& p, const Array& n, double margin,
                       int64_t reduction) {
    return std::vector<Argument>{
        a, p, n, Scalar(margin), Scalar(2.0), Scalar(1e-6), Scalar(false), Scalar(reduction)};
  };
  const Array x = blank({2, 3});
  row.errors = {
      {"positive", with(x, blank({3}), x, 1, 1), "triplet_margin_loss.*\\(2, 3\\).*\\(3\\)"},
      {"negative", with(x, x, blank({1, 3}), 1, 1), "triplet_margin_loss.*\\(2, 3\\).*\\(1, 3\\)"},
      {"numbers", with(blank({}), blank({}), blank({}), 1, 1), "dimension to measure along"},
      {"integers", with(x, x, blank({2, 3}, kInt64), 1, 1), "triplet_margin_loss.*int64"},
      {"margin", with(x, x, x, 0, 1), "triplet_margin_loss: margin.*got 0"},
      {"reduction", with(x, x, x, 1, 9), "triplet_margin_loss.*reduction.*9"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_pair_loss_samples(std::vector<SampleRow>& rows) {
  add_pairwise(rows);
  add_cdist(rows);
  add_cosine_similarity(rows);
  add_ranking(rows);
  add_cosine_embedding(rows);
  add_triplet(rows);
}

}  // namespace tenon::ops_test
