// Programs and copies of the plugin cpu over layouts that its quick ways are made for (rows, tiles
// that are turned, stores past the cache), at sizes around their borders.
#include "cpu_host.h"

#include <bit>
#include <cmath>

namespace tenon::test {
namespace {

constexpr uint32_t kF32 = TN_DTYPE_F32;
constexpr uint32_t kI64 = TN_DTYPE_I64;
constexpr uint32_t kBool = TN_DTYPE_BOOL;

double value(int64_t i) { return std::sin(static_cast<double>(i) * 1.7) * 3; }

struct Space {
  std::vector<int64_t> shape;
  std::vector<int64_t> a, b;  // strides of the inputs
};

int64_t extent(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  int64_t last = 0;
  for (size_t d = 0; d < shape.size(); ++d) last += (shape[d] - 1) * strides[d];
  return last + 1;
}

const Space kSpaces[] = {
    {{70, 300}, {1, 70}, {300, 1}},                 // across
    {{70, 300}, {1, 70}, {1, 70}},                  // both across
    {{33, 131}, {1, 33}, {0, 1}},                   // across, and a row for all
    {{33, 131}, {1, 33}, {1, 0}},                   // across, and a value per row
    {{5, 64, 64}, {4096, 1, 64}, {4096, 64, 1}},    // planes
    {{64, 5, 80}, {1, 5120, 64}, {400, 80, 1}},     // the first dimension is the dense one
    {{9, 400}, {1, 0}, {400, 1}},                   // a value per row
    {{3, 40, 256}, {0, 1, 0}, {40 * 256, 256, 1}},  // as a bias of channels
    {{9, 400}, {800, 2}, {400, 1}},                 // every second column
    {{8, 5000}, {10000, 2}, {0, 0}},                // longer than a block; one value for all
    {{2, 3, 300}, {0, 300, 1}, {300, 0, 1}},        // rows, each repeated another way
};

TEST(CpuLayout, ProgramsReadAnyLayout) {
  for (const std::string& isa : CpuHost::levels()) {
    for (const Space& s : kSpaces) {
      CpuHost host(isa);
      host.cut = {3, true};
      TestTensor a(host, kF32, s.shape, s.a);
      TestTensor b(host, kF32, s.shape, s.b);
      TestTensor c(host, kBool, s.shape);
      TestTensor y(host, kF32, s.shape);
      for (int64_t i = 0; i < extent(s.shape, s.a); ++i)
        a.memory<float>()[i] = static_cast<float>(value(i));
      for (int64_t i = 0; i < extent(s.shape, s.b); ++i)
        b.memory<float>()[i] = static_cast<float>(value(i + 5));
      c.fill<uint8_t>([](int64_t i) { return i % 3 == 0; });
      TestProgram p{3, {kF32}, {}, {}};
      const uint32_t product = p.add(TN_PROGRAM_MUL, kF32, 0, 1);
      const uint32_t sum = p.add(TN_PROGRAM_SUB, kF32, product, 3);
      p.outputs = {p.add(TN_PROGRAM_WHERE, kF32, 2, sum, 1)};
      run(host, {"program", {&y}, {&a, &b, &c}, {}, {scalar(0.25)}, &p});
      for (int64_t i = 0; i < y.count(); ++i) {
        const float product_i = a.at<float>(i) * b.at<float>(i);
        const float expected = i % 3 == 0 ? product_i - 0.25f : b.at<float>(i);
        ASSERT_EQ(y.at<float>(i), expected)
            << isa << " " << testing::PrintToString(s.shape) << " at " << i;
      }
    }
  }
}

TEST(CpuLayout, InPlaceBesideAnInputAcross) {
  CpuHost host;
  TestTensor a(host, kF32, {200, 200});
  TestTensor b(host, kF32, {200, 200}, {1, 200});
  a.fill<float>([](int64_t i) { return i; });
  b.fill<float>([](int64_t i) { return 2 * i; });
  TestProgram p{2, {}, {}, {}};
  p.outputs = {p.add(TN_PROGRAM_ADD, kF32, 0, 1)};
  run(host, {"program", {&a}, {&a, &b}, {}, {}, &p});
  for (int64_t i = 0; i < a.count(); ++i) ASSERT_EQ(a.at<float>(i), static_cast<float>(3 * i)) << i;
}

TEST(CpuLayout, CopiesTurnPlanesOfAnyDtype) {
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    host.cut = {4, true};
    for (const auto& [rows, columns] :
         {std::pair<int64_t, int64_t>{100, 67}, {64, 64}, {17, 200}}) {
      TestTensor f(host, kF32, {2, rows, columns}, {rows * columns, 1, rows});
      TestTensor to_f(host, kF32, {2, rows, columns});
      TestTensor w(host, kI64, {2, rows, columns}, {rows * columns, 1, rows});
      TestTensor to_w(host, kI64, {2, rows, columns});
      f.fill<float>([](int64_t i) { return i; });
      w.fill<int64_t>([](int64_t i) { return -i; });
      run(host, {"copy", {&to_f}, {&f}});
      run(host, {"copy", {&to_w}, {&w}});
      for (int64_t i = 0; i < f.count(); ++i) {
        ASSERT_EQ(to_f.at<float>(i), static_cast<float>(i)) << isa;
        ASSERT_EQ(to_w.at<int64_t>(i), -i) << isa;
      }
    }
  }
}

TEST(CpuLayout, LargeOutputsAreWrittenWhole) {
  constexpr int64_t kCount = 7'000'003;  // beyond the size from which stores pass the cache
  CpuHost host;
  host.cut = {3, true};
  TestTensor x(host, kF32, {kCount}, {1}, 1);  // off the alignment of vectors
  TestTensor y(host, kF32, {kCount}, {1}, 3);
  for (int64_t i = 0; i < kCount; ++i) x.memory<float>()[i] = static_cast<float>(i % 1000);
  run(host, {"copy", {&y}, {&x}});
  for (int64_t i = 0; i < kCount; ++i)
    ASSERT_EQ(y.memory<float>()[i], static_cast<float>(i % 1000)) << i;
  TestProgram p{1, {}, {}, {}};
  p.outputs = {p.add(TN_PROGRAM_NEG, kF32, 0)};
  run(host, {"program", {&y}, {&x}, {}, {}, &p});
  for (int64_t i = 0; i < kCount; ++i)
    ASSERT_EQ(y.memory<float>()[i], -static_cast<float>(i % 1000)) << i;
}

}  // namespace
}  // namespace tenon::test
