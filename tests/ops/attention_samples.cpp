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

// ---- bags of embeddings ----

// First row of every bag, and the end of the last.
std::vector<size_t> bag_bounds(const Call& call) {
  const Array& index = call.array(1);
  std::vector<size_t> bounds;
  if (index.sizes.rank() == 2) {
    for (int64_t b = 0; b <= index.sizes[0]; ++b)
      bounds.push_back(static_cast<size_t>(b * index.sizes[1]));
    return bounds;
  }
  for (const double offset : call.array(2).values) bounds.push_back(static_cast<size_t>(offset));
  if (!call.scalar(5, false).to_bool()) bounds.push_back(index.values.size());
  return bounds;
}

std::vector<Array> expect_bags(const Call& call) {
  const Array &weight = call.array(0), &index = call.array(1);
  const int64_t mode = call.scalar(3, 1).to_int64(), rows = weight.sizes[0],
                width = weight.sizes[1];
  const int64_t given = call.scalar(6).to_int64(), padding = given < 0 ? given + rows : given;
  const std::vector<size_t> bounds = bag_bounds(call);
  Array out({static_cast<int64_t>(bounds.size()) - 1, width}, weight.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for_each(out.sizes, [&](const Shape& at, size_t to) {
    double count = 0;
    for (size_t i = bounds[static_cast<size_t>(at[0])]; i < bounds[static_cast<size_t>(at[0]) + 1];
         ++i) {
      const auto named = static_cast<int64_t>(index.values[i]);
      if (call.has(6) && named == padding) continue;
      double value = weight.values[weight.offset({named, at[1]})];
      if (call.has(4)) value *= call.array(4).values[i];
      double& result = out.values[to];
      result = mode != 2 ? result + value : count == 0 ? value : std::max(result, value);
      out.magnitudes[to] += 16 * std::fabs(value), count += 1;
    }
    if (mode == 1 && count > 0) out.values[to] /= count;
  });
  return {out};
}

std::vector<Call> bag_calls(DType dtype, Random& random) {
  std::vector<Call> calls;
  const auto weight = [&] { return random.array({5, 3}, dtype, -2, 2); };
  const auto offsets = [](const std::vector<double>& at) {
    return Array({static_cast<int64_t>(at.size())}, kInt64, at);
  };
  for (const int64_t mode : {0, 1, 2}) {
    // max has kinks where rows repeat.
    calls.push_back({{weight(), indices({2, 4}, random, 5), {}, Scalar(mode)}, mode != 2});
    calls.push_back(
        {{weight(), indices({7}, random, 5), offsets({0, 2, 2, 6}), Scalar(mode)}, mode != 2});
    calls.push_back(
        {{weight(), indices({4}, random, 5), offsets({0, 1, 4}), Scalar(mode), {}, Scalar(true)}});
    calls.push_back(
        {{weight(), Array({2, 3}, kInt64, {0, 2, 4, 2, 2, 2}), {}, Scalar(mode), {}, {}, Scalar(2)},
         false});
    calls.push_back({{weight(),
                      Array({5}, kInt64, {4, 1, 3, 4, 0}),
                      offsets({0, 3}),
                      Scalar(mode),
                      {},
                      {},
                      Scalar(-1)},
                     false});
    calls.push_back({{weight(), indices({2, 0}, random, 5), {}, Scalar(mode)}});
    calls.push_back({{weight(), indices({0}, random, 5), offsets({0, 0}), Scalar(mode)}});
  }
  calls.push_back(
      {{weight(), indices({2, 3}, random, 5), {}, Scalar(0), random.array({2, 3}, dtype, -2, 2)}});
  calls.push_back({{weight(), indices({5}, random, 5, kInt32), offsets({0, 3}), Scalar(0),
                    random.array({5}, dtype, -2, 2)}});
  return calls;
}

void add_embedding_bag(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "embedding_bag";
  row.dtypes = kFloats;
  row.layouts = kAllLayouts & ~(kBroadcast | kMixed);  // offsets must rise
  row.calls = bag_calls;
  row.expect = expect_bags;
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  const Array w = blank({5, 3}), two = blank({2, 4}, kInt64), one = blank({4}, kInt64);
  const Array starts = blank({2}, kInt64);
  row.errors = {
      {"rank", {w, blank({}, kInt64)}, "embedding_bag.*\\(B,n\\) or \\(n\\)"},
      {"no offsets", {w, one}, "embedding_bag.*offsets"},
      {"offsets too many", {w, two, starts}, "embedding_bag.*offsets.*\\(2, 4\\)"},
      {"offsets dtype", {w, one, blank({2})}, "embedding_bag.*offsets.*float32"},
      {"mode", {w, two, {}, Scalar(3)}, "embedding_bag.*mode must be.*3"},
      {"weights", {w, two, {}, Scalar(1), blank({2, 4})}, "embedding_bag.*sums only"},
      {"weights sizes", {w, two, {}, Scalar(0), blank({4, 2})}, "embedding_bag.*\\(4, 2\\)"},
      {"integers", {blank({5, 3}, kInt64), two}, "embedding_bag.*floating"},
      {"padding", {w, two, {}, {}, {}, {}, Scalar(5)}, "padding_idx.*5"},
      {"index", {w, Array({1, 1}, kInt64, {5})}, "index|indices"}};
  rows.push_back(std::move(row));
}

// ---- rotary positions ----

void add_rope(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "rope";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes :
         {Shape{3, 4}, Shape{2, 2, 5, 6}, Shape{0, 4}, Shape{2, 0}, Shape{1, 2}})
      for (const bool interleaved : {false, true})
        calls.push_back(
            {{random.array(sizes, dtype, -2, 2), {}, {}, Scalar(interleaved)}, sizes.numel() < 30});
    calls.push_back({{random.array({3, 4}, dtype, -2, 2), Scalar(100), Scalar(7)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& x = call.array(0);
    const int64_t rank = x.sizes.rank(), pairs = x.sizes[rank - 1] / 2;
    const bool interleaved = call.scalar(3, false).to_bool();
    Array out(x.sizes, x.dtype);
    out.magnitudes.assign(out.values.size(), 0);
    for_each(x.sizes, [&](const Shape& at, size_t i) {
      const int64_t d = at[rank - 1], pair = interleaved ? d / 2 : d % pairs;
      const bool second = interleaved ? d % 2 == 1 : d >= pairs;
      Shape other = at;
      other[rank - 1] += (second ? -1 : 1) * (interleaved ? 1 : pairs);
      const double angle = static_cast<double>(at[rank - 2] + call.scalar(2).to_int64()) *
                           std::pow(call.scalar(1, 10000).to_double(),
                                    -static_cast<double>(pair) / static_cast<double>(pairs));
      const double own = x.values[i], partner = x.values[x.offset(other)];
      out.values[i] = own * std::cos(angle) + (second ? 1 : -1) * partner * std::sin(angle);
      out.magnitudes[i] = (std::fabs(own) + std::fabs(partner)) * (16 + 4 * angle);
    });
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.errors = {{"rank", {blank({4})}, "rope.*\\(...,T,D\\).*\\(4\\)"},
                {"number", {blank({})}, "rope.*\\(...,T,D\\)"},
                {"odd", {blank({2, 3})}, "rope.*even.*\\(2, 3\\)"},
                {"base", {blank({2, 4}), Scalar(0)}, "rope.*base"},
                {"integers", {blank({2, 4}, kInt64)}, "rope.*floating"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_attention_samples(std::vector<SampleRow>& rows) {
  add_embedding(rows);
  add_embedding_grad(rows);
  add_attention(rows);
  add_embedding_bag(rows);
  add_rope(rows);
}

}  // namespace tenon::ops_test
