// Every required operator against the oracle, over dtypes, layouts and edge cases.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "plugin_host.h"

namespace tenon::plugin_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// Relative tolerance of one rounding to the dtype, times a little for other sums.
double tolerance(uint32_t dtype) {
  switch (dtype) {
    case TN_DTYPE_F16:
      return 0x1p-9;
    case TN_DTYPE_BF16:
      return 0x1p-6;
    case TN_DTYPE_F32:
      return 1e-5;
    default:
      return 1e-13;
  }
}

void fill_random(Array& a, std::mt19937_64& random) {
  std::uniform_real_distribution<double> reals(-2.0, 2.0);
  for (int64_t i = 0; i < a.count(); ++i) {
    if (is_float(a.dtype)) {
      a.set_real(i, reals(random));
    } else {
      a.set_whole(i, static_cast<int64_t>(random() % 7) - (a.dtype == TN_DTYPE_U8 ? 0 : 3));
    }
  }
}

// The layouts that tensors come in: dense, transposed, every second element, broadcast.
std::vector<Array> layouts(uint32_t dtype, const std::vector<int64_t>& shape,
                           std::mt19937_64& random) {
  std::vector<Array> all = {dense(dtype, shape)};
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t d = 0; d < shape.size(); stride *= shape[d++]) strides[d] = stride;
  all.push_back(strided(dtype, shape, strides, 0));
  for (int64_t& s : strides) s *= 2;
  all.push_back(strided(dtype, shape, strides, 5));
  if (!shape.empty()) {
    all.push_back(dense(dtype, shape));
    all.back().strides[0] = 0;
  }
  for (Array& a : all) fill_random(a, random);
  return all;
}

void expect_equal(const Array& expected, const Array& got, double scale, const std::string& what) {
  int failures = 0;
  for (int64_t i = 0; i < expected.count() && failures < 5; ++i) {
    bool same = expected.whole(i) == got.whole(i);
    if (is_float(expected.dtype)) {
      const double a = expected.real(i), b = got.real(i);
      const double bound = tolerance(expected.dtype) * (std::fabs(a) + scale);
      same = a == b || (std::isnan(a) && std::isnan(b)) || std::fabs(a - b) <= bound;
    }
    if (same) continue;
    ++failures;
    ADD_FAILURE() << what << ", " << dtype_name(expected.dtype) << " element " << i << ": expected "
                  << expected.real(i) << ", got " << got.real(i);
  }
}

class OnDevice : public testing::Test {
 protected:
  // Runs on both, compares every output, and the bytes between the elements.
  void check(const Call& call, double scale = 0) {
    const Outcome expected = run(oracle_, call), got = run(device_, call);
    ASSERT_EQ(expected.status, TN_OK) << expected.text;
    ASSERT_EQ(got.status, TN_OK) << got.text;
    for (size_t i = 0; i < call.outputs.size(); ++i) {
      expect_equal(expected.outputs[i], got.outputs[i], scale, call.op);
      expect_gaps(call.outputs[i], got.outputs[i]);
    }
  }
  bool computes(uint32_t dtype) const { return (device_.info.compute_dtypes >> dtype & 1) != 0; }

  PluginHost device_{device_under_test()};
  PluginHost oracle_{"reference"};
  std::mt19937_64 random_{42};

 private:
  // What lies between the elements of an output stays as it was.
  static void expect_gaps(const Array& before, Array after) {
    const auto size = static_cast<size_t>(dtype_size(after.dtype));
    for (int64_t i = 0; i < after.count(); ++i) std::copy_n(before.at(i), size, after.at(i));
    EXPECT_EQ(before.bytes, after.bytes) << "wrote beside its elements";
  }
};

constexpr uint32_t kDtypes[] = {TN_DTYPE_BOOL, TN_DTYPE_U8,  TN_DTYPE_I8,  TN_DTYPE_I16,
                                TN_DTYPE_I32,  TN_DTYPE_I64, TN_DTYPE_F16, TN_DTYPE_BF16,
                                TN_DTYPE_F32,  TN_DTYPE_F64};

// ---- movement ----------------------------------------------------------------------------------

TEST_F(OnDevice, FillCastsItsScalar) {
  for (uint32_t dtype : kDtypes) {
    const uint64_t value = is_float(dtype) ? slot(-2.7) : slot(int64_t{-3});
    check({TN_OP_FILL, {strided(dtype, {3, 5}, {2, 7}, 1)}, {}, {}, {value}, nullptr});
    check({TN_OP_FILL, {dense(dtype, {})}, {}, {}, {value}, nullptr});
    check({TN_OP_FILL, {dense(dtype, {1000})}, {}, {}, {value}, nullptr});
  }
}

TEST_F(OnDevice, CopyReadsAndWritesAnyLayout) {
  for (uint32_t dtype : kDtypes) {
    for (const Array& in : layouts(dtype, {3, 17, 20}, random_)) {
      check({TN_OP_COPY, {dense(dtype, in.shape)}, {in}, {}, {}, nullptr});
      check({TN_OP_COPY, {strided(dtype, in.shape, {1, 9, 200}, 2)}, {in}, {}, {}, nullptr});
    }
  }
}

TEST_F(OnDevice, CopyOfOverlappingWindowsIsImToCol) {
  Array image = dense(TN_DTYPE_F32, {2, 9, 9});
  fill_random(image, random_);
  image.shape = {2, 3, 3, 7, 7};
  image.strides = {81, 9, 1, 9, 1};
  check({TN_OP_COPY, {dense(TN_DTYPE_F32, image.shape)}, {image}, {}, {}, nullptr});
}

TEST_F(OnDevice, EmptyTensorsAreLeftAlone) {
  const Array empty = dense(TN_DTYPE_F32, {3, 0, 4});
  check({TN_OP_FILL, {empty}, {}, {}, {slot(1.0)}, nullptr});
  check({TN_OP_COPY, {empty}, {empty}, {}, {}, nullptr});
  check({TN_OP_RANDOM, {empty}, {}, {TN_RANDOM_UNIFORM}, {1, 2}, nullptr});
  check({TN_OP_REDUCE, {dense(TN_DTYPE_F32, {3, 1, 4})}, {empty}, {TN_REDUCE_SUM, 2}, {}, nullptr});
  check(
      {TN_OP_REDUCE, {dense(TN_DTYPE_F32, {3, 1, 4})}, {empty}, {TN_REDUCE_PROD, 2}, {}, nullptr});
  check({TN_OP_MATMUL,
         {dense(TN_DTYPE_F32, {3, 5})},
         {dense(TN_DTYPE_F32, {3, 0}), dense(TN_DTYPE_F32, {0, 5})},
         {},
         {},
         nullptr});
  check({TN_OP_NONZERO_COUNT, {dense(TN_DTYPE_I64, {})}, {empty}, {}, {}, nullptr});
}

// ---- reduce ------------------------------------------------------------------------------------

TEST_F(OnDevice, ReduceInEveryKindAndLayout) {
  for (uint32_t dtype : kDtypes) {
    if (!computes(dtype)) continue;
    for (const Array& in : layouts(dtype, {4, 6, 300}, random_)) {
      for (uint32_t kind = TN_REDUCE_SUM; kind <= TN_REDUCE_ALL; ++kind) {
        const bool argument = kind == TN_REDUCE_ARGMAX || kind == TN_REDUCE_ARGMIN;
        if (dtype == TN_DTYPE_BOOL && kind <= TN_REDUCE_PROD) continue;
        for (uint32_t dims : {1u, 2u, 4u, 3u, 5u, 7u, 0u}) {
          if (argument && dims != 1 && dims != 2 && dims != 4) continue;
          std::vector<int64_t> shape = in.shape;
          for (size_t d = 0; d < 3; ++d) {
            if ((dims >> d & 1) != 0) shape[d] = 1;
          }
          const uint32_t out = argument                ? TN_DTYPE_I64
                               : kind >= TN_REDUCE_ANY ? TN_DTYPE_BOOL
                                                       : dtype;
          check({TN_OP_REDUCE, {dense(out, shape)}, {in}, {kind, dims}, {}, nullptr},
                kind == TN_REDUCE_SUM ? 50 : 0);
        }
      }
    }
  }
}

TEST_F(OnDevice, ExtremesHonourNanAndTheFirstOfEquals) {
  const Array in = of_reals(TN_DTYPE_F32, {4, 4},
                            {1, 3, 3, 1, kNan, 9, kNan, 1,  //
                             -kInf, kNan, kInf, kNan, 5, 5, 5, 5});
  for (uint32_t kind : {TN_REDUCE_MAX, TN_REDUCE_MIN}) {
    check({TN_OP_REDUCE, {dense(TN_DTYPE_F32, {4, 1})}, {in}, {kind, 2}, {}, nullptr});
  }
  Call call{TN_OP_REDUCE, {dense(TN_DTYPE_I64, {4, 1})}, {in}, {TN_REDUCE_ARGMAX, 2}, {}, nullptr};
  const Outcome greatest = run(device_, call);
  call.attributes = {TN_REDUCE_ARGMIN, 2};
  const Outcome least = run(device_, call);
  const int64_t expected_greatest[] = {1, 0, 1, 0}, expected_least[] = {0, 0, 1, 0};
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(greatest.outputs[0].whole(i), expected_greatest[i]) << i;
    EXPECT_EQ(least.outputs[0].whole(i), expected_least[i]) << i;
  }
}

TEST_F(OnDevice, LongSumsStayExact) {
  Array in = dense(TN_DTYPE_F32, {1000003});
  for (int64_t i = 0; i < in.count(); ++i) in.set_real(i, 0.1);
  const Outcome out = run(
      device_, {TN_OP_REDUCE, {dense(TN_DTYPE_F32, {1})}, {in}, {TN_REDUCE_SUM, 1}, {}, nullptr});
  EXPECT_NEAR(out.outputs[0].real(0), 1000003 * double{0.1f}, 0.2);
}

// ---- matmul ------------------------------------------------------------------------------------

TEST_F(OnDevice, MatmulInEveryDtypeAndLayout) {
  for (uint32_t dtype : kDtypes) {
    if (!computes(dtype) || dtype == TN_DTYPE_BOOL) continue;
    for (const Array& a : layouts(dtype, {2, 37, 70}, random_)) {
      for (const Array& b : layouts(dtype, {2, 70, 65}, random_)) {
        check({TN_OP_MATMUL, {dense(dtype, {2, 37, 65})}, {a, b}, {}, {}, nullptr}, 30);
      }
    }
    Array a = dense(dtype, {1, 3}), b = dense(dtype, {3, 1});
    fill_random(a, random_), fill_random(b, random_);
    check({TN_OP_MATMUL, {strided(dtype, {1, 1}, {5, 3}, 2)}, {a, b}, {}, {}, nullptr}, 1);
  }
}

// ---- gather, scatter ---------------------------------------------------------------------------

Array random_index(const std::vector<int64_t>& shape, int64_t extent, std::mt19937_64& random) {
  Array index = dense(TN_DTYPE_I64, shape);
  for (int64_t i = 0; i < index.count(); ++i) {
    index.set_whole(i, static_cast<int64_t>(random()) & INT64_MAX);
    index.set_whole(i, index.whole(i) % extent);
  }
  return index;
}

TEST_F(OnDevice, GatherAlongEveryDimension) {
  for (uint32_t dtype : kDtypes) {
    for (const Array& in : layouts(dtype, {5, 6, 7}, random_)) {
      for (int64_t dim = 0; dim < 3; ++dim) {
        std::vector<int64_t> shape = {4, 5, 6};
        shape[static_cast<size_t>(dim)] = 150;
        const Array index = random_index(shape, in.shape[static_cast<size_t>(dim)], random_);
        check({TN_OP_GATHER, {dense(dtype, shape)}, {in, index}, {dim}, {}, nullptr});
      }
    }
  }
}

TEST_F(OnDevice, ScatterSetsAndAddsInOrder) {
  for (uint32_t dtype : kDtypes) {
    if (!computes(dtype)) continue;
    for (const Array& source : layouts(dtype, {4, 150, 6}, random_)) {
      for (int64_t mode : {TN_SCATTER_SET, TN_SCATTER_ADD}) {
        Array out = dense(dtype, {5, 6, 7});
        fill_random(out, random_);
        const Array index = random_index(source.shape, 6, random_);
        // The sums of f16 and bf16 may round as often as they add.
        const double scale = dtype == TN_DTYPE_F16 || dtype == TN_DTYPE_BF16 ? 1000 : 50;
        check({TN_OP_SCATTER, {out}, {index, source}, {1, mode}, {}, nullptr},
              mode == TN_SCATTER_ADD ? scale : 0);
      }
    }
  }
}

TEST_F(OnDevice, BadIndicesAreReportedAndNeverFollowed) {
  for (int64_t bad : {int64_t{-1}, int64_t{5}, INT64_MIN, INT64_MAX}) {
    Call call{
        TN_OP_GATHER,
        {dense(TN_DTYPE_F32, {3})},
        {of_reals(TN_DTYPE_F32, {5}, {0, 1, 2, 3, 4}), of_wholes(TN_DTYPE_I64, {3}, {0, bad, 1})},
        {0},
        {},
        nullptr};
    Outcome out = run(device_, call);
    EXPECT_EQ(out.status, TN_INDEX_ERROR);
    EXPECT_NE(out.text.find("index"), std::string::npos) << out.text;
    EXPECT_EQ(out.failed_tag, (device_.info.flags & TN_DEVICE_ASYNC) != 0 ? 7u : 0u);
    call = {TN_OP_SCATTER,
            {dense(TN_DTYPE_F32, {5})},
            {of_wholes(TN_DTYPE_I64, {3}, {0, bad, 1}), of_reals(TN_DTYPE_F32, {3}, {1, 2, 3})},
            {0, TN_SCATTER_ADD},
            {},
            nullptr};
    EXPECT_EQ(run(device_, call).status, TN_INDEX_ERROR);
    uint64_t tag = 0;
    EXPECT_EQ(device_.core->stream_sync(device_.stream, &tag), TN_OK) << "reported once";
  }
}

// ---- scan, sort, nonzero -----------------------------------------------------------------------

TEST_F(OnDevice, ScanAlongEveryDimension) {
  for (uint32_t dtype : kDtypes) {
    if (!computes(dtype) || dtype == TN_DTYPE_BOOL) continue;
    for (const Array& in : layouts(dtype, {5, 3, 140}, random_)) {
      for (int64_t dim = 0; dim < 3; ++dim) {
        for (int64_t kind : {TN_SCAN_SUM, TN_SCAN_PROD}) {
          check({TN_OP_SCAN, {dense(dtype, in.shape)}, {in}, {dim, kind}, {}, nullptr},
                kind == TN_SCAN_SUM ? 50 : 0);
        }
      }
    }
  }
}

TEST_F(OnDevice, SortIsStableAndNanIsGreatest) {
  for (uint32_t dtype : kDtypes) {
    if (!computes(dtype)) continue;
    for (Array in : layouts(dtype, {3, 260}, random_)) {
      if (is_float(dtype)) in.set_real(7, kNan), in.set_real(3, kInf), in.set_real(200, kNan);
      for (int64_t dim : {0, 1}) {
        for (int64_t descending : {0, 1}) {
          check({TN_OP_SORT,
                 {dense(dtype, in.shape), dense(TN_DTYPE_I64, in.shape)},
                 {in},
                 {dim, descending},
                 {},
                 nullptr});
        }
      }
    }
  }
}

TEST_F(OnDevice, NonzeroCountsAndLists) {
  for (uint32_t dtype : kDtypes) {
    for (const Array& in : layouts(dtype, {4, 5, 20}, random_)) {
      const Call count{TN_OP_NONZERO_COUNT, {dense(TN_DTYPE_I64, {})}, {in}, {}, {}, nullptr};
      check(count);
      const int64_t n = run(device_, count).outputs[0].whole(0);
      check({TN_OP_NONZERO, {dense(TN_DTYPE_I64, {n, 3})}, {in}, {}, {}, nullptr});
    }
  }
}

// ---- random ------------------------------------------------------------------------------------

TEST_F(OnDevice, PhiloxGivesTheKnownWords) {
  struct Known {
    uint64_t seed, offset;
    uint32_t words[4];
  };
  const Known known[] = {{0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}};
  for (const Known& k : known) {
    const Outcome out = run(device_, {TN_OP_RANDOM,
                                      {dense(TN_DTYPE_I64, {4})},
                                      {},
                                      {TN_RANDOM_BITS},
                                      {k.seed, k.offset},
                                      nullptr});
    for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(out.outputs[0].whole(i), k.words[i]);
  }
}

TEST_F(OnDevice, DrawsAreIndexedByElement) {
  const std::vector<uint64_t> seed = {0x123456789abcdef0, 0xfedcba9876543210};
  for (const std::vector<int64_t>& shape :
       std::vector<std::vector<int64_t>>{{}, {1}, {3, 333}, {1023}}) {
    check({TN_OP_RANDOM, {dense(TN_DTYPE_I64, shape)}, {}, {TN_RANDOM_BITS}, seed, nullptr});
    check({TN_OP_RANDOM, {dense(TN_DTYPE_F32, shape)}, {}, {TN_RANDOM_UNIFORM}, seed, nullptr});
  }
  check({TN_OP_RANDOM,
         {strided(TN_DTYPE_I64, {9, 30}, {1, 11}, 4)},
         {},
         {TN_RANDOM_BITS},
         seed,
         nullptr});
}

// ---- refusals ----------------------------------------------------------------------------------

TEST_F(OnDevice, RefusalsSayWhy) {
  const Array f32 = dense(TN_DTYPE_F32, {2, 2}), i64 = dense(TN_DTYPE_I64, {2, 2});
  const Call calls[] = {
      {"no_such_operator", {f32}, {}, {}, {}, nullptr},
      {TN_OP_MATMUL, {f32}, {f32, i64}, {}, {}, nullptr},
      {TN_OP_REDUCE, {f32}, {f32}, {99, 1}, {}, nullptr},
      {TN_OP_REDUCE, {f32}, {f32}, {TN_REDUCE_ARGMAX, 1}, {}, nullptr},
      {TN_OP_GATHER, {f32}, {f32, f32}, {0}, {}, nullptr},
      {TN_OP_SCAN, {f32}, {f32}, {0, 9}, {}, nullptr},
      {TN_OP_RANDOM, {f32}, {}, {TN_RANDOM_BITS}, {0, 0}, nullptr},
  };
  for (const Call& call : calls) {
    const Outcome out = run(device_, call);
    EXPECT_EQ(out.status, TN_UNSUPPORTED) << call.op;
    EXPECT_NE(out.text, "") << call.op;
  }
}

}  // namespace
}  // namespace tenon::plugin_test
