// Rows of calls so small that only the way to the kernel counts. One source for Tenon and libtorch:
// include ours.h or libtorch.h before.
#pragma once

namespace peers {

// The row that computes a tensor; the checks are of its values.
template <class F>
Row computing(F body) {
  const Checks checks = checks_of(floats_of(body()));
  return make_row([body]() mutable { keep(body()); }, checks);
}

// A leaf that wants a gradient.
inline Tensor learned(const Shape& sizes, double scale, double step) {
  Tensor x = data(sizes, scale, step);
  x.requires_grad_();
  return x;
}

inline void add_call_rows(Rows& rows) {
  rows["empty"] = [] { return make_row([s = Shape{16}] { keep(blank(s)); }); };
  rows["add"] = [] {
    return computing([a = data({16}, 1, .3), b = data({16}, 1, .5)] { return a + b; });
  };
  rows["add_unrecorded"] = [] {
    const Tensor a = data({16}, 1, .3), b = data({16}, 1, .5);
    return Row{[a, b](int64_t n) {
                 const NoRecording guard;
                 const auto begin = Clock::now();
                 for (int64_t i = 0; i < n; ++i) keep(a + b);
                 return seconds_since(begin);
               },
               checks_of(floats_of(a + b))};
  };
  rows["add_grad"] = [] {
    return computing([a = learned({16}, 1, .3), b = data({16}, 1, .5)] { return a + b; });
  };
  rows["add_out"] = [] {
    return computing([a = data({16}, 1, .3), b = data({16}, 1, .5), out = blank({16})]() mutable {
      return add_out(out, a, b);
    });
  };
  rows["add_scalar"] = [] { return computing([a = data({16}, 1, .3)] { return a + 1.5; }); };
  rows["mul_scalar_"] = [] {
    return computing([a = data({16}, 1, .3)]() mutable { return a.mul_(1.0); });
  };
  rows["sum"] = [] { return computing([a = data({16}, 1, .3)] { return a.sum(); }); };
  rows["item"] = [] {
    const Tensor first = data({16}, 1, .3)[0];
    return make_row([first] { keep(first.template item<float>()); },
                    {first.template item<float>()});
  };
  rows["literal"] = [] { return make_row([] { keep(literal()); }); };
}

inline void add_view_rows(Rows& rows) {
  rows["view"] = [] { return computing([a = data({16}, 1, .3)] { return a.view({4, 4}); }); };
  rows["view_grad"] = [] {
    return computing([a = learned({16}, 1, .3)] { return a.view({4, 4}); });
  };
  rows["column"] = [] {
    return computing([a = data({4, 4}, 1, .3)] { return a.index({Slice(), 1}); });
  };
  rows["select"] = [] { return computing([a = data({4, 4}, 1, .3)] { return a.select(0, 1); }); };
  rows["transpose"] = [] {
    return computing([a = data({4, 4}, 1, .3)] { return a.transpose(0, 1); });
  };
}

inline void add_small_kernel_rows(Rows& rows) {
  rows["mm_8"] = [] {
    return computing([a = data({8, 8}, 1, .3), b = data({8, 8}, 1, .5)] { return a.mm(b); });
  };
  rows["mm_8_grad"] = [] {
    return computing([a = learned({8, 8}, 1, .3), b = data({8, 8}, 1, .5)] { return a.mm(b); });
  };
  rows["mm_64"] = [] {
    return computing([a = data({64, 64}, 1, .3), b = data({64, 64}, 1, .5)] { return a.mm(b); });
  };
  rows["bmm_16x8"] = [] {
    return computing(
        [a = data({16, 8, 8}, 1, .3), b = data({16, 8, 8}, 1, .5)] { return bmm(a, b); });
  };
  rows["softmax_16"] = [] {
    return computing([a = data({16, 16}, 1, .3)] { return softmax(a, 1); });
  };
  rows["layer_norm_16"] = [] {
    return computing([a = data({16, 16}, 1, .3), w = data({16}, 1, .5), b = data({16}, 1, .7)] {
      return layer_norm(a, {16}, w, b);
    });
  };
  rows["cat_16"] = [] {
    return computing([a = data({16, 16}, 1, .3), b = data({16, 16}, 1, .5)] { return join(a, b); });
  };
  rows["clone_16"] = [] { return computing([a = data({16, 16}, 1, .3)] { return a.clone(); }); };
}

inline void add_backward_rows(Rows& rows) {
  rows["mul_sum_backward"] = [] {
    const Tensor g = learned({16}, 1, .3);
    const Tensor b = data({16}, 1, .5);
    return make_row([g, b] { (g * b).sum().backward(); }, checks_of(floats_of(g * b)));
  };
  rows["ten_muls_backward"] = [] {
    const Tensor g = learned({16}, 1, .3);
    const Tensor b = data({16}, 1, .5);
    const auto forward = [g, b] {
      Tensor x = g;
      for (int i = 0; i < 10; ++i) x = x * b;
      return x.sum();
    };
    return make_row([forward] { forward().backward(); }, checks_of(floats_of(forward())));
  };
}

inline void add_overhead_rows(Rows& rows) {
  add_call_rows(rows);
  add_view_rows(rows);
  add_small_kernel_rows(rows);
  add_backward_rows(rows);
}

}  // namespace peers
