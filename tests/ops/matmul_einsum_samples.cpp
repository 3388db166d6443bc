// einsum, by loops over all of an equation's labels.
#include <cmath>
#include <map>

#include "ops/matmul_samples.h"

namespace tenon::ops_test {
namespace {

struct Equation {
  std::vector<std::string> inputs;  // one label per dimension; "..." became digits
  std::string output;
};

std::string spread_ellipsis(std::string labels, int64_t count) {
  const size_t at = labels.find("...");
  if (at == std::string::npos) return labels;
  std::string digits;  // counted from the right, as broadcasting does
  for (int64_t d = count - 1; d >= 0; --d) digits += static_cast<char>('0' + d);
  return labels.replace(at, 3, digits);
}

Equation read(std::string text, const std::vector<Array>& operands) {
  std::erase(text, ' ');
  Equation e;
  const size_t arrow = text.find("->");
  std::string left = text.substr(0, arrow);
  int64_t widest = 0;
  std::map<char, int> uses;
  for (const Array& operand : operands) {
    const std::string labels = left.substr(0, left.find(','));
    left.erase(0, labels.size() + 1);
    const bool open = labels.find("...") != std::string::npos;
    const auto letters = static_cast<int64_t>(labels.size()) - (open ? 3 : 0);
    const int64_t rest = operand.sizes.rank() - letters;
    widest = std::max(widest, rest);
    e.inputs.push_back(spread_ellipsis(labels, rest));
    for (const char label : labels) ++uses[label];
  }
  if (arrow != std::string::npos) {
    e.output = spread_ellipsis(text.substr(arrow + 2), widest);
    return e;
  }
  e.output = spread_ellipsis("...", widest);
  for (const auto& [label, count] : uses)
    if (label != '.' && count == 1) e.output += label;
  return e;
}

std::vector<Array> expect_einsum(const Call& call) {
  const auto& operands = std::get<std::vector<Array>>(call.arguments[1]);
  const Equation e = read(std::get<std::string>(call.arguments[0]), operands);
  std::map<char, int64_t> size, at;
  for (size_t i = 0; i < operands.size(); ++i)
    for (size_t d = 0; d < e.inputs[i].size(); ++d) {
      int64_t& known = size.try_emplace(e.inputs[i][d], 1).first->second;
      if (known == 1) known = operands[i].sizes[static_cast<int64_t>(d)];
    }
  Shape kept, summed;
  std::string rest;
  for (const char label : e.output) kept.push_back(size[label]);
  for (const auto& [label, extent] : size)
    if (e.output.find(label) == std::string::npos) rest += label, summed.push_back(extent);
  Array out(kept, operands[0].dtype);
  out.magnitudes.assign(out.values.size(), 0);
  const double roundings = static_cast<double>(summed.numel()) + 8 * storage_roundings(out.dtype);
  for_each(kept, [&](const Shape& index, size_t i) {
    for (size_t d = 0; d < e.output.size(); ++d) at[e.output[d]] = index[static_cast<int64_t>(d)];
    for_each(summed, [&](const Shape& inner, size_t) {
      for (size_t d = 0; d < rest.size(); ++d) at[rest[d]] = inner[static_cast<int64_t>(d)];
      double term = 1;
      for (size_t o = 0; o < operands.size(); ++o) {
        Shape place = operands[o].sizes;
        for (int64_t d = 0; d < place.rank(); ++d)
          place[d] = place[d] == 1 ? 0 : at[e.inputs[o][static_cast<size_t>(d)]];
        term *= operands[o].values[operands[o].offset(place)];
      }
      out.values[i] += term;
      out.magnitudes[i] += roundings * std::fabs(term);
    });
    if (!is_floating_point(out.dtype))
      out.values[i] = wrapped(static_cast<int64_t>(out.values[i]), out.dtype);
  });
  return {out};
}

const std::vector<std::pair<std::string, std::vector<Shape>>> kEquations = {
    {"ij,jk->ik", {{3, 4}, {4, 5}}},
    {"ij,jk", {{3, 4}, {4, 5}}},
    {"bij,bjk->bik", {{2, 3, 4}, {2, 4, 2}}},
    {"i,i->", {{5}, {5}}},
    {"i,j->ij", {{3}, {4}}},
    {"ij->ji", {{3, 4}}},
    {"ba", {{3, 4}}},  // sorted: transposes
    {"ij->", {{3, 4}}},
    {"ij->j", {{3, 4}}},
    {"ii->i", {{3, 3}}},
    {"ii", {{3, 3}}},
    {"iji->j", {{3, 2, 3}}},
    {"iij,jk->ik", {{2, 2, 3}, {3, 2}}},
    {"...ij,...jk->...ik", {{2, 1, 3, 4}, {3, 4, 2}}},
    {"i...,i...->...", {{3, 2}, {3, 1}}},
    {"...", {{2, 3}}},
    {"...i->i...", {{2, 3, 4}}},
    {"i...->...", {{3, 2}}},
    {"...,...", {{2, 1}, {3}}},
    {"ij,ij->ij", {{3, 4}, {3, 4}}},
    {"ij,ij->i", {{3, 4}, {3, 4}}},
    {"ij,j->ij", {{3, 1}, {4}}},  // size 1 broadcasts
    {"ij,kj,lk->il", {{2, 3}, {4, 3}, {3, 4}}},
    {"i,ij,j->", {{3}, {3, 4}, {4}}},
    {"bn,anm,bm->ba", {{2, 3}, {4, 3, 2}, {2, 2}}},
    {"ij,k->", {{2, 3}, {4}}},
    {"Ab,bC->CA", {{2, 3}, {3, 4}}},
    {"bA", {{2, 3}}},  // upper case comes first
    {" i j , j k -> i k ", {{2, 3}, {3, 2}}},
    {",i->i", {{}, {3}}},
    {"->", {{}}},
    {"ij,jk->ik", {{2, 0}, {0, 3}}},
    {"ij,jk->ik", {{0, 2}, {2, 3}}},
    {"abcd,cdef->abef", {{2, 1, 3, 2}, {3, 2, 2, 1}}},
};

}  // namespace

void add_einsum_samples(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "einsum";
  row.dtypes = {kFloat32, kFloat64, kFloat16, kBFloat16, kInt64, kInt32, kUInt8};
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const auto& [equation, shapes] : kEquations) {
      std::vector<Array> operands;
      for (const Shape& sizes : shapes) operands.push_back(random.array(sizes, dtype, -2, 2));
      calls.push_back({{equation, operands}});
    }
    return calls;
  };
  row.expect = expect_einsum;
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  const auto error = [&](const char* what, const std::string& equation,
                         const std::vector<Array>& operands, const char* message) {
    row.errors.push_back({what, {equation, operands}, message});
  };
  const Array a = blank({2, 3}), b = blank({3, 4});
  error("too few operands", "ij,jk->ik", {a}, "einsum.*2 operands, got 1");
  error("too many operands", "ij->ij", {a, b}, "einsum.*1 operands, got 2");
  error("none", "->", {}, "einsum.*operands, got 0");
  error("rank", "ijk->i", {a}, "einsum: operand 0 has 2 dimensions, but 3.*\\(2, 3\\)");
  error("rank with ellipsis", "i...jk->i", {a}, "einsum: operand 0 has 2.*at least 3");
  error("sizes", "ij,ij->ij", {a, b}, "einsum.*operand 1 has size 3.*does not broadcast with 2");
  error("diagonal", "ii->i", {a}, "einsum.*'i' in one operand.*\\(2, 3\\)");
  error("twice in the output", "ij->ii", {a}, "einsum: 'i' appears twice");
  error("unknown output", "ij->k", {a}, "einsum: 'k' of the output names no dimension");
  error("not a letter", "i1->i", {a}, "einsum.*got '1' in \"i1->i\"");
  error("two ellipses", "...i...->i", {a}, "einsum: one \"...\" per operand");
  error("two arrows", "ij->i->j", {a}, "einsum.*got '-'");
  error("dtypes", "ij,jk->ik", {a, blank({3, 4}, kFloat64)}, "same dtype");
  rows.push_back(std::move(row));
}

}  // namespace tenon::ops_test
