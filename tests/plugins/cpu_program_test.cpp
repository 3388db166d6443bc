// Programs on the plugin cpu: the register machine and the block interpreter agree bit for bit, on
// any cut of the range, and tails equal the program followed by reduce.
#include "cpu_host.h"

#include <bit>
#include <cmath>
#include <random>

namespace tenon::test {
namespace {

constexpr uint32_t kF32 = TN_DTYPE_F32;
constexpr uint32_t kBool = TN_DTYPE_BOOL;

// A random program of f32 and bool values over three f32 inputs, one bool input and two scalars.
TestProgram random_program(std::mt19937& random, bool with_index) {
  TestProgram p{4, {kF32, kF32}, {}, {}};
  std::vector<uint32_t> floats = {0, 1, 2, 4, 5};
  std::vector<uint32_t> truths = {3};
  const auto pick = [&](const std::vector<uint32_t>& from) { return from[random() % from.size()]; };
  const uint32_t binary[] = {TN_PROGRAM_ADD, TN_PROGRAM_SUB, TN_PROGRAM_MUL, TN_PROGRAM_DIV,
                             TN_PROGRAM_MIN, TN_PROGRAM_MAX, TN_PROGRAM_REM};
  const uint32_t unary[] = {TN_PROGRAM_NEG,  TN_PROGRAM_ABS,     TN_PROGRAM_RELU, TN_PROGRAM_EXP,
                            TN_PROGRAM_TANH, TN_PROGRAM_SIN,     TN_PROGRAM_SQRT, TN_PROGRAM_FLOOR,
                            TN_PROGRAM_SIGN, TN_PROGRAM_SIGMOID, TN_PROGRAM_LOG};
  const uint32_t relations[] = {TN_PROGRAM_LT, TN_PROGRAM_GE, TN_PROGRAM_EQ, TN_PROGRAM_NE};
  const uint32_t logic[] = {TN_PROGRAM_AND, TN_PROGRAM_OR, TN_PROGRAM_XOR};
  const int length = 1 + static_cast<int>(random() % 20);
  for (int i = 0; i < length; ++i) {
    switch (random() % 8) {
      case 0:
        truths.push_back(p.add(relations[random() % 4], kF32, pick(floats), pick(floats)));
        break;
      case 1:
        truths.push_back(p.add(logic[random() % 3], kBool, pick(truths), pick(truths)));
        break;
      case 2:
        floats.push_back(p.add(TN_PROGRAM_WHERE, kF32, pick(truths), pick(floats), pick(floats)));
        break;
      case 3:
        floats.push_back(p.add(TN_PROGRAM_FMA, kF32, pick(floats), pick(floats), pick(floats)));
        break;
      case 4:
        floats.push_back(p.add(unary[random() % 11], kF32, pick(floats)));
        break;
      case 5:
        floats.push_back(p.add(TN_PROGRAM_CAST, kF32, pick(truths)));
        break;
      default:
        floats.push_back(p.add(binary[random() % 7], kF32, pick(floats), pick(floats)));
    }
  }
  p.outputs = {floats.back(), pick(floats), truths.back()};
  if (with_index) p.add(TN_PROGRAM_INDEX, TN_DTYPE_I64);  // unused: forces the interpreter
  return p;
}

bool same_bits(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

struct Operands {
  Operands(const CpuHost& host, const std::vector<int64_t>& shape, bool strided)
      : a(host, kF32, shape),
        b(host, kF32, shape, strided ? std::vector<int64_t>{0, 1} : std::vector<int64_t>{}),
        c(host, kF32, shape, strided ? std::vector<int64_t>{1, shape[0]} : std::vector<int64_t>{}),
        d(host, kBool, shape),
        x(host, kF32, shape),
        y(host, kF32, shape,
          strided ? std::vector<int64_t>{2 * shape[1], 2} : std::vector<int64_t>{}),
        z(host, kBool, shape) {
    const auto value = [](int64_t i) { return std::sin(static_cast<double>(i) * 0.7) * 4; };
    a.fill<float>(value);
    b.fill<float>([&](int64_t i) { return value(i + 3); });
    c.fill<float>(
        [&](int64_t i) { return i % 29 == 0 ? static_cast<double>(NAN) : value(i + 11); });
    d.fill<uint8_t>([](int64_t i) { return i % 3 == 0; });
  }
  [[nodiscard]] Call call(const TestProgram& p) const {
    return {"program", {&x, &y, &z}, {&a, &b, &c, &d}, {}, {scalar(0.3), scalar(-2.5)}, &p};
  }
  TestTensor a, b, c, d, x, y, z;
};

TEST(CpuProgram, RegisterMachineEqualsInterpreter) {
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    for (uint32_t seed = 0; seed < 300; ++seed) {
      std::mt19937 r1(seed);
      std::mt19937 r2(seed);
      const TestProgram vm = random_program(r1, false);
      const TestProgram plain = random_program(r2, true);
      const std::vector<int64_t> shape = seed % 3 == 0   ? std::vector<int64_t>{1, 16}
                                         : seed % 3 == 1 ? std::vector<int64_t>{7, 41}
                                                         : std::vector<int64_t>{40, 129};
      Operands left(host, shape, seed % 2 == 1);
      Operands right(host, shape, seed % 2 == 1);
      host.cut = {1, false};
      run(host, left.call(vm));
      host.cut = {3, false};
      run(host, right.call(plain));
      for (int64_t i = 0; i < left.x.count(); ++i) {
        ASSERT_TRUE(same_bits(left.x.at<float>(i), right.x.at<float>(i)))
            << isa << seed << " " << i;
        ASSERT_TRUE(same_bits(left.y.at<float>(i), right.y.at<float>(i)))
            << isa << seed << " " << i;
        ASSERT_EQ(left.z.at<uint8_t>(i), right.z.at<uint8_t>(i)) << isa << seed << " " << i;
      }
    }
  }
}

TEST(CpuProgram, BitsDoNotDependOnTheCut) {
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    std::mt19937 random(5);
    const TestProgram p = random_program(random, false);
    Operands whole(host, {211, 317}, false);
    Operands parts(host, {211, 317}, false);
    run(host, whole.call(p));
    host.cut = {13, true};
    run(host, parts.call(p));
    for (int64_t i = 0; i < whole.x.count(); ++i) {
      ASSERT_TRUE(same_bits(whole.x.at<float>(i), parts.x.at<float>(i))) << isa << " " << i;
    }
  }
}

TEST(CpuProgram, InPlaceAndSwappedOutputs) {
  CpuHost host;
  TestTensor a(host, kF32, {300});
  TestTensor b(host, kF32, {300});
  a.fill<float>([](int64_t i) { return i; });
  b.fill<float>([](int64_t i) { return -i; });
  TestProgram swap{2, {}, {}, {1, 0}};
  run(host, {"program", {&a, &b}, {&a, &b}, {}, {}, &swap});
  for (int64_t i = 0; i < 300; ++i) {
    ASSERT_EQ(a.at<float>(i), static_cast<float>(-i));
    ASSERT_EQ(b.at<float>(i), static_cast<float>(i));
  }
  TestProgram early{2, {}, {}, {}};
  const uint32_t sum = early.add(TN_PROGRAM_ADD, kF32, 0, 1);
  const uint32_t difference = early.add(TN_PROGRAM_SUB, kF32, 0, 1);
  early.outputs = {sum, difference};
  run(host, {"program", {&a, &b}, {&a, &b}, {}, {}, &early});
  for (int64_t i = 0; i < 300; ++i) {
    ASSERT_EQ(a.at<float>(i), 0.0f);
    ASSERT_EQ(b.at<float>(i), static_cast<float>(-2 * i));
  }
}

TEST(CpuProgram, TailEqualsProgramThenReduce) {
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    const std::vector<int64_t> shape = {6, 700, 33};
    for (const bool with_index : {false, true}) {
      for (uint32_t dims = 1; dims < 8; ++dims) {
        for (const uint32_t kind : {TN_REDUCE_SUM, TN_REDUCE_MAX, TN_REDUCE_PROD}) {
          TestTensor x(host, kF32, shape, {23100, 1, 700});
          TestTensor y(host, kF32, shape, {0, 33, 1});
          TestTensor middle(host, kF32, shape);
          x.fill<float>([](int64_t i) { return std::sin(static_cast<double>(i)) + 1; });
          for (int64_t i = 0; i < 23100; ++i) y.at<float>(i) = static_cast<float>(i % 7);
          std::vector<int64_t> kept = shape;
          for (size_t d = 0; d < 3; ++d) kept[d] = (dims >> d & 1u) != 0 ? 1 : shape[d];
          TestTensor two(host, kF32, kept);
          TestTensor one(host, kF32, kept);
          TestProgram p{2, {}, {}, {}};
          const uint32_t product = p.add(TN_PROGRAM_MUL, kF32, 0, 1);
          if (with_index) p.add(TN_PROGRAM_INDEX, TN_DTYPE_I64);
          p.outputs = {product};
          host.cut = {1, false};
          run(host, {"program", {&middle}, {&x, &y}, {}, {}, &p});
          run(host, {"reduce", {&two}, {&middle}, {kind, dims}});
          p.tail = kind;
          p.tail_dims = dims;
          host.cut = {5, true};
          run(host, {"program", {&one}, {&x, &y}, {}, {}, &p});
          for (int64_t i = 0; i < one.count(); ++i) {
            ASSERT_TRUE(same_bits(one.at<float>(i), two.at<float>(i))) << isa << dims << " " << i;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace tenon::test
