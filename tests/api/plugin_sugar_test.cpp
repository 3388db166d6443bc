// plugin.hpp: what crosses the boundary, and how strided tensors are walked.
#include <gtest/gtest.h>
#include <tenon/api/plugin.hpp>

#include <cstring>
#include <string>
#include <vector>

namespace tenon::plugin {
namespace {

// A host that keeps the last error text.
struct Recorder {
  std::string error;
  tn_host host{};

  Recorder() {
    host.struct_size = sizeof host;
    host.context = this;
    host.set_error = [](void* self, const char* data, uint64_t size) {
      static_cast<Recorder*>(self)->error.assign(data, size);
    };
    host.parallel_for = [](void*, int64_t count, int64_t, tn_range_fn fn, void* context) {
      fn(context, 0, count / 2);
      fn(context, count / 2, count);
    };
  }
};

TEST(PluginGuard, TurnsWhateverIsThrownIntoAStatus) {
  Recorder r;
  EXPECT_EQ(guard(&r.host, [] {}), TN_OK);
  EXPECT_EQ(guard(&r.host, [] { return TN_UNSUPPORTED; }), TN_UNSUPPORTED);
  EXPECT_EQ(guard(&r.host, [] { throw 42; }), TN_INTERNAL);
  EXPECT_NE(r.error, "");
  EXPECT_EQ(guard(&r.host, [] { throw std::bad_alloc(); }), TN_OUT_OF_MEMORY);
  EXPECT_EQ(guard(&r.host, [] { throw std::runtime_error("driver says no"); }), TN_INTERNAL);
  EXPECT_EQ(r.error, "driver says no");
  uint64_t tag = 0;
  EXPECT_EQ(guard(
                &r.host, [] { throw Status(TN_INDEX_ERROR, "bad index", 9); }, &tag),
            TN_INDEX_ERROR);
  EXPECT_EQ(r.error, "bad index");
  EXPECT_EQ(tag, 9u);
}

TEST(PluginHost, ExceptionsOfPartsReachTheCaller) {
  Recorder r;
  const Host host(&r.host);
  int64_t sum = 0;
  host.parallel_for(10, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
  EXPECT_EQ(sum, 10);
  EXPECT_THROW(host.parallel_for(10, 1, [](int64_t, int64_t) { throw Status(TN_INTERNAL, "x"); }),
               Status);
}

TEST(PluginStructs, AreReadByTheReadersLaw) {
  tn_tensor t{};
  t.struct_size = TN_MIN_TENSOR - 1;
  EXPECT_THROW(check_struct(&t), Status);
  t.struct_size = TN_MIN_TENSOR + 40;
  EXPECT_NO_THROW(check_struct(&t));
  t.flags = 0x8000;  // advice
  EXPECT_NO_THROW(check_struct(&t));
  t.flags = 0x10000;
  EXPECT_THROW(check_struct(&t), Status);
}

TEST(PluginStructs, AreWrittenAsFarAsTheReaderKnows) {
  struct {
    tn_answer answer;
    uint64_t beyond;
  } later{};
  later.beyond = 5;
  later.answer.struct_size = sizeof later;
  write_struct(no("because"), &later.answer);
  EXPECT_EQ(later.answer.struct_size, sizeof(tn_answer));
  EXPECT_STREQ(later.answer.reason, "because");
  EXPECT_EQ(later.beyond, 5u);
  later.answer.struct_size = 28;
  write_struct(no("other"), &later.answer);
  EXPECT_STREQ(later.answer.reason, "otheuse");  // four bytes of room
}

tn_tensor tensor(std::vector<int64_t> shape, std::vector<int64_t> strides) {
  tn_tensor t{};
  t.struct_size = sizeof t;
  t.rank = static_cast<uint32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), t.shape);
  std::copy(strides.begin(), strides.end(), t.strides);
  return t;
}

// The offsets of both tensors, element by element, and the number of runs.
std::vector<std::array<int64_t, 2>> offsets(const Walk<2>& walk, int64_t begin, int64_t end,
                                            int* runs) {
  std::vector<std::array<int64_t, 2>> all;
  *runs = 0;
  walk.run(begin, end, [&](int64_t, Walk<2>::Offsets at, int64_t n) {
    ++*runs;
    for (; n > 0; --n, at[0] += walk.strides()[0], at[1] += walk.strides()[1]) all.push_back(at);
  });
  return all;
}

TEST(PluginWalk, MergesDimensionsThatLieBehindOneAnother) {
  const tn_tensor a = tensor({4, 1, 3, 5}, {15, 99, 5, 1}),
                  b = tensor({4, 1, 3, 5}, {30, 7, 10, 2});
  const Walk<2> walk({&a, &b});
  int runs = 0;
  const auto all = offsets(walk, 0, walk.count(), &runs);
  EXPECT_EQ(runs, 1);
  ASSERT_EQ(all.size(), 60u);
  for (int64_t i = 0; i < 60; ++i) EXPECT_EQ(all[size_t(i)], (std::array<int64_t, 2>{i, 2 * i}));
}

TEST(PluginWalk, StartsAnywhereInAnyLayout) {
  const tn_tensor a = tensor({3, 4}, {4, 1}), b = tensor({3, 4}, {0, 3});
  const Walk<2> walk({&a, &b});
  int runs = 0;
  const auto part = offsets(walk, 3, 10, &runs);
  ASSERT_EQ(part.size(), 7u);
  for (int64_t i = 0; i < 7; ++i) {
    EXPECT_EQ(part[size_t(i)], (std::array<int64_t, 2>{i + 3, (i + 3) % 4 * 3}));
  }
}

TEST(PluginWalk, ScalarsAndEmptyTensors) {
  const tn_tensor scalar = tensor({}, {}), empty = tensor({2, 0}, {1, 1});
  EXPECT_EQ(Walk<1>({&scalar}).count(), 1);
  EXPECT_EQ(Walk<1>({&empty}).count(), 0);
}

TEST(PluginHandle, ReleasesOnceAndMoves) {
  static int released = 0;
  released = 0;
  {
    Handle<int*> first(new int(1), [](int* p) {
      ++released;
      delete p;
    });
    Handle<int*> second(std::move(first));
    EXPECT_EQ(first.get(), nullptr);
    EXPECT_NE(second.get(), nullptr);
  }
  EXPECT_EQ(released, 1);
}

}  // namespace
}  // namespace tenon::plugin
