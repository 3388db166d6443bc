// What the plugin cuda tells cuBLAS about strided products, done as cuBLAS's manual says and
// compared with a plain loop over the caller's strides.
#include "plugins/cuda/blas_layout.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tenon::cuda {
namespace {

constexpr uint32_t kSeed = 20;

struct Case {
  tn_tensor out{}, a{}, b{};
  std::vector<double> out_memory, a_memory, b_memory;
};

class Maker {
 public:
  explicit Maker(uint32_t seed) : random_(seed) {}

  int64_t below(int64_t limit) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(limit));
  }

  // Strides for the dimensions in a random order, with gaps sometimes; input dimensions may repeat.
  tn_tensor tensor(const std::vector<int64_t>& shape, bool input) {
    tn_tensor t{};
    t.rank = static_cast<uint32_t>(shape.size());
    std::vector<uint32_t> order;
    for (uint32_t d = 0; d < t.rank; ++d) order.push_back(d);
    switch (below(4)) {
      case 0:
        break;
      case 1:
        std::swap(order[t.rank - 1], order[t.rank - 2]);
        break;
      default:
        std::shuffle(order.begin(), order.end(), random_);
    }
    int64_t step = below(8) == 0 ? 2 : 1;
    for (uint32_t i = t.rank; i-- > 0;) {
      const uint32_t d = order[i];
      t.shape[d] = shape[d];
      const bool repeats = input && below(d + 2 < t.rank ? 4 : 16) == 0;
      t.strides[d] = repeats ? 0 : step;
      if (!repeats) step *= shape[d];
      if (below(8) == 0) step += 3;
    }
    return t;
  }

  std::vector<double> memory(const tn_tensor& t) {
    int64_t last = 0;
    for (uint32_t d = 0; d < t.rank; ++d) last += (t.shape[d] - 1) * t.strides[d];
    std::vector<double> values(static_cast<size_t>(last + 1));
    for (double& value : values) value = static_cast<double>(below(19) - 9);
    return values;
  }

  Case next() {
    constexpr int64_t kExtents[] = {1, 1, 2, 3, 4, 5, 8};
    const auto extent = [&] { return kExtents[below(7)]; };
    std::vector<int64_t> batch;
    for (int64_t d = below(4); d > 0; --d) batch.push_back(extent());
    const int64_t m = extent(), n = extent(), k = extent();
    const auto shape = [&](int64_t rows, int64_t columns) {
      std::vector<int64_t> s = batch;
      s.push_back(rows);
      s.push_back(columns);
      return s;
    };
    Case c;
    c.out = tensor(shape(m, n), false);
    c.a = tensor(shape(m, k), true);
    c.b = tensor(shape(k, n), true);
    c.out_memory = memory(c.out);
    c.a_memory = memory(c.a);
    c.b_memory = memory(c.b);
    return c;
  }

 private:
  std::mt19937 random_;
};

void expect_addressable(const BlasMatrix& x) {
  ASSERT_GE(x.leading, std::max<int64_t>(1, x.rows));
  ASSERT_GE(x.columns, 1);
}

// cublasLtMatmul on host memory.
void multiply(const BlasProduct& p, const double* a, const double* b, double* d) {
  const auto at = [](const BlasMatrix& x, int64_t row, int64_t column) {
    return x.transposed ? column + row * x.leading : row + column * x.leading;
  };
  for (int64_t i = 0; i < p.batch; ++i) {
    for (int64_t column = 0; column < p.n; ++column) {
      for (int64_t row = 0; row < p.m; ++row) {
        double sum = 0;
        for (int64_t l = 0; l < p.k; ++l) {
          sum += a[i * p.a.batch_stride + at(p.a, row, l)] *
                 b[i * p.b.batch_stride + at(p.b, l, column)];
        }
        d[i * p.d.batch_stride + at(p.d, row, column)] = sum;
      }
    }
  }
}

void multiply(const StridedProduct& s, const BlasProduct& p, const Case& c,
              std::vector<double>& out) {
  for (int64_t turn = 0; turn < s.outer_count; ++turn) {
    const auto offset = s.offsets(turn);
    const double *a = c.a_memory.data() + offset[1], *b = c.b_memory.data() + offset[2];
    multiply(p, p.swapped ? b : a, p.swapped ? a : b, out.data() + offset[0]);
  }
}

// By the caller's strides, one element after another.
std::vector<double> plain(const Case& c) {
  std::vector<double> out = c.out_memory;
  const uint32_t rank = c.out.rank;
  const int64_t k = c.a.shape[rank - 1];
  for (int64_t i = 0; i < plugin::element_count(c.out); ++i) {
    int64_t rest = i, at = 0, at_a = 0, at_b = 0;
    for (uint32_t d = rank; d-- > 0;) {
      const int64_t index = rest % c.out.shape[d];
      rest /= c.out.shape[d];
      at += index * c.out.strides[d];
      if (d != rank - 1) at_a += index * c.a.strides[d];
      if (d != rank - 2) at_b += index * c.b.strides[d];
    }
    double sum = 0;
    for (int64_t l = 0; l < k; ++l) {
      sum += c.a_memory[static_cast<size_t>(at_a + l * c.a.strides[rank - 1])] *
             c.b_memory[static_cast<size_t>(at_b + l * c.b.strides[rank - 2])];
    }
    out[static_cast<size_t>(at)] = sum;
  }
  return out;
}

TEST(BlasLayout, RandomProductsEqualPlainLoops) {
  Maker maker(kSeed);
  int mapped = 0, swapped = 0, straight = 0, looped = 0;
  for (int i = 0; i < 20000; ++i) {
    const Case c = maker.next();
    const StridedProduct s = strided_product(c.out, c.a, c.b);
    for (const Result result : {Result::kAny, Result::kRowMajor}) {
      const auto p = blas_product(s, result);
      if (!p) continue;
      for (const BlasMatrix* x : {&p->a, &p->b, &p->d}) expect_addressable(*x);
      ASSERT_FALSE(p->d.transposed);
      ASSERT_TRUE(p->swapped || result == Result::kAny);
      ASSERT_EQ(p->d.rows, p->m);
      ASSERT_EQ(p->a.transposed ? p->a.columns : p->a.rows, p->m);
      ASSERT_EQ(p->b.transposed ? p->b.rows : p->b.columns, p->n);
      std::vector<double> out = c.out_memory;
      multiply(s, *p, c, out);
      ASSERT_EQ(out, plain(c)) << "case " << i << " of seed " << kSeed;
      ++mapped;
      ++(p->swapped ? swapped : straight);
      looped += s.outer_count > 1 ? 1 : 0;
    }
  }
  EXPECT_GT(mapped, 10000);
  EXPECT_GT(swapped, 2000);
  EXPECT_GT(straight, 1000);
  EXPECT_GT(looped, 500);
}

tn_tensor tensor(std::vector<int64_t> shape, std::vector<int64_t> strides) {
  tn_tensor t{};
  t.rank = static_cast<uint32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), t.shape);
  std::copy(strides.begin(), strides.end(), t.strides);
  return t;
}

TEST(BlasLayout, DenseMatricesSwap) {
  const auto p = blas_product(
      strided_product(tensor({6, 5}, {5, 1}), tensor({6, 7}, {7, 1}), tensor({7, 5}, {5, 1})),
      Result::kAny);
  const BlasProduct expected{
      5, 6, 7, 1, {5, 7, 5, 0, false}, {7, 6, 7, 0, false}, {5, 6, 5, 0, false}, true};
  EXPECT_EQ(p, expected);
}

TEST(BlasLayout, SharedRightFactorMakesOneTallProduct) {
  const StridedProduct s = strided_product(
      tensor({9, 6, 5}, {30, 5, 1}), tensor({9, 6, 7}, {42, 7, 1}), tensor({9, 7, 5}, {0, 5, 1}));
  EXPECT_EQ(s.batch, 1);
  EXPECT_EQ(s.out.rows, 54);
}

TEST(BlasLayout, HeadsOfAttentionAreOneLoop) {
  // q and k as (B, T, H, D) seen as (B, H, T, D): B and H do not merge.
  const StridedProduct s = strided_product(tensor({3, 8, 10, 10}, {800, 100, 10, 1}),
                                           tensor({3, 8, 10, 4}, {320, 4, 32, 1}),
                                           tensor({3, 8, 4, 10}, {320, 4, 1, 32}));
  EXPECT_EQ(s.batch, 8);
  EXPECT_EQ(s.outer_count, 3);
  EXPECT_TRUE(blas_product(s, Result::kAny).has_value());
}

TEST(BlasLayout, RefusesWhatCublasCannotAddress) {
  const auto mapped = [](const tn_tensor& out, const tn_tensor& a, const tn_tensor& b) {
    return blas_product(strided_product(out, a, b), Result::kAny).has_value();
  };
  const tn_tensor out = tensor({6, 5}, {5, 1}), b = tensor({7, 5}, {5, 1});
  EXPECT_FALSE(mapped(out, tensor({6, 7}, {14, 2}), b)) << "no stride of 1";
  EXPECT_FALSE(mapped(out, tensor({6, 7}, {0, 1}), b)) << "rows repeat";
  EXPECT_FALSE(mapped(out, tensor({6, 7}, {3, 1}), b)) << "rows overlap";
  EXPECT_FALSE(mapped(out, tensor({6, 7}, {int64_t{1} << 31, 1}), b)) << "leading dimension";
  EXPECT_FALSE(mapped(out, tensor({6, 0}, {1, 1}), tensor({0, 5}, {5, 1}))) << "k is 0";
  EXPECT_TRUE(mapped(out, tensor({6, 7}, {1, 6}), b));
}

}  // namespace
}  // namespace tenon::cuda
