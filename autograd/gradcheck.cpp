#include <tenon/autograd/gradcheck.h>

#include <algorithm>
#include <cmath>
#include <random>

#include <tenon/autograd/backward.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/view.h>

namespace tenon::autograd {
namespace {

using Values = std::vector<double>;

Tensor make(const Values& values, const Tensor& like) {
  return tensor(std::span<const double>(values), like.sizes(), like.options());
}

// The same values with dimensions in reverse order in memory.
Tensor reversed_layout(const Tensor& x) {
  Shape order;
  for (int64_t d = x.dim() - 1; d >= 0; --d) order.push_back(d);
  return x.permute(order).clone().permute(order);
}

class Checker {
 public:
  Checker(const CheckedFunction& function, const std::vector<Tensor>& inputs,
          const GradcheckOptions& options)
      : function_(function), inputs_(inputs), options_(options), random_(options.seed) {}

  void run() {
    find_inputs();
    check_repeats();
    outputs_ = call();
    int64_t size = 0;
    for (const Tensor& output : outputs_) size = std::max(size, output.numel());
    if (input_size_ <= options_.full_limit && size <= options_.full_limit)
      check_whole();
    else
      check_directions();
    check_passes();
  }

 private:
  void find_inputs() {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (!inputs_[i].defined() || !inputs_[i].requires_grad()) continue;
      check(inputs_[i].dtype() == kFloat64, ErrorCode::kAutograd, "gradcheck", "input ", i,
            " must be float64 to be compared with differences, got ", inputs_[i],
            "; convert it with .to(kFloat64)");
      wanted_.push_back(inputs_[i]);
      positions_.push_back(i);
      input_size_ += inputs_[i].numel();
    }
    check(!wanted_.empty(), ErrorCode::kAutograd, "gradcheck",
          "at least one input must require a gradient; call requires_grad_()");
  }

  // The floating point outputs.
  std::vector<Tensor> call() const {
    std::vector<Tensor> outputs = function_(inputs_);
    std::erase_if(outputs, [](const Tensor& o) { return !o.defined() || !o.is_floating_point(); });
    return outputs;
  }

  std::vector<Values> call_values() const {
    std::vector<Values> values;
    for (const Tensor& output : call()) values.push_back(output.to_vector<double>());
    return values;
  }

  // Differences mean nothing when the function is not one.
  void check_repeats() const {
    const std::vector<Values> first = call_values(), second = call_values();
    for (size_t o = 0; o < first.size(); ++o)
      for (size_t e = 0; e < first[o].size(); ++e)
        check(!(std::abs(first[o][e] - second[o][e]) > options_.nondet_tol), ErrorCode::kAutograd,
              "gradcheck", "the function is not deterministic: output ", o, " element ", e, " was ",
              first[o][e], " and then ", second[o][e], " for the same inputs; fix its seed");
  }

  // Gradients of the wanted inputs for one gradient per output (undefined: not a root).
  std::vector<Values> analytical(const std::vector<Tensor>& gradients) const {
    std::vector<Tensor> roots, seeds;
    for (size_t o = 0; o < outputs_.size(); ++o) {
      if (!gradients[o].defined() || !outputs_[o].requires_grad()) continue;
      roots.push_back(outputs_[o]);
      seeds.push_back(gradients[o]);
    }
    std::vector<Tensor> grads(wanted_.size());
    if (!roots.empty())
      grads = grad(roots, wanted_, seeds, {.retain_graph = true, .allow_unused = true});
    std::vector<Values> result;
    for (size_t i = 0; i < grads.size(); ++i) {
      if (!grads[i].defined()) {
        result.emplace_back(static_cast<size_t>(wanted_[i].numel()), 0.0);
        continue;
      }
      check(grads[i].sizes() == wanted_[i].sizes() && grads[i].dtype() == wanted_[i].dtype() &&
                grads[i].device() == wanted_[i].device(),
            ErrorCode::kAutograd, "gradcheck", "the gradient of input ", positions_[i],
            " must look like it, ", wanted_[i], ", got ", grads[i]);
      result.push_back(grads[i].to_vector<double>());
    }
    return result;
  }

  void compare(double analytical, double numerical, size_t output, int64_t row, size_t input,
               int64_t column) const {
    if (std::abs(analytical - numerical) <= options_.atol + options_.rtol * std::abs(numerical))
      return;
    fail(ErrorCode::kAutograd, "gradcheck", "Jacobian mismatch for output ", output,
         row >= 0 ? join_text(" element ", row) : " (random direction)", " with respect to input ",
         positions_[input], column >= 0 ? join_text(" element ", column) : "", ": numerical ",
         numerical, ", analytical ", analytical, " (seed ", options_.seed, ")");
  }

  // ---- the whole Jacobian ----

  // Writes one element, whatever the layout.
  static void set_element(const Tensor& x, int64_t index, double value) {
    const RecordingScope off(false);
    const Shape sizes = x.sizes(), strides = x.strides();
    int64_t offset = x.storage_offset();
    for (int64_t d = sizes.rank() - 1; d >= 0; --d) {
      offset += index % sizes[d] * strides[d];
      index /= sizes[d];
    }
    x.detach().as_strided({}, {}, offset).fill_(value);
  }

  void check_whole() {
    // [output][row] → gradients by input
    std::vector<std::vector<std::vector<Values>>> rows(outputs_.size());
    for (size_t o = 0; o < outputs_.size(); ++o) {
      const auto count = static_cast<size_t>(outputs_[o].numel());
      for (size_t row = 0; row < count; ++row) {
        Values one(count, 0.0);
        one[row] = 1;
        std::vector<Tensor> gradients(outputs_.size());
        gradients[o] = make(one, outputs_[o]);
        rows[o].push_back(analytical(gradients));
      }
    }
    for (size_t i = 0; i < wanted_.size(); ++i) {
      const Values before = wanted_[i].to_vector<double>();
      for (size_t column = 0; column < before.size(); ++column) {
        const auto at = static_cast<int64_t>(column);
        set_element(wanted_[i], at, before[column] + options_.epsilon);
        const std::vector<Values> above = call_values();
        set_element(wanted_[i], at, before[column] - options_.epsilon);
        const std::vector<Values> below = call_values();
        set_element(wanted_[i], at, before[column]);
        for (size_t o = 0; o < rows.size(); ++o)
          for (size_t row = 0; row < rows[o].size(); ++row)
            compare(rows[o][row][i][column],
                    (above[o][row] - below[o][row]) / (2 * options_.epsilon), o,
                    static_cast<int64_t>(row), i, at);
      }
    }
  }

  // ---- random directions ----

  Values draw(int64_t count) {
    std::normal_distribution<double> normal;
    Values values(static_cast<size_t>(count));
    for (double& value : values) value = normal(random_);
    return values;
  }

  std::vector<Values> call_moved(size_t input, const Values& before, const Values& direction,
                                 double step) {
    Values moved = before;
    for (size_t e = 0; e < moved.size(); ++e) moved[e] += step * direction[e];
    {
      const RecordingScope off(false);
      wanted_[input].detach().copy_(make(moved, wanted_[input]));
    }
    return call_values();
  }

  void check_directions() {
    for (int64_t p = 0; p < options_.projections; ++p)
      for (size_t o = 0; o < outputs_.size(); ++o)
        for (size_t i = 0; i < wanted_.size(); ++i) check_direction(o, i);
  }

  // uᵀ·J·v from both sides.
  void check_direction(size_t o, size_t i) {
    outputs_ = call();  // the last direction wrote to what the graph saved
    const Values u = draw(outputs_[o].numel()), v = draw(wanted_[i].numel());
    std::vector<Tensor> gradients(outputs_.size());
    gradients[o] = make(u, outputs_[o]);
    const Values pulled = analytical(gradients)[i];
    double expected = 0;
    for (size_t e = 0; e < v.size(); ++e) expected += pulled[e] * v[e];

    const Values before = wanted_[i].to_vector<double>();
    const std::vector<Values> above = call_moved(i, before, v, options_.epsilon);
    const std::vector<Values> below = call_moved(i, before, v, -options_.epsilon);
    (void)call_moved(i, before, v, 0);
    double numerical = 0;
    for (size_t e = 0; e < u.size(); ++e)
      numerical += u[e] * ((above[o][e] - below[o][e]) / (2 * options_.epsilon));
    compare(expected, numerical, o, -1, i, -1);
  }

  // ---- properties of passes ----

  void expect_same(const std::vector<Values>& a, const std::vector<Values>& b, double tolerance,
                   const char* what) const {
    for (size_t i = 0; i < a.size(); ++i)
      for (size_t e = 0; e < a[i].size(); ++e)
        check(!(std::abs(a[i][e] - b[i][e]) > tolerance * std::max(1.0, std::abs(a[i][e]))),
              ErrorCode::kAutograd, "gradcheck", what, " for input ", positions_[i], " element ", e,
              ": ", a[i][e], " and ", b[i][e]);
  }

  // One number for every element of each output, with strides of 0 or as a copy.
  std::vector<Tensor> broadcast(bool expanded) const {
    std::vector<Tensor> gradients;
    for (const Tensor& output : outputs_) {
      const Tensor wide = full({}, 0.75, output.options()).expand(output.sizes());
      gradients.push_back(expanded ? wide : wide.clone());
    }
    return gradients;
  }

  void check_passes() {
    outputs_ = call();  // the inputs were written to
    std::vector<Tensor> dense, reversed;
    for (const Tensor& output : outputs_) {
      dense.push_back(make(draw(output.numel()), output));
      reversed.push_back(reversed_layout(dense.back()));
    }
    const std::vector<Values> first = analytical(dense);
    expect_same(first, analytical(dense), options_.nondet_tol,
                "backward is not reentrant: two passes differ");
    expect_same(first, analytical(reversed), 1e-9, "the layout of the gradient matters");
    expect_same(analytical(broadcast(true)), analytical(broadcast(false)), 1e-9,
                "a broadcast gradient (stride 0) acts otherwise than its copy");
    std::vector<Values> sum(first.size());
    for (size_t i = 0; i < first.size(); ++i) sum[i].assign(first[i].size(), 0.0);
    for (size_t o = 0; o < outputs_.size(); ++o) {
      std::vector<Tensor> alone(outputs_.size());
      alone[o] = dense[o];
      const std::vector<Values> part = analytical(alone);
      for (size_t i = 0; i < sum.size(); ++i)
        for (size_t e = 0; e < sum[i].size(); ++e) sum[i][e] += part[i][e];
    }
    expect_same(first, sum, 1e-9, "undefined gradients do not act as zeros");
  }

  const CheckedFunction& function_;
  const std::vector<Tensor>& inputs_;
  const GradcheckOptions& options_;
  std::mt19937_64 random_;
  std::vector<Tensor> wanted_;     // inputs that require a gradient
  std::vector<size_t> positions_;  // and where they stand
  int64_t input_size_ = 0;
  std::vector<Tensor> outputs_;
};

CheckedFunction wrapped(const std::function<Tensor(const Tensor&)>& function) {
  return [&function](const std::vector<Tensor>& x) { return std::vector{function(x[0])}; };
}

}  // namespace

bool gradcheck(const CheckedFunction& function, const std::vector<Tensor>& inputs,
               const GradcheckOptions& options) {
  const RecordingScope on(true);
  Checker(function, inputs, options).run();
  return true;
}

bool gradgradcheck(const CheckedFunction& function, const std::vector<Tensor>& inputs,
                   const GradcheckOptions& options) {
  const RecordingScope on(true);
  std::mt19937_64 random(options.seed + 1);
  std::uniform_real_distribution<double> uniform(0.25, 1);
  std::vector<Tensor> all = inputs;
  std::vector<bool> is_root;
  for (const Tensor& output : function(inputs)) {
    is_root.push_back(output.defined() && output.requires_grad());
    if (!is_root.back()) continue;
    Values values(static_cast<size_t>(output.numel()));
    for (double& value : values) value = uniform(random);
    all.push_back(tensor(std::span<const double>(values), output.sizes(), output.options()));
    all.back().requires_grad_();
  }
  const size_t count = inputs.size();
  const CheckedFunction gradients = [&](const std::vector<Tensor>& x) {
    const std::vector<Tensor> own(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(count));
    const std::vector<Tensor> seeds(x.begin() + static_cast<std::ptrdiff_t>(count), x.end());
    std::vector<Tensor> roots, wanted;
    const std::vector<Tensor> outputs = function(own);
    for (size_t o = 0; o < outputs.size(); ++o)
      if (is_root[o]) roots.push_back(outputs[o]);
    for (const Tensor& input : own)
      if (input.defined() && input.requires_grad()) wanted.push_back(input);
    std::vector<Tensor> grads =
        grad(roots, wanted, seeds, {.create_graph = true, .allow_unused = true});
    for (size_t i = 0; i < grads.size(); ++i)
      if (!grads[i].defined()) grads[i] = zeros_like(wanted[i]);
    return grads;
  };
  return gradcheck(gradients, all, options);
}

bool gradcheck(const std::function<Tensor(const Tensor&)>& function, const Tensor& input,
               const GradcheckOptions& options) {
  return gradcheck(wrapped(function), {input}, options);
}

bool gradgradcheck(const std::function<Tensor(const Tensor&)>& function, const Tensor& input,
                   const GradcheckOptions& options) {
  return gradgradcheck(wrapped(function), {input}, options);
}

}  // namespace tenon::autograd
