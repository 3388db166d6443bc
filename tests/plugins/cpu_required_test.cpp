// The required operators of the plugin cpu against naive code.
#include "cpu_host.h"

#include <cmath>
#include <numeric>

namespace tenon::test {
namespace {

constexpr uint32_t kF32 = TN_DTYPE_F32;
constexpr uint32_t kI64 = TN_DTYPE_I64;

double value(int64_t i) { return std::sin(static_cast<double>(i) * 1.7) * 3; }

TEST(CpuRequired, PhiloxKnownAnswer) {
  CpuHost host;
  TestTensor out(host, kI64, {4});
  run(host, {"random", {&out}, {}, {TN_RANDOM_BITS}, {0, 0}});
  EXPECT_EQ(out.values<int64_t>(),
            (std::vector<int64_t>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
}

TEST(CpuRequired, SumAndProductOfBoolAreRefused) {
  CpuHost host;
  TestTensor in(host, TN_DTYPE_BOOL, {6}), out(host, TN_DTYPE_BOOL, {1});
  for (const int64_t kind : {TN_REDUCE_SUM, TN_REDUCE_PROD}) {
    EXPECT_THROW(run(host, {"reduce", {&out}, {&in}, {kind, 1}}), std::runtime_error) << kind;
  }
}

TEST(CpuRequired, ARankBeyondTheGreatestIsRefused) {
  CpuHost host;
  const uint64_t word = TN_CLASS(kF32, TN_MAX_RANK + 1, TN_LAYOUT_CONTIGUOUS, 6);
  tn_signature s{};
  s.struct_size = sizeof s;
  s.op = TN_OP_FILL;
  s.op_size = 4;
  s.op_version = 1;
  s.output_count = s.operand_count = 1;
  s.classes = &word;
  tn_answer answer{};
  answer.struct_size = sizeof answer;
  ASSERT_EQ(host.ops->query(host.device, &s, &answer), TN_OK);
  EXPECT_EQ(answer.support, TN_ANSWER_NO);
  EXPECT_NE(answer.reason[0], 0);
}

TEST(CpuRequired, FillAndCopyCast) {
  CpuHost host;
  TestTensor a(host, kF32, {3, 5}, {8, 1});
  TestTensor b(host, TN_DTYPE_I8, {3, 5}, {1, 3});
  run(host, {"fill", {&a}, {}, {}, {scalar(300.5)}});
  run(host, {"copy", {&b}, {&a}});
  EXPECT_EQ(a.values<float>(), std::vector<float>(15, 300.5f));
  EXPECT_EQ(b.values<int8_t>(), std::vector<int8_t>(15, 127));
}

TEST(CpuRequired, ProgramWithBroadcastAndTwoOutputs) {
  CpuHost host;
  TestTensor x(host, kF32, {70, 33});
  TestTensor bias(host, kF32, {70, 33}, {0, 1});
  TestTensor y(host, kF32, {70, 33}, {1, 70});
  TestTensor z(host, TN_DTYPE_BOOL, {70, 33});
  x.fill<float>(value);
  for (int64_t i = 0; i < 33; ++i) bias.at<float>(i) = static_cast<float>(i);
  TestProgram p{2, {kF32}, {}, {}};
  const uint32_t sum = p.add(TN_PROGRAM_ADD, kF32, 0, 1);
  const uint32_t product = p.add(TN_PROGRAM_MUL, kF32, sum, 2);
  const uint32_t positive = p.add(TN_PROGRAM_GT, kF32, product, 0);
  p.outputs = {product, positive};
  run(host, {"program", {&y, &z}, {&x, &bias}, {}, {scalar(1.5)}, &p});
  for (int64_t i = 0; i < x.count(); ++i) {
    const float expected = (x.at<float>(i) + bias.at<float>(i)) * 1.5f;
    ASSERT_EQ(y.at<float>(i), expected) << i;
    ASSERT_EQ(z.at<uint8_t>(i), expected > x.at<float>(i)) << i;
  }
}

TEST(CpuRequired, IndexIsRowMajor) {
  CpuHost host;
  TestTensor out(host, kI64, {3, 4}, {1, 3});
  TestProgram p;
  p.outputs = {p.add(TN_PROGRAM_INDEX, kI64)};
  run(host, {"program", {&out}, {}, {}, {}, &p});
  for (int64_t i = 0; i < 12; ++i) EXPECT_EQ(out.at<int64_t>(i), i);
}

// Sums over every subset of the dimensions of a shape, contiguous and transposed.
TEST(CpuRequired, SumOverAnyDimensions) {
  CpuHost host;
  const std::vector<int64_t> shape = {5, 3, 70, 9};
  for (const std::vector<int64_t>& strides :
       {std::vector<int64_t>{1890, 630, 9, 1}, std::vector<int64_t>{1, 5, 15, 1050}}) {
    TestTensor x(host, kF32, shape, strides);
    x.fill<float>(value);
    for (uint32_t dims = 0; dims < 16; ++dims) {
      std::vector<int64_t> kept = shape;
      for (size_t d = 0; d < 4; ++d) {
        if ((dims >> d & 1u) != 0) kept[d] = 1;
      }
      TestTensor y(host, kF32, kept);
      run(host, {"reduce", {&y}, {&x}, {TN_REDUCE_SUM, dims}});
      std::vector<double> expected(static_cast<size_t>(y.count()), 0.0);
      for (int64_t i = 0; i < x.count(); ++i) {
        int64_t rest = i;
        int64_t at = 0;
        int64_t scale = 1;
        for (size_t d = 4; d-- > 0;) {
          at += kept[d] == 1 ? 0 : rest % shape[d] * scale;
          scale *= kept[d];
          rest /= shape[d];
        }
        expected[static_cast<size_t>(at)] += static_cast<double>(x.at<float>(i));
      }
      for (int64_t i = 0; i < y.count(); ++i) {
        ASSERT_NEAR(y.at<float>(i), expected[static_cast<size_t>(i)], 2e-3) << dims << " " << i;
      }
    }
  }
}

TEST(CpuRequired, ArgmaxTakesFirstAndNan) {
  CpuHost host;
  TestTensor x(host, kF32, {3, 4});
  TestTensor y(host, kI64, {3, 1});
  TestTensor z(host, kI64, {1, 4});
  x.set<float>({1, 7, 7, 2, 5, NAN, 9, NAN, -1, -2, -1, -3});
  run(host, {"reduce", {&y}, {&x}, {TN_REDUCE_ARGMAX, 2}});
  EXPECT_EQ(y.values<int64_t>(), (std::vector<int64_t>{1, 1, 0}));
  run(host, {"reduce", {&z}, {&x}, {TN_REDUCE_ARGMIN, 1}});
  EXPECT_EQ(z.values<int64_t>(), (std::vector<int64_t>{2, 1, 2, 1}));
}

TEST(CpuRequired, MatmulBatchedAndTransposed) {
  CpuHost host;
  TestTensor a(host, kF32, {3, 20, 17}, {0, 1, 20});
  TestTensor b(host, kF32, {3, 17, 30}, {510, 1, 17});
  TestTensor c(host, kF32, {3, 20, 30});
  a.fill<float>(value);
  b.fill<float>([](int64_t i) { return value(i + 7); });
  run(host, {"matmul", {&c}, {&a, &b}});
  for (int64_t n = 0; n < 3; ++n) {
    for (int64_t i = 0; i < 20; ++i) {
      for (int64_t j = 0; j < 30; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < 17; ++k) {
          sum += static_cast<double>(a.at<float>((n * 20 + i) * 17 + k)) *
                 static_cast<double>(b.at<float>((n * 17 + k) * 30 + j));
        }
        ASSERT_NEAR(c.at<float>((n * 20 + i) * 30 + j), sum, 1e-4);
      }
    }
  }
}

TEST(CpuRequired, GatherScatterAndIndexErrors) {
  CpuHost host;
  TestTensor table(host, kF32, {4, 3});
  TestTensor index(host, kI64, {2, 3});
  TestTensor out(host, kF32, {2, 3});
  table.fill<float>([](int64_t i) { return i; });
  index.set<int64_t>({3, 0, 1, 3, 2, 2});
  run(host, {"gather", {&out}, {&table, &index}, {0}});
  EXPECT_EQ(out.values<float>(), (std::vector<float>{9, 1, 5, 9, 7, 8}));
  run(host, {"scatter", {&table}, {&index, &out}, {0, TN_SCATTER_ADD}});
  EXPECT_EQ(table.values<float>(), (std::vector<float>{0, 2, 2, 3, 4, 10, 6, 14, 16, 27, 10, 11}));
  index.at<int64_t>(4) = 4;
  Prepared kernel(host, {"gather", {&out}, {&table, &index}, {0}});
  EXPECT_EQ(kernel.launch(), TN_INDEX_ERROR);
  EXPECT_NE(host.error.find("got 4"), std::string::npos) << host.error;
}

TEST(CpuRequired, ScanSortNonzero) {
  CpuHost host;
  TestTensor x(host, kF32, {5});
  x.set<float>({3, NAN, 0, -2, 3});
  TestTensor sorted(host, kF32, {5});
  TestTensor order(host, kI64, {5});
  run(host, {"sort", {&sorted, &order}, {&x}, {0, 0}});
  EXPECT_EQ(order.values<int64_t>(), (std::vector<int64_t>{3, 2, 0, 4, 1}));
  run(host, {"sort", {&sorted, &order}, {&x}, {0, 1}});
  EXPECT_EQ(order.values<int64_t>(), (std::vector<int64_t>{1, 0, 4, 2, 3}));
  TestTensor count(host, kI64, {});
  run(host, {"nonzero_count", {&count}, {&x}});
  EXPECT_EQ(count.at<int64_t>(0), 4);
  TestTensor where(host, kI64, {4, 1});
  run(host, {"nonzero", {&where}, {&x}});
  EXPECT_EQ(where.values<int64_t>(), (std::vector<int64_t>{0, 1, 3, 4}));
  TestTensor ones(host, kI64, {2, 300});
  TestTensor sums(host, kI64, {2, 300});
  ones.fill<int64_t>([](int64_t) { return 1; });
  run(host, {"scan", {&sums}, {&ones}, {1, TN_SCAN_SUM}});
  for (int64_t i = 0; i < 600; ++i) EXPECT_EQ(sums.at<int64_t>(i), i % 300 + 1);
}

TEST(CpuRequired, RefusalsHaveReasons) {
  CpuHost host;
  TestTensor a(host, TN_DTYPE_BOOL, {2, 2});
  Prepared kernel(host, {"matmul", {&a}, {&a, &a}});
  EXPECT_EQ(kernel.answer.support, TN_ANSWER_NO);
  EXPECT_NE(std::string(kernel.answer.reason), "");
  Prepared unknown(host, {"frobnicate", {&a}, {&a}});
  EXPECT_EQ(unknown.answer.support, TN_ANSWER_NO);
}

}  // namespace
}  // namespace tenon::test
