// reference_kernels.h by itself: conversions bit by bit, known answers, tails.
#include <gtest/gtest.h>
#include <tenon/api/reference_kernels.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "../../plugins/support/elements.h"
#include "../../plugins/support/philox.h"

namespace {

namespace support = tenon::support;

// ---- conversions -------------------------------------------------------------------------------

TEST(ReferenceConversion, EveryHalfDecodesAndComesBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = tnr_f16_to_f32(half);
    const double expected = support::decode(support::Half{half});
    EXPECT_EQ(tnr_f32_to_f16(value), half);  // NaN payloads too
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value)) << bits;
    } else {
      EXPECT_EQ(static_cast<double>(value), expected) << bits;
    }
    EXPECT_EQ(tnr_f32_to_bf16(tnr_bf16_to_f32(half)), half);
  }
}

// Between any two neighbours: below, at and above the middle, in f32 and in f64.
TEST(ReferenceConversion, RoundingIsNearestEvenEverywhere) {
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const double low = support::decode(support::Half{static_cast<uint16_t>(bits)});
    const double high = support::decode(support::Half{static_cast<uint16_t>(bits + 1)});
    const double middle = std::isinf(high) ? 65520.0 : (low + high) / 2;
    const uint32_t even = (bits & 1) == 0 ? bits : bits + 1;
    const double below = std::nextafter(middle, 0.0), above = std::nextafter(middle, 1e9);
    const auto f32_below = std::nextafter(static_cast<float>(middle), 0.0f);
    const auto f32_above = std::nextafter(static_cast<float>(middle), 1e9f);
    ASSERT_EQ(tnr_f32_to_f16(static_cast<float>(middle)), even) << middle;
    ASSERT_EQ(tnr_f32_to_f16(f32_below), bits) << middle;
    ASSERT_EQ(tnr_f32_to_f16(f32_above), bits + 1) << middle;
    ASSERT_EQ(tnr_f32_to_f16(tnr_f64_to_f32_odd(below)), bits) << middle;
    ASSERT_EQ(tnr_f32_to_f16(tnr_f64_to_f32_odd(above)), bits + 1) << middle;
    ASSERT_EQ(tnr_f32_to_f16(tnr_f64_to_f32_odd(-middle)), even | 0x8000) << middle;
  }
}

TEST(ReferenceConversion, RandomDoublesAgreeWithTheOtherImplementation) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i) {
    const auto x = std::bit_cast<double>(random());
    const double small = std::ldexp(static_cast<double>(random() >> 11) * 0x1p-53,
                                    static_cast<int>(random() % 60) - 30);
    for (double value : {x, small, -small}) {
      if (std::isnan(value)) continue;
      const auto half = static_cast<double>(support::round_to_format(value, support::kHalfFormat));
      const auto brain =
          static_cast<double>(support::round_to_format(value, support::kBFloat16Format));
      ASSERT_EQ(static_cast<double>(tnr_round_f64(value, TN_DTYPE_F16)), half) << value;
      ASSERT_EQ(static_cast<double>(tnr_round_f64(value, TN_DTYPE_BF16)), brain) << value;
    }
    const auto whole = static_cast<int64_t>(random()) >> (random() % 60);
    ASSERT_EQ(static_cast<long double>(tnr_round_i64(whole, TN_DTYPE_BF16)),
              support::round_to_format(static_cast<long double>(whole), support::kBFloat16Format))
        << whole;
  }
}

TEST(ReferenceConversion, FloatsToIntegersClamp) {
  EXPECT_EQ(tnr_real_to_int(NAN, TN_DTYPE_I32), 0);
  EXPECT_EQ(tnr_real_to_int(NAN, TN_DTYPE_BOOL), 1);
  EXPECT_EQ(tnr_real_to_int(-1.0, TN_DTYPE_U8), 0);
  EXPECT_EQ(tnr_real_to_int(300.0, TN_DTYPE_U8), 255);
  EXPECT_EQ(tnr_real_to_int(-129.0, TN_DTYPE_I8), -128);
  EXPECT_EQ(tnr_real_to_int(1e30, TN_DTYPE_I64), INT64_MAX);
  EXPECT_EQ(tnr_real_to_int(-INFINITY, TN_DTYPE_I64), INT64_MIN);
  EXPECT_EQ(tnr_real_to_int(2147483646.9, TN_DTYPE_I32), 2147483646);
}

// ---- Philox ------------------------------------------------------------------------------------

// Random123's known answers: counter, key, words.
struct Known {
  uint32_t counter[4], key[2], words[4];
};
constexpr Known kKnown[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

TEST(Philox, KnownAnswersOfBothImplementations) {
  for (const Known& k : kKnown) {
    const auto pair = [](const uint32_t* w) { return uint64_t{w[1]} << 32 | w[0]; };
    uint32_t words[4];
    tnr_philox(pair(k.key), pair(k.counter), pair(k.counter + 2), words);
    const auto other = support::philox(pair(k.key), pair(k.counter + 2), pair(k.counter));
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(words[i], k.words[i]);
      EXPECT_EQ(other[i], k.words[i]);
    }
  }
}

// ---- kernels -----------------------------------------------------------------------------------

tn_device_info large_limits() {
  tn_device_info info{};
  info.compute_dtypes = (1u << TN_DTYPE_COUNT) - 2;
  info.program_instructions = TNR_INSTRUCTIONS_MAX;
  info.program_inputs = TNR_INPUTS_MAX;
  info.program_scalars = TNR_SCALARS_MAX;
  info.program_outputs = TNR_OUTPUTS_MAX;
  info.program_tail = 1;
  return info;
}

tn_tensor dense(uint32_t dtype, std::vector<int64_t> shape) {
  tn_tensor t{};
  t.struct_size = sizeof t;
  t.dtype = dtype;
  t.rank = static_cast<uint32_t>(shape.size());
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0; stride *= shape[d]) {
    t.shape[d] = shape[d];
    t.strides[d] = stride;
  }
  return t;
}

struct Step {
  const char* op;
  uint32_t outputs;
  std::vector<tnr_operand> operands;
  std::vector<int64_t> attributes;
  const tn_program* program = nullptr;
};

void run(const Step& step) {
  std::vector<uint64_t> classes;
  for (const tnr_operand& o : step.operands) {
    classes.push_back(TN_CLASS(o.tensor->dtype, o.tensor->rank, TN_LAYOUT_STRIDED, 0));
  }
  tn_signature s{};
  s.struct_size = sizeof s;
  s.op = step.op;
  s.op_size = std::char_traits<char>::length(step.op);
  s.op_version = 1;
  s.output_count = step.outputs;
  s.operand_count = static_cast<uint32_t>(step.operands.size());
  s.attribute_count = static_cast<uint32_t>(step.attributes.size());
  s.classes = classes.data();
  s.attributes = step.attributes.data();
  s.program = step.program;
  const tn_device_info info = large_limits();
  tnr_kernel kernel;
  tnr_report report;
  ASSERT_EQ(tnr_prepare(&info, &s, &kernel, &report), TN_OK) << report.text;
  ASSERT_EQ(tnr_launch(&kernel, step.operands.data(), nullptr, nullptr, &report), TN_OK);
}

TEST(ReferenceTail, HasTheBitsOfReduce) {
  std::mt19937_64 random(3);
  std::normal_distribution<float> normal;
  const std::vector<int64_t> shape = {5, 130, 7};
  std::vector<float> x(5 * 130 * 7), y(x.size());
  for (float& v : x) v = normal(random);
  // y = exp(x), then reduced; and both at once
  const uint32_t words[] = {TN_PROGRAM_EXP | TN_DTYPE_F32 << 16, 0, 0, 0}, output = 1;
  tn_program p{};
  p.struct_size = sizeof p;
  p.input_count = p.instruction_count = p.output_count = 1;
  p.instructions = words;
  p.outputs = &output;
  const tn_tensor t = dense(TN_DTYPE_F32, shape);
  const tnr_operand in{reinterpret_cast<char*>(x.data()), &t};
  const tnr_operand mapped{reinterpret_cast<char*>(y.data()), &t};
  run({TN_OP_PROGRAM, 1, {mapped, in}, {}, &p});
  for (uint32_t kind : {TN_REDUCE_SUM, TN_REDUCE_PROD, TN_REDUCE_MAX, TN_REDUCE_MIN}) {
    for (uint32_t dims = 0; dims < 8; ++dims) {
      std::vector<int64_t> kept = shape;
      for (size_t d = 0; d < 3; ++d) {
        if ((dims >> d & 1) != 0) kept[d] = 1;
      }
      const tn_tensor small = dense(TN_DTYPE_F32, kept);
      std::vector<float> apart(x.size()), fused(x.size());
      const tnr_operand to_apart{reinterpret_cast<char*>(apart.data()), &small};
      const tnr_operand to_fused{reinterpret_cast<char*>(fused.data()), &small};
      run({TN_OP_REDUCE, 1, {to_apart, mapped}, {kind, dims}});
      tn_program tail = p;
      tail.tail = kind;
      tail.tail_dims = dims;
      run({TN_OP_PROGRAM, 1, {to_fused, in}, {}, &tail});
      EXPECT_EQ(apart, fused) << "kind " << kind << ", dims " << dims;
    }
  }
}

TEST(ReferenceTail, AnyGivesBoolAndIndexCountsInTheWholeSpace) {
  // any over dimension 0 of (index == 5), space {3, 4}
  const uint32_t words[] = {TN_PROGRAM_INDEX | TN_DTYPE_I64 << 16, 0, 0, 0,
                            TN_PROGRAM_EQ | TN_DTYPE_I64 << 16,    2, 1, 0};
  const uint32_t scalar_dtype = TN_DTYPE_I64, output = 3;
  tn_program p{};
  p.struct_size = sizeof p;
  p.input_count = p.scalar_count = p.output_count = 1;
  p.instruction_count = 2;
  p.scalar_dtypes = &scalar_dtype;
  p.instructions = words;
  p.outputs = &output;
  p.tail = TN_REDUCE_ANY;
  p.tail_dims = 1;
  const uint32_t dtypes[] = {TN_DTYPE_F32};
  const tn_device_info info = large_limits();
  tnr_program program;
  char reason[128];
  ASSERT_TRUE(tnr_program_read(&p, dtypes, &info, &program, reason, sizeof reason)) << reason;
  std::vector<float> x(12);
  std::vector<char> found(4, 9);
  const tn_tensor in = dense(TN_DTYPE_F32, {3, 4}), out = dense(TN_DTYPE_BOOL, {1, 4});
  const tnr_operand operands[] = {{found.data(), &out}, {reinterpret_cast<char*>(x.data()), &in}};
  const uint64_t wanted = 5;
  tnr_program_reduce(&program, operands, &wanted);
  EXPECT_EQ(found, (std::vector<char>{0, 1, 0, 0}));
}

TEST(ReferenceReduce, SumsStayWithinThePairwiseBound) {
  std::vector<float> x(3000001, 0.1f);
  float sum = 0;
  const tn_tensor in = dense(TN_DTYPE_F32, {static_cast<int64_t>(x.size())});
  const tn_tensor out = dense(TN_DTYPE_F32, {1});
  run({TN_OP_REDUCE,
       1,
       {{reinterpret_cast<char*>(&sum), &out}, {reinterpret_cast<char*>(x.data()), &in}},
       {TN_REDUCE_SUM, 1}});
  EXPECT_EQ(sum, static_cast<float>(3000001 * double{0.1f}));
}

}  // namespace
