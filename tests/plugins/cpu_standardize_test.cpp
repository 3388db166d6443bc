// standardize and its gradient on the plugin cpu against naive code in f64, for the dimensions of
// batch, layer, instance and group normalisation; the same bits at every cut and instruction set.
#include "cpu_host.h"

#include <cmath>

namespace tenon::test {
namespace {

constexpr uint32_t kF32 = TN_DTYPE_F32;
constexpr double kEps = 1e-3;

struct Case {
  const char* name;
  std::vector<int64_t> shape;
  uint32_t mask;  // bit d: dimension d is reduced
  std::vector<int64_t> weight;
};

const Case kCases[] = {
    {"batch", {3, 5, 7, 11}, 0b1101, {1, 5, 1, 1}},
    {"batch_long", {2, 4, 90, 100}, 0b1101, {1, 4, 1, 1}},
    {"layer", {37, 45}, 0b10, {45}},
    {"layer_two", {6, 3, 8, 20}, 0b1100, {8, 20}},
    {"instance", {3, 4, 5, 9}, 0b1100, {1, 4, 1, 1}},
    {"group", {2, 3, 4, 10}, 0b1100, {1, 3, 4, 1}},
};

std::vector<int64_t> reduced_shape(const Case& c) {
  std::vector<int64_t> shape = c.shape;
  for (size_t d = 0; d < shape.size(); ++d) {
    if ((c.mask >> d & 1u) != 0) shape[d] = 1;
  }
  return shape;
}

// Number of the element of a tensor of `shape`, aligned at the last dimension, that belongs to
// element i of `full`.
int64_t broadcast_index(const std::vector<int64_t>& full, const std::vector<int64_t>& shape,
                        int64_t i) {
  int64_t index = 0;
  int64_t stride = 1;
  const size_t lead = full.size() - shape.size();
  for (size_t d = full.size(); d-- > 0;) {
    const int64_t at = i % full[d];
    i /= full[d];
    if (d < lead) continue;
    if (shape[d - lead] != 1) index += at * stride;
    stride *= shape[d - lead];
  }
  return index;
}

struct Operands {
  Operands(const CpuHost& host, const Case& c)
      : x(host, kF32, c.shape),
        g(host, kF32, c.shape),
        w(host, kF32, c.weight),
        b(host, kF32, c.weight),
        mean(host, kF32, reduced_shape(c)),
        var(host, kF32, reduced_shape(c)),
        y(host, kF32, c.shape),
        dx(host, kF32, c.shape),
        dw(host, kF32, c.weight),
        db(host, kF32, c.weight) {
    x.fill<float>([](int64_t i) { return std::sin(static_cast<double>(i) * 1.3) * 2 + 5; });
    g.fill<float>([](int64_t i) { return std::cos(static_cast<double>(i) * 0.7); });
    w.fill<float>([](int64_t i) { return 1 + 0.1 * static_cast<double>(i % 9); });
    b.fill<float>([](int64_t i) { return 0.3 * static_cast<double>(i % 5) - 0.5; });
  }
  void forward(const CpuHost& host, const Case& c) {
    run(host, {"standardize", {&mean, &var, &y}, {&x, &w, &b}, {c.mask}, {scalar(kEps)}});
  }
  void backward(const CpuHost& host, const Case& c) {
    run(host, {"standardize_grad",
               {&dx, &dw, &db},
               {&g, &x, &mean, &var, &w},
               {c.mask, 7},
               {scalar(kEps)}});
  }
  TestTensor x, g, w, b, mean, var, y, dx, dw, db;
};

struct Naive {
  std::vector<double> mean, var, y, dx, dw, db;

  Naive(Operands& o, const Case& c) {
    const std::vector<int64_t> kept = reduced_shape(c);
    const int64_t n = o.x.count();
    const auto line = [&](int64_t i) {
      return static_cast<size_t>(broadcast_index(c.shape, kept, i));
    };
    const auto own = [&](int64_t i) {
      return static_cast<size_t>(broadcast_index(c.shape, c.weight, i));
    };
    const auto lines = static_cast<size_t>(o.mean.count());
    const double count = static_cast<double>(n) / static_cast<double>(lines);
    mean.resize(lines);
    var.resize(lines);
    for (int64_t i = 0; i < n; ++i) mean[line(i)] += double{o.x.at<float>(i)} / count;
    for (int64_t i = 0; i < n; ++i) {
      var[line(i)] += std::pow(double{o.x.at<float>(i)} - mean[line(i)], 2) / count;
    }
    const auto weight = [&](int64_t i) {
      return double{o.w.at<float>(static_cast<int64_t>(own(i)))};
    };
    const auto unit = [&](int64_t i) {
      return (double{o.x.at<float>(i)} - mean[line(i)]) / std::sqrt(var[line(i)] + kEps);
    };
    const auto grad = [&](int64_t i) { return double{o.g.at<float>(i)}; };
    std::vector<double> sum(lines), slope(lines);
    dw.resize(static_cast<size_t>(o.w.count()));
    db.resize(dw.size());
    for (int64_t i = 0; i < n; ++i) {
      y.push_back(unit(i) * weight(i) + double{o.b.at<float>(static_cast<int64_t>(own(i)))});
      sum[line(i)] += grad(i) * weight(i) / count;
      slope[line(i)] += grad(i) * weight(i) * unit(i) / count;
      dw[own(i)] += grad(i) * unit(i);
      db[own(i)] += grad(i);
    }
    for (int64_t i = 0; i < n; ++i) {
      dx.push_back((grad(i) * weight(i) - sum[line(i)] - unit(i) * slope[line(i)]) /
                   std::sqrt(var[line(i)] + kEps));
    }
  }
};

void expect_near(TestTensor& got, const std::vector<double>& expected, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(static_cast<size_t>(got.count()), expected.size());
  for (int64_t i = 0; i < got.count(); ++i) {
    const double e = expected[static_cast<size_t>(i)];
    ASSERT_NEAR(double{got.at<float>(i)}, e, tolerance * (1 + std::fabs(e))) << what << " " << i;
  }
}

class CpuStandardize : public testing::TestWithParam<Case> {};

TEST_P(CpuStandardize, EqualsNaive) {
  const Case& c = GetParam();
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    Operands o(host, c);
    o.forward(host, c);
    o.backward(host, c);
    const Naive naive(o, c);
    expect_near(o.mean, naive.mean, 1e-6, isa + " mean");
    expect_near(o.var, naive.var, 2e-6, isa + " var");
    expect_near(o.y, naive.y, 4e-6, isa + " y");
    expect_near(o.dx, naive.dx, 4e-6, isa + " dx");
    expect_near(o.dw, naive.dw, 2e-5, isa + " dw");  // sums of up to 18000 values
    expect_near(o.db, naive.db, 2e-5, isa + " db");
  }
}

TEST_P(CpuStandardize, SameBitsAtEveryCutAndInstructionSet) {
  const Case& c = GetParam();
  std::vector<std::vector<float>> seen;
  for (const std::string& isa : CpuHost::levels()) {
    for (const Cut cut : {Cut{1, false}, Cut{5, true}}) {
      CpuHost host(isa);
      host.cut = cut;
      Operands o(host, c);
      o.forward(host, c);
      o.backward(host, c);
      std::vector<float> all;
      for (TestTensor* t : {&o.mean, &o.var, &o.y, &o.dx, &o.dw, &o.db}) {
        const std::vector<float> values = t->values<float>();
        all.insert(all.end(), values.begin(), values.end());
      }
      seen.push_back(all);
      ASSERT_EQ(seen.back(), seen.front()) << isa << " in " << cut.parts << " parts";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Normalisations, CpuStandardize, testing::ValuesIn(kCases),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(CpuStandardize, WithoutWeightAndBias) {
  CpuHost host;
  TestTensor x(host, kF32, {6, 50});
  TestTensor mean(host, kF32, {6, 1});
  TestTensor var(host, kF32, {6, 1});
  TestTensor y(host, kF32, {6, 50});
  x.fill<float>([](int64_t i) { return i % 50; });
  run(host, {"standardize", {&mean, &var, &y}, {&x}, {0b10}, {scalar(0)}});
  for (int64_t i = 0; i < x.count(); ++i) {
    const double unit = (static_cast<double>(i % 50) - 24.5) / std::sqrt((2500.0 - 1) / 12);
    ASSERT_NEAR(double{y.at<float>(i)}, unit, 1e-6) << i;
  }
}

// A weight over a part of the kept dimensions that is not the innermost one, and a reduction
// between kept dimensions, are left to the composition.
TEST(CpuStandardize, DeclinesWhatItCannotDo) {
  CpuHost host;
  TestTensor x(host, kF32, {3, 4, 8});
  TestTensor mean(host, kF32, {3, 4, 1});
  TestTensor w(host, kF32, {3, 1, 1});
  Prepared outer_weight(host,
                        {"standardize", {&mean, &mean, &x}, {&x, &w, &w}, {0b100}, {scalar(0)}});
  EXPECT_EQ(outer_weight.launch(), TN_UNSUPPORTED);
  TestTensor middle(host, kF32, {3, 1, 8});
  Prepared kept_around(host, {"standardize", {&middle, &middle, &x}, {&x}, {0b010}, {scalar(0)}});
  EXPECT_EQ(kept_around.launch(), TN_UNSUPPORTED);
  TestTensor one_of_two(host, kF32, {8});
  Prepared ambiguous(host,
                     {"standardize", {&mean, &mean, &x}, {&x, &one_of_two}, {0b100}, {scalar(0)}});
  EXPECT_EQ(ambiguous.answer.support, uint32_t{TN_ANSWER_NO});
}

}  // namespace
}  // namespace tenon::test
