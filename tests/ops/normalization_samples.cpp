// Batch, instance, layer, group and RMS normalisation, in double by the definition.
#include <algorithm>
#include <cmath>
#include <map>

#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

// ---- statistics over groups of elements ----

struct Statistics {
  double count = 0, mean = 0, var = 0;
  double greatest = 0;  // of |x|
};
using GroupOf = std::function<Shape(const Shape&)>;  // of an element, by its index
using Parameter = std::function<double(const Shape&)>;

struct Groups {
  std::map<std::vector<int64_t>, Statistics> all;
  GroupOf group_of;
  [[nodiscard]] const Statistics& at(const Shape& index) const { return all.at(key(index)); }
  [[nodiscard]] std::vector<int64_t> key(const Shape& index) const {
    const Shape group = group_of(index);
    return {group.begin(), group.end()};
  }
};

// Mean and biased variance of each group; uncentred: the mean counts as 0.
Groups statistics(const Array& x, const GroupOf& group_of, bool centred = true) {
  Groups groups{{}, group_of};
  const auto visit = [&](const std::function<void(Statistics&, double)>& f) {
    for_each(x.sizes,
             [&](const Shape& i, size_t at) { f(groups.all[groups.key(i)], x.values[at]); });
  };
  visit([](Statistics& s, double v) {
    s.count += 1, s.mean += v, s.greatest = std::max(s.greatest, std::fabs(v));
  });
  for (auto& [key, s] : groups.all) s.mean = centred ? s.mean / s.count : 0;
  visit([](Statistics& s, double v) { s.var += (v - s.mean) * (v - s.mean) / s.count; });
  return groups;
}

// Roundings of a mean, and of what is divided by a deviation that was computed from it.
double roundings(const Statistics& s, double eps) {
  return (16 + 2 * std::sqrt(s.count)) * (1 + s.greatest / std::sqrt(s.var + eps));
}

Array standardized(const Array& x, const Groups& groups, double eps, const Parameter& weight,
                   const Parameter& bias) {
  Array out(x.sizes, x.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for_each(x.sizes, [&](const Shape& i, size_t at) {
    const Statistics& s = groups.at(i);
    const double unit = (x.values[at] - s.mean) / std::sqrt(s.var + eps);
    out.values[at] = unit * weight(i) + bias(i);
    out.magnitudes[at] =
        (std::fabs(unit) + 1) * std::fabs(weight(i)) * roundings(s, eps) + 2 * std::fabs(bias(i));
  });
  return out;
}

// Argument i, broadcast; `fallback` when there is none.
Parameter parameter(const Call& call, size_t i, double fallback) {
  if (!call.has(i)) return [fallback](const Shape&) { return fallback; };
  return [array = call.array(i)](const Shape& index) { return array.at(index); };
}

// Argument i as one value per channel.
Parameter per_channel(const Call& call, size_t i, double fallback) {
  if (!call.has(i)) return [fallback](const Shape&) { return fallback; };
  return [array = call.array(i)](const Shape& index) {
    return array.values[static_cast<size_t>(index[1])];
  };
}

// Groups of elements that differ in the reduced dimensions only.
GroupOf without(const Shape& dims, int64_t rank) {
  return [dims, rank](const Shape& index) {
    Shape group = index;
    for (const int64_t d : dims) group[d < 0 ? d + rank : d] = 0;
    return group;
  };
}

double number(const Call& call, size_t i, double fallback) {
  return call.scalar(i, fallback).to_double();
}

DType accumulator(DType dtype) { return dtype == kFloat64 ? kFloat64 : kFloat32; }

// ---- standardize and its gradient ----

struct Case {
  Shape input, parameters, dims;
};
const std::vector<Case> kCases = {
    {{4, 3, 5}, {1, 3, 1}, {0, 2}},
    {{4, 6}, {6}, {1}},
    {{2, 2, 3, 2}, {1, 2, 3, 1}, {2, 3}},
    {{2, 3, 4}, {3, 4}, {1, 2}},
    {{5, 1, 2}, {1, 2}, {-2, -1}},
    {{0, 3}, {3}, {1}},
    {{3, 0, 2}, {1, 1, 2}, {0, 1}},
    {{7}, {7}, {0}},
    {{3, 70}, {70}, {1}},
};

Array keepdims(const Array& x, const Groups& groups, const Shape& dims, bool mean, double eps) {
  Shape sizes = x.sizes;
  for (const int64_t d : dims) sizes[d < 0 ? d + sizes.rank() : d] = 1;
  Array out(sizes, accumulator(x.dtype));
  out.magnitudes.assign(out.values.size(), 0);
  if (x.values.empty()) return out;
  for_each(sizes, [&](const Shape& i, size_t at) {
    const Statistics& s = groups.at(i);
    out.values[at] = mean ? s.mean : s.var;
    const double size = mean ? 1 : s.greatest * 4;
    out.magnitudes[at] = size * (s.greatest + eps) * (8 + 2 * std::sqrt(s.count));
  });
  return out;
}

void add_standardize(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "standardize";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Case& c : kCases)
      calls.push_back(
          {{random.array(c.input, dtype, -2, 3), random.array(c.parameters, dtype, -2, 2),
            random.array(c.parameters, dtype, -2, 2), c.dims, Scalar(0.1)}});
    Call plain = calls[0], weighted = calls[1], shifted = calls[3];
    plain.arguments[1] = plain.arguments[2] = std::monostate{};
    weighted.arguments[2] = std::monostate{};
    shifted.arguments[1] = std::monostate{};
    for (const Call& call : {plain, weighted, shifted}) calls.push_back(call);
    // f32 parameters join every dtype; a large mean must not drown the deviation.
    Call far = {{random.array({4, 8}, dtype, 60, 64), random.array({8}, accumulator(dtype), -2, 2),
                 random.array({8}, accumulator(dtype), -2, 2), Shape{1}},
                false};
    calls.push_back(far);
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& x = call.array(0);
    const double eps = number(call, 4, 1e-5);
    const Groups groups = statistics(x, without(call.shape(3), x.sizes.rank()));
    return std::vector<Array>{
        keepdims(x, groups, call.shape(3), true, eps),
        keepdims(x, groups, call.shape(3), false, eps),
        standardized(x, groups, eps, parameter(call, 1, 1), parameter(call, 2, 0))};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.errors = {
      {"weight", {blank({2, 3}), blank({2}), {}, Shape{1}}, "standardize.*weight.*\\(2\\)"},
      {"bias", {blank({2, 3}), {}, blank({2, 2, 3}), Shape{1}}, "standardize.*bias.*\\(2, 2, 3\\)"},
      {"integers", {blank({2, 3}, kInt64), {}, {}, Shape{1}}, "standardize.*floating"},
      {"dim", {blank({2, 3}), {}, {}, Shape{2}}, "standardize.*Dimension out of range"},
      {"dim twice", {blank({2, 3}), {}, {}, Shape{1, -1}}, "standardize.*twice"},
      {"rank", {blank({}), {}, {}, Shape{}}, "standardize.*one dimension"},
      {"dtypes", {blank({2, 3}), blank({3}, kFloat64), {}, Shape{1}}, "standardize.*dtype"}};
  rows.push_back(std::move(row));
}

// x̂ and h = grad·weight; input rstd·(h - mean h - x̂·mean h·x̂), weight Σ grad·x̂, bias Σ grad.
std::vector<Array> expect_grad(const Call& call) {
  const Array &grad = call.array(0), &x = call.array(1), &var = call.array(3);
  const bool centred = call.has(2);
  const double eps = number(call, 6, 1e-5);
  const Parameter weight = parameter(call, 4, 1), mean = parameter(call, 2, 0);
  const auto unit_at = [&](const Shape& i, size_t at) {
    return (x.values[at] - mean(i)) / std::sqrt(var.at(i) + eps);
  };
  struct Sums {
    double count = 0, h = 0, product = 0, size = 0;
  };
  std::map<std::vector<int64_t>, Sums> groups;
  const GroupOf group_of = without(call.shape(5), x.sizes.rank());
  const auto key = [&](const Shape& i) {
    const Shape group = group_of(i);
    return std::vector<int64_t>(group.begin(), group.end());
  };
  for_each(x.sizes, [&](const Shape& i, size_t at) {
    Sums& s = groups[key(i)];
    const double h = grad.values[at] * weight(i), unit = unit_at(i, at);
    s.count += 1, s.h += h, s.product += h * unit;
    s.size += std::fabs(h) * (1 + std::fabs(unit));
  });
  Array dx(x.sizes, x.dtype);
  dx.magnitudes.assign(dx.values.size(), 0);
  for_each(x.sizes, [&](const Shape& i, size_t at) {
    const Sums& s = groups.at(key(i));
    const double h = grad.values[at] * weight(i), unit = unit_at(i, at);
    const double rstd = 1 / std::sqrt(var.at(i) + eps);
    dx.values[at] = rstd * (h - (centred ? s.h / s.count : 0) - unit * s.product / s.count);
    dx.magnitudes[at] = rstd * (1 + std::fabs(unit)) *
                        (std::fabs(h) + s.size / s.count * (16 + 2 * std::sqrt(s.count)));
  });
  if (!call.has(4)) return {dx};
  Array dw(call.array(4).sizes, call.array(4).dtype), db = dw;
  dw.magnitudes.assign(dw.values.size(), 0), db.magnitudes = dw.magnitudes;
  for_each(x.sizes, [&](const Shape& i, size_t at) {
    Shape own = dw.sizes;
    const int64_t lead = i.rank() - own.rank();
    for (int64_t d = 0; d < own.rank(); ++d) own[d] = own[d] == 1 ? 0 : i[d + lead];
    const size_t to = dw.offset(own);
    const double term = grad.values[at] * unit_at(i, at);
    dw.values[to] += term, dw.magnitudes[to] += 32 * std::fabs(term);
    db.values[to] += grad.values[at], db.magnitudes[to] += 32 * std::fabs(grad.values[at]);
  });
  return {dx, dw, db};
}

void add_standardize_grad(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "standardize_grad";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Case& c : kCases) {
      Shape statistics = c.input;
      for (const int64_t d : c.dims) statistics[d < 0 ? d + c.input.rank() : d] = 1;
      calls.push_back({{random.array(c.input, dtype, -2, 2), random.array(c.input, dtype, -2, 3),
                        random.array(statistics, accumulator(dtype), -1, 1),
                        random.array(statistics, accumulator(dtype), 0.25, 2),
                        random.array(c.parameters, dtype, -2, 2), c.dims, Scalar(0.1)}});
      Call plain = calls.back(), uncentred = calls.back();
      plain.arguments[4] = std::monostate{};
      uncentred.arguments[2] = std::monostate{};
      calls.push_back(plain);
      calls.push_back(uncentred);
    }
    return calls;
  };
  row.expect = expect_grad;
  row.tolerance = Tolerance::kSum;
  const Array x = blank({2, 3}), s = blank({2, 1});
  row.errors = {
      {"grad", {blank({3, 2}), x, s, s, {}, Shape{1}}, "standardize_grad.*grad.*\\(3, 2\\)"},
      {"mean", {x, x, blank({2, 3}), s, {}, Shape{1}}, "standardize_grad.*\\(2, 1\\).*\\(2, 3\\)"},
      {"var", {x, x, s, blank({1, 3}), {}, Shape{1}}, "standardize_grad.*\\(2, 1\\).*\\(1, 3\\)"},
      {"weight", {x, x, s, s, blank({2}), Shape{1}}, "standardize_grad.*weight"},
      {"dtypes", {blank({2, 3}, kFloat64), x, s, s, {}, Shape{1}}, "standardize_grad.*grad"},
      {"integers",
       {blank({2, 3}, kInt32), blank({2, 3}, kInt32), s, s, {}, Shape{1}},
       "standardize_grad.*floating"}};
  rows.push_back(std::move(row));
}

// ---- over the last dimensions ----

struct LastCase {
  Shape input, normalized;
};
const std::vector<LastCase> kLast = {{{4, 6}, {6}},       {{2, 3, 4}, {3, 4}}, {{2, 3, 4}, {4}},
                                     {{5}, {5}},          {{0, 4}, {4}},       {{2, 0}, {0}},
                                     {{3, 1, 2}, {1, 2}}, {{2, 130}, {130}}};

Shape last_dims(int64_t count) {
  Shape dims;
  for (int64_t d = 1; d <= count; ++d) dims.push_back(-d);
  return dims;
}

std::vector<ErrorRow> last_errors(const std::string& op) {
  return {{"sizes", {blank({2, 3}), Shape{2}}, op + ".*\\(2\\).*\\(2, 3\\)"},
          {"rank", {blank({3}), Shape{2, 3}}, op + ".*\\(2, 3\\).*\\(3\\)"},
          {"nothing", {blank({3}), Shape{}}, op + ".*at least one dimension"},
          {"weight", {blank({2, 3}), Shape{3}, blank({2})}, op + ".*\\(3\\).*\\(2\\)"},
          {"integers", {blank({2, 3}, kInt64), Shape{3}}, op + ".*floating"},
          {"dtypes", {blank({2, 3}), Shape{3}, blank({3}, kFloat64)}, op + ".*dtype"}};
}

void add_layer_norm(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "layer_norm";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const LastCase& c : kLast) {
      const Array x = random.array(c.input, dtype, -2, 3);
      calls.push_back({{x, c.normalized, random.array(c.normalized, dtype, -2, 2),
                        random.array(c.normalized, dtype, -2, 2), Scalar(0.1)},
                       c.input.numel() < 60});
      calls.push_back({{x, c.normalized}, false});
    }
    Call shifted = calls[0];
    shifted.arguments[2] = std::monostate{};
    calls.push_back(shifted);
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& x = call.array(0);
    const Groups groups = statistics(x, without(last_dims(call.shape(1).rank()), x.sizes.rank()));
    return std::vector<Array>{standardized(x, groups, number(call, 4, 1e-5), parameter(call, 2, 1),
                                           parameter(call, 3, 0))};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.errors = last_errors("layer_norm");
  row.errors.push_back(
      {"bias", {blank({2, 3}), Shape{3}, {}, blank({1, 3})}, "layer_norm.*\\(3\\).*\\(1, 3\\)"});
  rows.push_back(std::move(row));
}

void add_rms_norm(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "rms_norm";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const LastCase& c : kLast) {
      const Array x = random.array(c.input, dtype, -2, 3);
      calls.push_back({{x, c.normalized, random.array(c.normalized, dtype, -2, 2), Scalar(0.1)},
                       c.input.numel() < 60});
      calls.push_back({{x, c.normalized}, c.input.numel() < 60});
    }
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& x = call.array(0);
    const double least = accumulator_epsilon(x.dtype);
    const Groups groups =
        statistics(x, without(last_dims(call.shape(1).rank()), x.sizes.rank()), false);
    return std::vector<Array>{standardized(x, groups, number(call, 3, least), parameter(call, 2, 1),
                                           parameter(call, 9, 0))};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.errors = last_errors("rms_norm");
  rows.push_back(std::move(row));
}

// ---- per channel ----

const std::vector<Shape> kChannelInputs = {{4, 3},    {2, 3, 4},      {2, 2, 3, 2},   {1, 3, 2, 2},
                                           {0, 3, 2}, {3, 5, 10, 10}, {2, 2, 2, 1, 3}};

std::vector<ErrorRow> channel_errors(const std::string& op) {
  const Array x = blank({2, 3, 4}), c = blank({3}), bad = blank({2});
  return {{"rank", {blank({3}), c, c}, op + ".*\\(N,C,...\\).*\\(3\\)"},
          {"running_mean", {x, bad, c}, op + ".*running_mean.*\\(3\\).*\\(2\\)"},
          {"running_var", {x, c, bad}, op + ".*running_var.*\\(3\\).*\\(2\\)"},
          {"weight", {x, c, c, bad}, op + ".*weight.*\\(3\\).*\\(2\\)"},
          {"bias", {x, c, c, {}, bad}, op + ".*bias.*\\(3\\).*\\(2\\)"},
          {"one statistic", {x, c}, op + ".*go together"},
          {"integers", {blank({2, 3}, kInt64), c, c}, op + ".*floating"},
          {"no statistics", {x, {}, {}, {}, {}, Scalar(false)}, op + ".*evaluation mode"},
          {"dtypes", {x, c, c, blank({3}, kFloat64)}, op + ".*dtype"}};
}

// Calls with the statistics of the input, and with running ones.
std::vector<Call> channel_calls(DType dtype, Random& random, bool single_entries) {
  std::vector<Call> calls;
  for (const Shape& sizes : kChannelInputs) {
    const Shape channels = {sizes[1]};
    const auto draw = [&](double low, double high) {
      return random.array(channels, dtype, low, high);
    };
    const Array x = random.array(sizes, dtype, -2, 3);
    const bool small = sizes.numel() < 60;
    if (sizes.rank() > 2 || !single_entries)
      calls.push_back(
          {{x, {}, {}, draw(-2, 2), draw(-2, 2), Scalar(true), Scalar(0.1), Scalar(0.1)}, small});
    calls.push_back({{x, draw(-1, 1), draw(0.25, 2), draw(-2, 2), draw(-2, 2), Scalar(false)},
                     small && sizes[0] != 1});
    if (sizes.rank() > 2)
      calls.push_back({{x, {}, {}, {}, {}, Scalar(true), Scalar(0.1), Scalar(0.1)}, small});
    calls.push_back({{x, draw(-1, 1), draw(0.25, 2), {}, {}, Scalar(false)}, false});
  }
  return calls;
}

Array expect_channels(const Call& call, const GroupOf& group_of) {
  const Array& x = call.array(0);
  const double eps = number(call, 7, 1e-5);
  Groups groups = statistics(x, group_of);
  if (!call.scalar(5, false).to_bool()) {
    groups.all.clear();
    groups.group_of = [](const Shape& i) { return Shape{i[1]}; };
    for (int64_t c = 0; c < x.sizes[1]; ++c) {
      const auto at = static_cast<size_t>(c);
      groups.all[{c}] = {1, call.array(1).values[at], call.array(2).values[at], 4};
    }
  }
  return standardized(x, groups, eps, per_channel(call, 3, 1), per_channel(call, 4, 0));
}

void add_batch_norm(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "batch_norm";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) { return channel_calls(dtype, random, false); };
  row.expect = [](const Call& call) {
    return std::vector<Array>{expect_channels(call, [](const Shape& i) { return Shape{i[1]}; })};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.errors = channel_errors("batch_norm");
  row.errors.push_back({"one value",
                        {blank({1, 3, 1}), {}, {}, {}, {}, Scalar(true)},
                        "batch_norm.*more than 1 value per channel"});
  rows.push_back(row);
  row.op = "instance_norm";
  row.calls = [](DType dtype, Random& random) { return channel_calls(dtype, random, true); };
  row.expect = [](const Call& call) {
    return std::vector<Array>{expect_channels(call, [](const Shape& i) {
      return Shape{i[0], i[1]};
    })};
  };
  row.errors = channel_errors("instance_norm");
  row.errors.push_back({"one value", {blank({2, 3})}, "instance_norm.*more than 1 spatial"});
  rows.push_back(row);
}

void add_group_norm(std::vector<SampleRow>& rows) {
  struct GroupCase {
    Shape input;
    int64_t groups;
  };
  SampleRow row;
  row.op = "group_norm";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const GroupCase& c : {GroupCase{{2, 4, 3}, 2},
                               {{2, 6}, 3},
                               {{1, 3, 2, 2}, 1},
                               {{2, 3, 2, 2}, 3},
                               {{0, 4, 2}, 2},
                               {{2, 8, 9, 9}, 4},
                               {{3, 2, 0}, 2}}) {
      const Array x = random.array(c.input, dtype, -2, 3);
      const Shape channels = {c.input[1]};
      calls.push_back({{x, Scalar(c.groups), random.array(channels, dtype, -2, 2),
                        random.array(channels, dtype, -2, 2), Scalar(0.1)},
                       c.input.numel() < 60});
      calls.push_back({{x, Scalar(c.groups)}, false});
    }
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& x = call.array(0);
    const int64_t own = x.sizes[1] / call.scalar(1).to_int64();
    const Groups groups = statistics(x, [own](const Shape& i) { return Shape{i[0], i[1] / own}; });
    return std::vector<Array>{standardized(x, groups, number(call, 4, 1e-5),
                                           per_channel(call, 2, 1), per_channel(call, 3, 0))};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.errors = {
      {"groups", {blank({2, 3}), Scalar(2)}, "group_norm.*divisible.*\\(2, 3\\).*2"},
      {"no groups", {blank({2, 3}), Scalar(0)}, "group_norm.*divisible"},
      {"rank", {blank({3}), Scalar(3)}, "group_norm.*\\(N,C,...\\)"},
      {"one value", {blank({1, 3}), Scalar(3)}, "group_norm.*more than 1 value"},
      {"weight", {blank({2, 4}), Scalar(2), blank({2})}, "group_norm.*weight.*\\(4\\).*\\(2\\)"},
      {"bias", {blank({2, 4}), Scalar(2), {}, blank({4, 1})}, "group_norm.*bias"},
      {"integers", {blank({2, 4}, kInt64), Scalar(2)}, "group_norm.*floating"}};
  rows.push_back(std::move(row));
}

// ---- across channels, and of vectors ----

void add_local_response_norm(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "local_response_norm";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const int64_t size : {1, 2, 3, 5, 9})
      calls.push_back({{random.array({2, 4, 3}, dtype, -2, 2), Scalar(size), Scalar(0.5)}});
    calls.push_back({{random.array({1, 3, 2, 2}, dtype, -2, 2), Scalar(2), Scalar(0.5), Scalar(1.5),
                      Scalar(2)}});
    calls.push_back({{random.array({0, 3, 2}, dtype, -2, 2), Scalar(2)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& x = call.array(0);
    const int64_t size = call.scalar(1).to_int64();
    Array out(x.sizes, x.dtype);
    out.magnitudes.assign(out.values.size(), 0);
    for_each(x.sizes, [&](const Shape& i, size_t at) {
      double total = 0;
      for (int64_t c = i[1] - size / 2; c <= i[1] + (size - 1) / 2; ++c) {
        if (c < 0 || c >= x.sizes[1]) continue;
        Shape other = i;
        other[1] = c;
        total += std::pow(x.values[x.offset(other)], 2);
      }
      const double base =
          number(call, 4, 1) + number(call, 2, 1e-4) * total / static_cast<double>(size);
      out.values[at] = x.values[at] / std::pow(base, number(call, 3, 0.75));
      out.magnitudes[at] = std::fabs(out.values[at]) * 40;
    });
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.errors = {
      {"rank", {blank({2, 3}), Scalar(2)}, "local_response_norm.*\\(N,C,d...\\)"},
      {"size", {blank({2, 3, 4}), Scalar(0)}, "local_response_norm.*at least 1"},
      {"negative size", {blank({2, 3, 4}), Scalar(-1)}, "local_response_norm.*-1"},
      {"integers", {blank({2, 3, 4}, kInt64), Scalar(2)}, "local_response_norm.*floating"},
      {"bool", {blank({2, 3, 4}, kBool), Scalar(2)}, "local_response_norm.*floating"}};
  rows.push_back(std::move(row));
}

void add_normalize(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "normalize";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const double p : {2.0, 1.0, 3.0, 1.5, static_cast<double>(INFINITY)}) {
      Array x = random.array({2, 3, 4}, dtype, 0.25, 2);
      for (size_t i = 0; i < x.values.size(); i += 2) x.values[i] = -x.values[i];
      calls.push_back({{x, Scalar(p), Scalar(1)}});
      calls.push_back({{x, Scalar(p), Scalar(-1)}});
    }
    calls.push_back({{random.array({4, 50}, dtype, -2, 2)}, false});
    calls.push_back({{Array({2, 3}, dtype, {0, 0, 0, 3, 4, 0})}, false});  // 0 stays 0
    calls.push_back({{random.array({}, dtype, 1, 2), {}, Scalar(0)}});
    calls.push_back({{random.array({0, 3}, dtype, 1, 2)}});
    calls.push_back({{random.array({2, 3}, dtype, 0.5, 1), {}, {}, Scalar(8)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& x = call.array(0);
    const double p = number(call, 1, 2);
    const auto rank = std::max<int64_t>(x.sizes.rank(), 1);
    const int64_t given = call.scalar(2, 1).to_int64(), dim = given < 0 ? given + rank : given;
    Array out(x.sizes, x.dtype);
    out.magnitudes.assign(out.values.size(), 0);
    for_each(x.sizes, [&](const Shape& i, size_t at) {
      double total = 0;
      Shape other = i;
      const int64_t count = x.sizes.rank() == 0 ? 1 : x.sizes[dim];
      for (int64_t k = 0; k < count; ++k) {
        if (x.sizes.rank() > 0) other[dim] = k;
        const double size = std::fabs(x.values[x.offset(other)]);
        total = std::isinf(p) ? std::max(total, size) : total + std::pow(size, p);
      }
      const double norm = std::isinf(p) ? total : std::pow(total, 1 / p);
      out.values[at] = x.values[at] / std::max(norm, number(call, 3, 1e-12));
      out.magnitudes[at] =
          std::fabs(out.values[at]) * (40 + 4 * std::sqrt(static_cast<double>(count)));
    });
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.errors = {{"dim", {blank({2, 3}), Scalar(2), Scalar(2)}, "normalize.*Dimension out of range"},
                {"default dim", {blank({3})}, "normalize.*Dimension out of range"},
                {"integers", {blank({2, 3}, kInt64)}, "normalize.*floating"},
                {"bool", {blank({2, 3}, kBool)}, "normalize.*floating"},
                {"p", {blank({2, 3}), Scalar(0)}, "normalize.*p must be greater"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_normalization_samples(std::vector<SampleRow>& rows) {
  add_standardize(rows);
  add_standardize_grad(rows);
  add_layer_norm(rows);
  add_rms_norm(rows);
  add_batch_norm(rows);
  add_group_norm(rows);
  add_local_response_norm(rows);
  add_normalize(rows);
}

}  // namespace tenon::ops_test
