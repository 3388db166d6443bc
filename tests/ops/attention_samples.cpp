// Scaled dot product attention and embeddings, by the definition.
#include <algorithm>
#include <cmath>

#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

// ---- embedding and its gradient ----

Array indices(const Shape& sizes, Random& random, int64_t rows, DType dtype = kInt64) {
  return random.array(sizes, dtype, 0, static_cast<double>(rows - 1));
}

const std::vector<Shape> kIndexSizes = {{3}, {2, 4}, {}, {0}, {2, 0}, {2, 1, 2}, {40}};

void add_embedding(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "embedding";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : kIndexSizes)
      calls.push_back({{random.array({5, 3}, dtype, -4, 4), indices(sizes, random, 5)}});
    calls.push_back({{random.array({5, 3}, dtype, -4, 4), indices({6}, random, 5), Scalar(2)}});
    calls.push_back({{random.array({3, 2}, dtype, -4, 4), indices({6}, random, 3), Scalar(-1)}});
    calls.push_back({{random.array({3, 2}, dtype, -4, 4), indices({6}, random, 3, kInt32)}});
    calls.push_back({{random.array({1, 4}, dtype, -4, 4), indices({2}, random, 1)}});
    calls.push_back({{random.array({4, 0}, dtype, -4, 4), indices({2}, random, 4)}});
    // The values do not depend on it, the gradient does: no differences for these.
    for (size_t i : {7u, 8u}) calls[i].differentiable = false;
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &weight = call.array(0), &index = call.array(1);
    Array out(index.sizes + Shape{weight.sizes[1]}, weight.dtype);
    const auto width = static_cast<size_t>(weight.sizes[1]);
    for (size_t i = 0; i < out.values.size(); ++i)
      out.values[i] =
          weight.values[static_cast<size_t>(index.values[i / width]) * width + i % width];
    return std::vector<Array>{out};
  };
  row.gradient = true;
  const Array w = blank({3, 2}), ids = blank({2}, kInt64);
  row.errors = {{"rank", {blank({3}), ids}, "embedding.*\\(rows, values\\).*\\(3\\)"},
                {"weight rank", {blank({3, 2, 2}), ids}, "embedding.*\\(3, 2, 2\\)"},
                {"indices", {w, blank({2})}, "embedding.*int64 or int32, got .*float32"},
                {"padding", {w, ids, Scalar(3)}, "embedding.*padding_idx.*3 rows.*3"},
                {"negative padding", {w, ids, Scalar(-4)}, "embedding.*padding_idx.*-4"},
                {"index", {w, Array({1}, kInt64, {3})}, "index|indices"},
                {"negative index", {w, Array({1}, kInt64, {-1})}, "index|indices"},
                {"no rows", {blank({0, 2}), ids}, "embedding.*no rows"}};
  rows.push_back(std::move(row));
}

void add_embedding_grad(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "embedding_dense_backward";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : kIndexSizes)
      calls.push_back(
          {{random.array(sizes + Shape{3}, dtype, -2, 2), indices(sizes, random, 5), Scalar(5)}});
    for (const Scalar padding : {Scalar(1), Scalar(-1)})
      for (const bool scaled : {false, true})
        calls.push_back({{random.array({8, 2}, dtype, -2, 2), indices({8}, random, 3), Scalar(3),
                          padding, Scalar(scaled)}});
    calls.push_back({{random.array({2, 3, 2}, dtype, -2, 2),
                      indices({2, 3}, random, 3, kInt32),
                      Scalar(4),
                      {},
                      Scalar(true)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &grad = call.array(0), &index = call.array(1);
    const int64_t count = call.scalar(2).to_int64(), width = grad.sizes[grad.sizes.rank() - 1];
    const int64_t given = call.scalar(3).to_int64(), padding = given < 0 ? given + count : given;
    Array out({count, width}, grad.dtype);
    out.magnitudes.assign(out.values.size(), 0);
    for (size_t i = 0; i < grad.values.size(); ++i) {
      const double named = index.values[i / static_cast<size_t>(width)];
      if (call.has(3) && static_cast<int64_t>(named) == padding) continue;
      const auto times = std::count(index.values.begin(), index.values.end(), named);
      const double part =
          grad.values[i] / (call.scalar(4, false).to_bool() ? static_cast<double>(times) : 1);
      const size_t to =
          static_cast<size_t>(named) * static_cast<size_t>(width) + i % static_cast<size_t>(width);
      out.values[to] += part, out.magnitudes[to] += 16 * std::fabs(part);
    }
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  const Array g = blank({2, 3}), ids = blank({2}, kInt64);
  row.errors = {
      {"sizes",
       {g, blank({3}, kInt64), Scalar(4)},
       "embedding_dense_backward.*\\(2, 3\\).*\\(3\\)"},
      {"rank", {blank({}), ids, Scalar(4)}, "embedding_dense_backward.*one dimension more"},
      {"indices", {g, blank({2}), Scalar(4)}, "embedding_dense_backward.*int64"},
      {"integers", {blank({2, 3}, kInt64), ids, Scalar(4)}, "embedding_dense_backward.*floating"},
      {"rows", {g, ids, Scalar(0)}, "embedding_dense_backward.*at least 1"},
      {"padding", {g, ids, Scalar(4), Scalar(4)}, "embedding_dense_backward.*padding_idx"},
      {"index", {g, Array({2}, kInt64, {0, 4}), Scalar(4)}, "index|indices"}};
  rows.push_back(std::move(row));
}

// ---- attention ----

struct Heads {
  Shape query, key, value;
  Shape mask = {};
};

// Element of the operand whose batch dimensions broadcast to those of the result.
double element(const Array& x, const Shape& batch, int64_t row, int64_t column, int64_t repeat) {
  Shape at = x.sizes;
  const int64_t own = x.sizes.rank() - 2, lead = batch.rank() - own;
  for (int64_t d = 0; d < own; ++d) {
    const int64_t i = d == own - 1 ? batch[d + lead] / repeat : batch[d + lead];
    at[d] = x.sizes[d] == 1 ? 0 : i;
  }
  at[own] = row, at[own + 1] = column;
  return x.values[x.offset(at)];
}

// Of query i and key j: -Inf where it is hidden.
double bias(const Call& call, const Shape& batch, int64_t i, int64_t j) {
  if (call.scalar(5, false).to_bool() && j > i) return -INFINITY;
  if (!call.has(3)) return 0;
  const double value = call.array(3).at(batch + Shape{i, j});
  if (call.array(3).dtype == kBool) return value != 0 ? 0 : -INFINITY;
  return value;
}

std::vector<Array> expect_attention(const Call& call) {
  const Array &q = call.array(0), &k = call.array(1), &v = call.array(2);
  const int64_t rank = q.sizes.rank(), keys = k.sizes[k.sizes.rank() - 2];
  const int64_t width = q.sizes[rank - 1];
  const double scale = call.scalar(6, 1 / std::sqrt(static_cast<double>(width))).to_double();
  const bool grouped = call.scalar(7, false).to_bool();
  const auto repeat = [&](const Array& x) {
    return grouped ? q.sizes[rank - 3] / x.sizes[x.sizes.rank() - 3] : int64_t{1};
  };
  const auto batch_of = [](const Array& x) { return x.sizes.slice(0, x.sizes.rank() - 2); };
  Shape batch = batch_of(q);
  if (!grouped) batch = broadcast(broadcast(batch, batch_of(k)), batch_of(v));
  Array out(batch + Shape{q.sizes[rank - 2], v.sizes[v.sizes.rank() - 1]}, q.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for_each(out.sizes, [&](const Shape& index, size_t at) {
    const Shape b = index.slice(0, batch.rank());
    const int64_t i = index[batch.rank()], column = index[batch.rank() + 1];
    std::vector<double> scores;
    double greatest = -INFINITY, size = 0;
    for (int64_t j = 0; j < keys; ++j) {
      double score = 0, sum = 0;
      for (int64_t e = 0; e < width; ++e) {
        const double product = element(q, b, i, e, 1) * element(k, b, j, e, repeat(k)) * scale;
        score += product, sum += std::fabs(product);
      }
      scores.push_back(score + bias(call, b, i, j));
      greatest = std::max(greatest, scores.back());
      size = std::max(size, sum + (std::isfinite(scores.back()) ? std::fabs(scores.back()) : 0));
    }
    if (std::isinf(greatest)) return;  // sees nothing: 0
    double total = 0, sum = 0, spread = 0;
    for (int64_t j = 0; j < keys; ++j) {
      const double power = std::exp(scores[static_cast<size_t>(j)] - greatest);
      const double value = element(v, b, j, column, repeat(v));
      total += power, sum += power * value, spread += power * std::fabs(value);
    }
    out.values[at] = sum / total;
    // Rounded to the dtype: the scaled query, the scores, the weights.
    out.magnitudes[at] = spread / total * (4 * size + 4) * (storage_roundings(q.dtype) + 16);
  });
  return {out};
}

Call attention(const Heads& h, DType dtype, Random& random) {
  const Array q = random.array(h.query, dtype, -2, 2), k = random.array(h.key, dtype, -2, 2);
  return {{q, k, random.array(h.value, dtype, -2, 2)}};
}

std::vector<Call> attention_calls(DType dtype, Random& random) {
  std::vector<Call> calls;
  for (const Heads& h : {Heads{{2, 3}, {4, 3}, {4, 2}},
                         {{2, 3, 4}, {2, 5, 4}, {2, 5, 3}},
                         {{2, 2, 3, 2}, {2, 2, 3, 2}, {2, 2, 3, 2}},
                         {{2, 1, 3, 2}, {1, 2, 4, 2}, {4, 2}},
                         {{0, 3, 2}, {0, 4, 2}, {0, 4, 2}},
                         {{2, 0, 3}, {2, 4, 3}, {2, 4, 2}},
                         {{2, 3}, {0, 3}, {0, 4}},
                         {{2, 4, 16, 8}, {2, 4, 16, 8}, {2, 4, 16, 8}}}) {
    calls.push_back(attention(h, dtype, random));
    calls.back().differentiable = calls.back().array(0).sizes.numel() < 60;
    Call causal = calls.back();
    causal.arguments.resize(8);
    causal.arguments[5] = Scalar(true);
    calls.push_back(causal);
  }
  const Heads plain = {{2, 2, 3, 4}, {2, 2, 5, 4}, {2, 2, 5, 3}};
  for (const Shape& mask : {Shape{3, 5}, Shape{2, 1, 1, 5}, Shape{2, 2, 3, 5}}) {
    Call some = attention(plain, dtype, random), added = some;
    Array seen = random.array(mask, kBool, 0, 1);
    for (size_t i = 0; i < 5; ++i) seen.values[i] = 0;  // the first query sees nothing
    some.arguments.push_back(seen);
    added.arguments.push_back(random.array(mask, dtype, -2, 2));
    calls.push_back(some);
    calls.push_back(added);
    std::get<Array>(added.arguments[3]).values[1] = -INFINITY;
    for (size_t i = 0; i < 5; ++i) std::get<Array>(added.arguments[3]).values[i] = -INFINITY;
    added.differentiable = false;
    calls.push_back(added);
  }
  Call wide_mask = attention(plain, dtype, random), scaled = wide_mask;
  wide_mask.arguments.push_back(random.array({3, 5}, kFloat32, -2, 2));
  wide_mask.differentiable = false;
  scaled.arguments.resize(8);
  scaled.arguments[6] = Scalar(0.3);
  calls.push_back(wide_mask);
  calls.push_back(scaled);
  Call grouped = attention({{2, 4, 3, 2}, {2, 2, 5, 2}, {2, 1, 5, 3}}, dtype, random);
  grouped.arguments.resize(8);
  grouped.arguments[7] = Scalar(true);
  calls.push_back(grouped);
  return calls;
}

void add_attention(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "scaled_dot_product_attention";
  row.dtypes = kFloats;
  row.calls = attention_calls;
  row.expect = expect_attention;
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  const std::string op = "scaled_dot_product_attention";
  const Array q = blank({2, 3}), k = blank({4, 3}), v = blank({4, 2});
  const Array q4 = blank({1, 4, 2, 3}), k4 = blank({1, 3, 5, 3}), v4 = blank({1, 3, 5, 3});
  row.errors = {
      {"rank", {blank({3}), k, v}, op + ".*2 dimensions"},
      {"E", {blank({2, 2}), k, v}, op + ".*\\(2, 2\\).*\\(4, 3\\)"},
      {"S", {q, k, blank({3, 2})}, op + ".*\\(4, 3\\).*\\(3, 2\\)"},
      {"integers", {blank({2, 3}, kInt64), k, v}, op + ".*floating"},
      {"dtypes", {q, blank({4, 3}, kFloat64), v}, op + ".*same dtype"},
      {"mask dtype", {q, k, v, blank({2, 4}, kInt64)}, op + ".*attn_mask must be bool"},
      {"mask sizes", {q, k, v, blank({2, 3}, kBool)}, "\\(2, 3\\)"},
      {"mask rank", {q, k, v, blank({4}, kBool)}, op + ".*attn_mask.*\\(4\\)"},
      {"mask and causal", {q, k, v, blank({2, 4}), {}, Scalar(true)}, op + ".*is_causal"},
      {"dropout", {q, k, v, {}, Scalar(1.5)}, op + ".*\\[0, 1\\].*1.5"},
      {"heads", {q4, k4, v4, {}, {}, {}, {}, Scalar(true)}, op + ".*multiple.*4 and 3"},
      {"no heads", {q, k, v, {}, {}, {}, {}, Scalar(true)}, op + ".*heads in dimension -3"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_attention_samples(std::vector<SampleRow>& rows) {
  add_embedding(rows);
  add_embedding_grad(rows);
  add_attention(rows);
}

}  // namespace tenon::ops_test
