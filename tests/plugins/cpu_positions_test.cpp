// Positions on the plugin cpu: arg reductions, scatter, nonzero; the same at every cut.
#include "cpu_host.h"

#include <cmath>

namespace tenon::test {
namespace {

constexpr uint32_t kF32 = TN_DTYPE_F32;
constexpr uint32_t kI64 = TN_DTYPE_I64;

int64_t naive_arg(TestTensor& x, int64_t first, int64_t step, int64_t count, bool greatest) {
  int64_t best = 0;
  for (int64_t i = 1; i < count; ++i) {
    const float a = x.at<float>(first + best * step);
    const float b = x.at<float>(first + i * step);
    if (std::isnan(a)) break;
    if (std::isnan(b) || (greatest ? b > a : b < a)) best = i;
  }
  return best;
}

TEST(CpuPositions, ArgReductionsTakeTheFirstOverAnyDimension) {
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    host.cut = {5, true};
    TestTensor x(host, kF32, {3, 70'001, 5});
    x.fill<float>([](int64_t i) {
      return i == 2'300'003 % (70'001 * 5) ? static_cast<double>(NAN)
                                           : static_cast<double>(i * 7919 % 5003);
    });
    TestTensor rows(host, kI64, {3, 1, 5});
    for (const bool greatest : {true, false}) {
      const int64_t kind = greatest ? TN_REDUCE_ARGMAX : TN_REDUCE_ARGMIN;
      run(host, {"reduce", {&rows}, {&x}, {kind, 2}});
      for (int64_t i = 0; i < 15; ++i) {
        const int64_t first = i / 5 * 70'001 * 5 + i % 5;
        ASSERT_EQ(rows.at<int64_t>(i), naive_arg(x, first, 5, 70'001, greatest)) << isa << i;
      }
      TestTensor flat(host, kI64, {3, 1, 1});
      run(host, {"reduce", {&flat}, {&x}, {kind, 6}});
      for (int64_t i = 0; i < 3; ++i) {
        ASSERT_EQ(flat.at<int64_t>(i), naive_arg(x, i * 350'005, 1, 350'005, greatest)) << isa << i;
      }
    }
  }
}

TEST(CpuPositions, ScatterAddsInOrderAtAnyCut) {
  for (const bool by_rows : {true, false}) {
    std::vector<float> first;
    for (const int64_t parts : {1, 7}) {
      CpuHost host;
      host.cut = {parts, true};
      TestTensor out(host, kF32, {40, 96});
      TestTensor index(host, kI64, {5000, 96},
                       by_rows ? std::vector<int64_t>{1, 0} : std::vector<int64_t>{});
      TestTensor source(host, kF32, {5000, 96});
      out.fill<float>([](int64_t i) { return i; });
      source.fill<float>([](int64_t i) { return std::sin(static_cast<double>(i) * 1.7) * 3; });
      std::vector<float> expected = out.values<float>();
      for (int64_t i = 0; i < source.count(); ++i) {
        index.at<int64_t>(i) = (by_rows ? i / 96 : i) * 7 % 40;
      }
      for (int64_t i = 0; i < source.count(); ++i) {
        expected[static_cast<size_t>(index.at<int64_t>(i) * 96 + i % 96)] += source.at<float>(i);
      }
      run(host, {"scatter", {&out}, {&index, &source}, {0, TN_SCATTER_ADD}});
      ASSERT_EQ(out.values<float>(), expected) << by_rows << " in " << parts << " parts";
      index.at<int64_t>(96 * 4000) = 40;
      Prepared bad(host, {"scatter", {&out}, {&index, &source}, {0, TN_SCATTER_ADD}});
      EXPECT_EQ(bad.launch(), TN_INDEX_ERROR);
    }
  }
}

TEST(CpuPositions, NonzeroOfManyElementsInOrder) {
  CpuHost host;
  host.cut = {6, true};
  TestTensor x(host, kF32, {3, 41, 999});
  x.fill<float>([](int64_t i) { return i % 7 == 0 || i % 11 == 0 ? 1 : 0; });
  TestTensor count(host, kI64, {});
  run(host, {"nonzero_count", {&count}, {&x}});
  std::vector<int64_t> expected;
  for (int64_t i = 0; i < x.count(); ++i) {
    if (i % 7 != 0 && i % 11 != 0) continue;
    for (const int64_t at : {i / (41 * 999), i / 999 % 41, i % 999}) expected.push_back(at);
  }
  ASSERT_EQ(count.at<int64_t>(0) * 3, static_cast<int64_t>(expected.size()));
  TestTensor found(host, kI64, {count.at<int64_t>(0), 3});
  run(host, {"nonzero", {&found}, {&x}});
  EXPECT_EQ(found.values<int64_t>(), expected);
}

}  // namespace
}  // namespace tenon::test
