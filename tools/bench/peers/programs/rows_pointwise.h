// Rows of single large operations and of chains of them. One source for Tenon and libtorch.
#pragma once

#include "rows_overhead.h"

namespace peers {

constexpr int64_t kMillion = 1'000'000;

inline Tensor chain(const Tensor& x, const Tensor& b) {
  return ((x * 1.5 + b).relu() * 0.7 - 0.1).sigmoid() * x + b;
}
// The same with each intermediate result edited.
inline Tensor chain_in_place(const Tensor& x, const Tensor& b) {
  Tensor y = x * 1.5;
  return y.add_(b).relu_().mul_(0.7).sub_(0.1).sigmoid_().mul_(x).add_(b);
}
inline Tensor gelu_of_parts(const Tensor& x) {
  return ((x + x.pow(3) * 0.044715) * 0.7978845608).tanh().add_(1).mul_(x).mul_(0.5);
}

// Rows "<op>_<size>" of what maps n numbers to n numbers.
inline void add_map_rows(Rows& rows, const std::string& size, int64_t n) {
  const auto unary = [&](const std::string& name, auto f) {
    rows[name + "_" + size] = [f, n] { return computing([f, a = data({n}, 3)] { return f(a); }); };
  };
  rows["add_" + size] = [n] {
    return computing([a = data({n}, 1, .3), b = data({n}, 1, .5)] { return a + b; });
  };
  unary("relu", [](const Tensor& a) { return a.relu(); });
  unary("clone", [](const Tensor& a) { return a.clone(); });
  unary("mul_scalar", [](const Tensor& a) { return a * 1.5; });
  unary("exp", [](const Tensor& a) { return a.exp(); });
  unary("sigmoid", [](const Tensor& a) { return a.sigmoid(); });
  unary("tanh", [](const Tensor& a) { return a.tanh(); });
  unary("gelu", [](const Tensor& a) { return gelu(a); });
  unary("gelu_tanh", [](const Tensor& a) { return gelu_tanh(a); });
  unary("gelu_of_parts", [](const Tensor& a) { return gelu_of_parts(a); });
  unary("sum", [](const Tensor& a) { return a.sum(); });
  rows["log_" + size] = [n] { return computing([a = data({n}, .5) + 1] { return a.log(); }); };
  rows["add_in_place_" + size] = [n] {
    return computing([a = data({n}, 1, .3), b = data({n}, 1, .5)]() mutable { return a.add_(b); });
  };
  rows["relu_in_place_" + size] = [n] {
    return computing([a = data({n}, 1, .3)]() mutable { return a.relu_(); });
  };
  rows["where_" + size] = [n] {
    return computing([a = data({n}, 1, .3), b = data({n}, 1, .5)] { return where(a > 0, a, b); });
  };
  rows["argmax_" + size] = [n] { return computing([a = data({n})] { return a.argmax(); }); };
  rows["normal_" + size] = [n] {
    return make_row([a = blank({n})]() mutable { keep(a.normal_()); });
  };
}

// Rows of matrices of 1024 x 1024 and of batches of images.
inline void add_matrix_rows(Rows& rows) {
  const auto square = [&](const std::string& name, auto f) {
    rows[name] = [f] {
      return computing([f, a = data({1024, 1024}, 3), b = data({1024}, 1, .5)] { return f(a, b); });
    };
  };
  square("sum_dim0", [](const Tensor& a, const Tensor&) { return a.sum(Shape{0}); });
  square("sum_dim1", [](const Tensor& a, const Tensor&) { return a.sum(Shape{1}); });
  square("max_dim1", [](const Tensor& a, const Tensor&) { return std::get<0>(max(a, 1)); });
  square("softmax", [](const Tensor& a, const Tensor&) { return softmax(a, 1); });
  square("log_softmax", [](const Tensor& a, const Tensor&) { return log_softmax(a, 1); });
  square("layer_norm",
         [](const Tensor& a, const Tensor& b) { return layer_norm(a, {1024}, b, b); });
  square("transposed_copy", [](const Tensor& a, const Tensor&) { return a.t().contiguous(); });
  square("transposed_add", [](const Tensor& a, const Tensor&) { return a + a.t(); });
  rows["embedding"] = [] {
    std::vector<int64_t> numbers;
    for (int64_t i = 0; i < 4096; ++i) numbers.push_back(i * 7919 % 4096);
    return computing([table = data({4096, 256}), numbers = integers(numbers, {4096})] {
      return embedding(table, numbers);
    });
  };
  const auto images = [&](const std::string& name, auto f) {
    rows[name] = [f] {
      return computing([f, x = data({16, 64, 56, 56}), mean = data({64}, .1),
                        var = data({64}, .1) + 1, w = data({64}, 1, .3),
                        b = data({64}, 1, .5)] { return f(x, mean, var, w, b); });
    };
  };
  images("batch_norm_train",
         [](const auto& x, const auto& mean, const auto& var, const auto& w, const auto& b) {
           return normalize_batch(x, mean, var, w, b, Mode::kTraining);
         });
  images("batch_norm_eval",
         [](const auto& x, const auto& mean, const auto& var, const auto& w, const auto& b) {
           return normalize_batch(x, mean, var, w, b, Mode::kEvaluation);
         });
  images("max_pool", [](const auto& x, const auto&...) { return pool2x2(x); });
}

inline void add_chain_rows(Rows& rows) {
  for (const auto& [size, n] : std::map<std::string, int64_t>{
           {"1e3", 1000}, {"1e5", 100'000}, {"1e6", kMillion}, {"1e7", 10 * kMillion}}) {
    rows["chain_" + size] = [n = n] {
      return computing([x = data({n}, 1, .3), b = data({n}, 1, .5)] { return chain(x, b); });
    };
    rows["chain_in_place_" + size] = [n = n] {
      return computing(
          [x = data({n}, 1, .3), b = data({n}, 1, .5)] { return chain_in_place(x, b); });
    };
    rows["chain_backward_" + size] = [n = n] {
      const Tensor x = learned({n}, 1, .3);
      const Tensor b = data({n}, 1, .5);
      const Checks checks = checks_of(floats_of(chain(x, b)));
      return make_row([x, b] { chain(x, b).sum().backward(); }, checks);
    };
  }
}

inline void add_pointwise_rows(Rows& rows) {
  add_map_rows(rows, "1e6", kMillion);
  add_map_rows(rows, "1e7", 10 * kMillion);
  add_matrix_rows(rows);
  add_chain_rows(rows);
}

}  // namespace peers
