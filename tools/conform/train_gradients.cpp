// Ops forwards and backwards: what the runtime composes of a plugin's operators, and the overrides
// that a plugin may have in their place, over the parameters that networks use.
#include "train_cases.h"

namespace tenon::conform {
namespace {

using Tensors = std::vector<Tensor>;

struct Input {
  Shape sizes;
  double low = -1, high = 1;
};

struct Problem {
  std::string name;
  std::vector<Input> inputs;
  std::function<Tensor(const Tensors&)> forward;
};

// The result and the gradient of its weighted sum by every input.
Numbers solve(const Problem& problem) {
  Tensors inputs;
  for (size_t i = 0; i < problem.inputs.size(); ++i) {
    const Input& in = problem.inputs[i];
    inputs.push_back(
        reals(problem.name + "/" + std::to_string(i), in.sizes, in.low, in.high).requires_grad_());
  }
  const Tensor result = problem.forward(inputs);
  sum(mul(result, reals(problem.name + "/weights", result.sizes()))).backward();
  Numbers numbers;
  keep(numbers, "result", result);
  for (size_t i = 0; i < inputs.size(); ++i) {
    keep(numbers, "gradient " + std::to_string(i), inputs[i].grad());
  }
  return numbers;
}

using Unary = Tensor (*)(const Tensor&);

struct Pointwise {
  const char* name;
  Unary f;
  double low, high;
};

const Pointwise kPointwise[] = {
    {"relu", [](const Tensor& x) { return relu(x); }, -1, 1},
    {"silu", [](const Tensor& x) { return silu(x); }, -2, 2},
    {"gelu", [](const Tensor& x) { return gelu(x); }, -2, 2},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x, 0.1); }, -1, 1},
    {"elu", [](const Tensor& x) { return elu(x); }, -2, 2},
    {"softplus", [](const Tensor& x) { return softplus(x); }, -2, 2},
    {"hardswish", [](const Tensor& x) { return hardswish(x); }, -2, 2},
    {"mish", [](const Tensor& x) { return mish(x); }, -2, 2},
    {"log_sigmoid", [](const Tensor& x) { return log_sigmoid(x); }, -2, 2},
    {"glu", [](const Tensor& x) { return glu(x); }, -2, 2},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); }, -3, 3},
    {"tanh", [](const Tensor& x) { return tanh(x); }, -3, 3},
    {"exp", [](const Tensor& x) { return exp(x); }, -2, 2},
    {"log", [](const Tensor& x) { return log(x); }, 0.5, 3},
    {"sqrt", [](const Tensor& x) { return sqrt(x); }, 0.5, 3},
    {"rsqrt", [](const Tensor& x) { return rsqrt(x); }, 0.5, 3},
    {"reciprocal", [](const Tensor& x) { return reciprocal(x); }, 0.5, 3},
    {"sin", [](const Tensor& x) { return sin(x); }, -3, 3},
    {"cos", [](const Tensor& x) { return cos(x); }, -3, 3},
    {"atan", [](const Tensor& x) { return atan(x); }, -3, 3},
    {"erf", [](const Tensor& x) { return erf(x); }, -2, 2},
    {"square", [](const Tensor& x) { return square(x); }, -2, 2},
    {"abs", [](const Tensor& x) { return abs(x); }, 0.1, 2},
    {"clamp", [](const Tensor& x) { return clamp(x, -0.55, 0.55); }, -1, 1},
    {"softmax", [](const Tensor& x) { return softmax(x, -1); }, -2, 2},
    {"softmax_of_columns", [](const Tensor& x) { return softmax(x, 0); }, -2, 2},
    {"log_softmax", [](const Tensor& x) { return log_softmax(x, -1); }, -2, 2},
    {"log_softmax_of_columns", [](const Tensor& x) { return log_softmax(x, 0); }, -2, 2},
    {"sum", [](const Tensor& x) { return sum(x); }, -1, 1},
    {"sum_of_rows", [](const Tensor& x) { return sum(x, {1}); }, -1, 1},
    {"mean", [](const Tensor& x) { return mean(x, {0}, true); }, -1, 1},
    {"prod", [](const Tensor& x) { return prod(x, {1}); }, 0.8, 1.25},
    {"amax", [](const Tensor& x) { return amax(x, {1}); }, -1, 1},
    {"max", [](const Tensor& x) { return max(x, 0).first; }, -1, 1},
    {"var", [](const Tensor& x) { return var(x, {1}); }, -1, 1},
    {"std", [](const Tensor& x) { return std(x, {0}); }, -1, 1},
    {"logsumexp", [](const Tensor& x) { return logsumexp(x, {1}); }, -2, 2},
    {"norm", [](const Tensor& x) { return norm(x, 2, {1}); }, -1, 1},
    {"cumsum", [](const Tensor& x) { return cumsum(x, 1); }, -1, 1},
    {"cumprod", [](const Tensor& x) { return cumprod(x, 1); }, 0.8, 1.25},
    {"sort", [](const Tensor& x) { return tenon::sort(x).first; }, -1, 1},
    {"topk", [](const Tensor& x) { return topk(x, 3).first; }, -1, 1},
    {"median", [](const Tensor& x) { return median(x, 1).first; }, -1, 1},
    {"transpose", [](const Tensor& x) { return x.t().contiguous(); }, -1, 1},
    {"permuted_product", [](const Tensor& x) { return matmul(x.t(), x); }, -1, 1},
    {"slice", [](const Tensor& x) { return mul(x.slice(1, 1, 11, 3), 2); }, -1, 1},
    {"flip",
     [](const Tensor& x) {
       return flip(x, {0, 1});
     },
     -1, 1},
    {"roll",
     [](const Tensor& x) {
       return roll(x, {2, 3}, {0, 1});
     },
     -1, 1},
    {"repeat",
     [](const Tensor& x) {
       return repeat(x, {2, 3});
     },
     -1, 1},
    {"tril", [](const Tensor& x) { return tril(x); }, -1, 1},
    {"layer_norm", [](const Tensor& x) { return layer_norm(x, {12}); }, -1, 1},
    {"rms_norm", [](const Tensor& x) { return rms_norm(x, {12}); }, -1, 1},
    {"group_norm", [](const Tensor& x) { return group_norm(x, 3); }, -1, 1},
    {"normalize", [](const Tensor& x) { return normalize(x); }, -1, 1},
    {"masked_fill", [](const Tensor& x) { return masked_fill(x, gt(x, 0.25), 7); }, -1, 1},
    {"where", [](const Tensor& x) { return where(lt(x, 0), mul(x, 3), square(x)); }, -1, 1},
};

struct Binary {
  const char* name;
  Tensor (*f)(const Tensor&, const Tensor&);
  double low;
};

const Binary kBinary[] = {
    {"add", [](const Tensor& a, const Tensor& b) { return add(a, b, 3); }, -1},
    {"sub", [](const Tensor& a, const Tensor& b) { return sub(a, b); }, -1},
    {"mul", [](const Tensor& a, const Tensor& b) { return mul(a, b); }, -1},
    {"div", [](const Tensor& a, const Tensor& b) { return div(a, b); }, 0.5},
    {"pow", [](const Tensor& a, const Tensor& b) { return pow(a, b); }, 0.5},
    {"maximum", [](const Tensor& a, const Tensor& b) { return maximum(a, b); }, -1},
    {"atan2", [](const Tensor& a, const Tensor& b) { return atan2(a, b); }, 0.5},
    {"hypot", [](const Tensor& a, const Tensor& b) { return hypot(a, b); }, 0.5},
    {"logaddexp", [](const Tensor& a, const Tensor& b) { return logaddexp(a, b); }, -1},
    {"lerp", [](const Tensor& a, const Tensor& b) { return lerp(a, b, 0.3); }, -1},
};

void add_pointwise(std::vector<Problem>& problems) {
  for (const Pointwise& p : kPointwise) {
    problems.push_back(
        {p.name, {{{9, 12}, p.low, p.high}}, [f = p.f](const Tensors& in) { return f(in[0]); }});
  }
  const std::pair<Shape, Shape> shapes[] = {
      {{5, 7}, {5, 7}}, {{5, 7}, {7}}, {{5, 1}, {1, 7}}, {{2, 3, 4}, {3, 1}}, {{}, {6}}};
  for (const Binary& b : kBinary) {
    for (const auto& [left, right] : shapes) {
      problems.push_back({join_text(b.name, "/", sizes_name(left), "_", sizes_name(right)),
                          {{left, b.low, 1.5}, {right, b.low, 1.5}},
                          [f = b.f](const Tensors& in) { return f(in[0], in[1]); }});
    }
  }
}

void add_products(std::vector<Problem>& problems) {
  const std::pair<Shape, Shape> shapes[] = {
      {{4, 5}, {5, 6}}, {{3, 4, 5}, {3, 5, 2}}, {{3, 4, 5}, {5, 2}},  {{2, 1, 3, 4}, {3, 4, 2}},
      {{5}, {5}},       {{4, 5}, {5}},          {{33, 65}, {65, 17}}, {{1, 40}, {40, 1}}};
  for (const auto& [left, right] : shapes) {
    problems.push_back({join_text("matmul/", sizes_name(left), "_", sizes_name(right)),
                        {{left}, {right}},
                        [](const Tensors& in) { return matmul(in[0], in[1]); }});
  }
  for (const int64_t rows : {1, 7, 32}) {
    problems.push_back({join_text("linear/", rows),
                        {{{rows, 20}}, {{13, 20}}, {{13}}},
                        [](const Tensors& in) { return linear(in[0], in[1], in[2]); }});
    problems.push_back({join_text("linear_without_bias/", rows),
                        {{{rows, 20}}, {{13, 20}}},
                        [](const Tensors& in) { return linear(in[0], in[1]); }});
  }
}

void add_images(std::vector<Problem>& problems) {
  for (const int64_t stride : {1, 2}) {
    for (const int64_t padding : {0, 1, 2}) {
      for (const int64_t dilation : {1, 2}) {
        for (const int64_t groups : {1, 2}) {
          const Conv2dOptions options{.stride = {stride, stride},
                                      .padding = {padding, padding},
                                      .dilation = {dilation, dilation},
                                      .groups = groups};
          problems.push_back(
              {join_text("conv2d/stride", stride, "_padding", padding, "_dilation", dilation,
                         "_groups", groups),
               {{{2, 4, 9, 8}}, {{6, 4 / groups, 3, 3}}, {{6}}},
               [=](const Tensors& in) { return conv2d(in[0], in[1], in[2], options); }});
        }
      }
    }
    const Pool2dOptions pool{.kernel = {3, 2}, .stride = {stride, stride}, .padding = {1, 1}};
    problems.push_back({join_text("max_pool2d/stride", stride),
                        {{{2, 3, 8, 9}}},
                        [=](const Tensors& in) { return max_pool2d(in[0], pool); }});
    for (const bool count : {true, false}) {
      problems.push_back({join_text("avg_pool2d/stride", stride, count ? "_with" : "_without"),
                          {{{2, 3, 8, 9}}},
                          [=](const Tensors& in) { return avg_pool2d(in[0], pool, count); }});
    }
  }
  problems.push_back({"conv2d/one_by_one", {{{2, 5, 6, 6}}, {{7, 5, 1, 1}}}, [](const Tensors& in) {
                        return conv2d(in[0], in[1]);
                      }});
  problems.push_back({"conv2d/depthwise", {{{2, 4, 7, 7}}, {{4, 1, 3, 3}}}, [](const Tensors& in) {
                        return conv2d(in[0], in[1], {}, {.padding = {1, 1}, .groups = 4});
                      }});
  problems.push_back({"conv1d", {{{2, 3, 15}}, {{4, 3, 5}}, {{4}}}, [](const Tensors& in) {
                        return conv1d(in[0], in[1], in[2]);
                      }});
  problems.push_back(
      {"conv_transpose2d", {{{2, 3, 5, 5}}, {{3, 4, 3, 3}}, {{4}}}, [](const Tensors& in) {
         return conv_transpose2d(in[0], in[1], in[2], {.stride = {2, 2}});
       }});
  problems.push_back({"adaptive_avg_pool2d", {{{2, 3, 7, 5}}}, [](const Tensors& in) {
                        return adaptive_avg_pool2d(in[0], {3, 2});
                      }});
  problems.push_back(
      {"batch_norm", {{{4, 3, 5, 5}}, {{3}, 0.5, 1.5}, {{3}}}, [](const Tensors& in) {
         return batch_norm(in[0], {}, {}, in[1], in[2], true);
       }});
}

void add_losses(std::vector<Problem>& problems) {
  problems.push_back({"cross_entropy", {{{8, 5}}}, [](const Tensors& in) {
                        return cross_entropy(in[0], classes("labels", {8}, 5));
                      }});
  problems.push_back({"nll_loss", {{{8, 5}}}, [](const Tensors& in) {
                        return nll_loss(log_softmax(in[0], 1), classes("labels", {8}, 5));
                      }});
  problems.push_back(
      {"mse_loss", {{{8, 5}}, {{8, 5}}}, [](const Tensors& in) { return mse_loss(in[0], in[1]); }});
  problems.push_back(
      {"l1_loss", {{{8, 5}}, {{8, 5}}}, [](const Tensors& in) { return l1_loss(in[0], in[1]); }});
  problems.push_back({"huber_loss", {{{8, 5}, -3, 3}, {{8, 5}}}, [](const Tensors& in) {
                        return huber_loss(in[0], in[1]);
                      }});
  problems.push_back(
      {"binary_cross_entropy", {{{8, 5}}}, [](const Tensors& in) {
         return binary_cross_entropy_with_logits(in[0], reals("shares", {8, 5}, 0.1, 0.9));
       }});
  problems.push_back({"embedding", {{{10, 6}}}, [](const Tensors& in) {
                        return embedding(in[0], classes("words", {4, 7}, 10));
                      }});
  problems.push_back({"gather", {{{6, 7}}}, [](const Tensors& in) {
                        return gather(in[0], 1, classes("places", {6, 9}, 7));
                      }});
  problems.push_back({"scatter_add", {{{6, 7}}, {{6, 9}}}, [](const Tensors& in) {
                        return scatter_add(in[0], 1, classes("places", {6, 9}, 7), in[1]);
                      }});
  problems.push_back({"index_select", {{{6, 7}}}, [](const Tensors& in) {
                        return index_select(in[0], 0, classes("rows", {9}, 6));
                      }});
  for (const bool causal : {false, true}) {
    problems.push_back({join_text("attention/", causal ? "causal" : "full"),
                        {{{2, 2, 6, 8}}, {{2, 2, 6, 8}}, {{2, 2, 6, 8}}},
                        [=](const Tensors& in) {
                          return scaled_dot_product_attention(in[0], in[1], in[2], {}, 0, causal);
                        }});
  }
  problems.push_back({"cat", {{{3, 4}}, {{3, 5}}}, [](const Tensors& in) {
                        return cat(std::vector{in[0], in[1]}, 1);
                      }});
  problems.push_back(
      {"dropout", {{{40, 30}}}, [](const Tensors& in) { return dropout(in[0], 0.3, true); }});
}

}  // namespace

void add_gradient_cases(Cases& cases) {
  std::vector<Problem> problems;
  add_pointwise(problems);
  add_products(problems);
  add_images(problems);
  add_losses(problems);
  for (const Problem& problem : problems) {
    cases.push_back({train_name("gradient", problem.name), [problem](Context& c) {
                       compare_devices(c, 1e-4, [&](const Device&) { return solve(problem); });
                     }});
  }
}

}  // namespace tenon::conform
