// Rows of a GPU's speed, on the device that TENON_DEVICE names; torch_bench.py answers the same
// rows. The protocol is that of the comparison on processors (bench/peers/programs/bench.h), but a
// block begins and ends with the device idle.
#include "bench/peers/programs/ours.h"
//
#include "bench/peers/programs/models.h"
#include "bench/peers/programs/rows_overhead.h"
//
#include "bench/peers/programs/rows_models.h"
#include "bench/peers/programs/rows_programs.h"

namespace peers {
namespace {

void wait() { synchronize(default_device()); }

// `body` only queues work; the figure is that of the device, or of the host where that is slower.
template <class F>
Row queued(F body, Checks checks = {}) {
  return {[body](int64_t n) mutable {
            wait();
            const auto begin = Clock::now();
            for (int64_t i = 0; i < n; ++i) body();
            wait();
            return seconds_since(begin);
          },
          std::move(checks)};
}

// The row that computes a tensor, without recording.
template <class F>
Row result_of(F body) {
  const NoRecording guard;
  const Checks checks = checks_of(floats_of(body().to(kFloat32)));
  return queued(
      [body] {
        const NoRecording unrecorded;
        keep(body());
      },
      checks);
}

// Forward and backward of what `body` makes of leaves.
template <class F>
Row gradients_of(F body, const std::vector<Tensor>& leaves) {
  const auto step = [body, leaves] {
    for (Tensor leaf : leaves) leaf.set_grad({});
    const Tensor out = body();
    out.backward(ones_like(out));
  };
  step();
  return queued(step, checks_of(floats_of(leaves[0].grad().to(kFloat32))));
}

Tensor leaf(const Shape& sizes, DType dtype, double scale = 1, double step = .3) {
  Tensor x = data(sizes, scale, step).to(dtype);
  x.requires_grad_();
  return x;
}

const std::pair<const char*, DType> kTypes[] = {
    {"f32", kFloat32}, {"tf32", kFloat32}, {"bf16", kBFloat16}, {"f16", kFloat16}};

void add_product_rows(Rows& rows) {
  for (const auto& [type, dtype] : kTypes) {
    const std::string suffix = std::string("_") + type;
    for (const int64_t n : {1024, 4096, 8192}) {
      rows["gemm_" + std::to_string(n) + suffix] = [n, dtype] {
        return result_of([a = data({n, n}, 1, .3).to(dtype), b = data({n, n}, .01, .7).to(dtype)] {
          return a.matmul(b);
        });
      };
    }
    rows["linear_4096" + suffix] = [dtype] {
      return result_of([x = data({4096, 4096}, 1, .3).to(dtype),
                        w = data({4096, 4096}, .01, .7).to(dtype),
                        b = data({4096}, 1, .5).to(dtype)] { return linear(x, w, b); });
    };
    rows["gemm_16x4096x4096" + suffix] = [dtype] {
      return result_of([x = data({16, 4096}, 1, .3).to(dtype),
                        w = data({4096, 4096}, .01, .7).to(dtype)] { return linear(x, w); });
    };
    rows["bmm_64x512" + suffix] = [dtype] {
      return result_of([a = data({64, 512, 64}, 1, .3).to(dtype),
                        b = data({64, 64, 512}, .1, .7).to(dtype)] { return a.matmul(b); });
    };
  }
}

Tensor eight(const Tensor& x, const Tensor& b) {
  return sigmoid(relu(x * 1.5 + b) * 0.7 - 0.1) * x + b;
}

void add_pointwise_rows(Rows& rows) {
  for (const auto& [name, count] :
       {std::pair{"64MB", int64_t{1} << 24}, {"256MB", int64_t{1} << 26}}) {
    const std::string suffix = std::string("_") + name;
    const Shape shape{count};
    rows["copy" + suffix] = [shape] { return result_of([x = data(shape)] { return x.clone(); }); };
    rows["add" + suffix] = [shape] {
      return result_of([a = data(shape, 1, .3), b = data(shape, 1, .5)] { return a + b; });
    };
    rows["relu" + suffix] = [shape] { return result_of([x = data(shape)] { return relu(x); }); };
    rows["exp" + suffix] = [shape] { return result_of([x = data(shape)] { return x.exp(); }); };
    rows["gelu" + suffix] = [shape] { return result_of([x = data(shape)] { return gelu(x); }); };
    rows["eight" + suffix] = [shape] {
      return result_of([x = data(shape, 1, .3), b = data(shape, 1, .5)] { return eight(x, b); });
    };
    rows["program_eight" + suffix] = [count = count] {
      auto program = std::make_shared<bench::ProgramLaunch>(
          chain_program(),
          std::vector<Tensor>{blank({count}), data({count}, 1, .3), data({count}, 1, .5)});
      for (int i = 0; i < 4; ++i) program->launch();
      program->synchronize();
      return Row{[program](int64_t n) {
                   const auto begin = Clock::now();
                   for (int64_t i = 0; i < n; ++i) program->launch();
                   program->synchronize();
                   return seconds_since(begin);
                 },
                 checks_of(floats_of(program->result()))};
    };
  }
  const Shape rows_shape{16384, 1024};
  rows["add_bf16_64MB"] = [] {
    return result_of([a = data({int64_t{1} << 25}, 1, .3).to(kBFloat16),
                      b = data({int64_t{1} << 25}, 1, .5).to(kBFloat16)] { return a + b; });
  };
  rows["bias_add"] = [=] {
    return result_of([x = data(rows_shape), b = data({1024}, 1, .5)] { return x + b; });
  };
  rows["sum_all"] = [=] { return result_of([x = data(rows_shape)] { return x.sum(); }); };
  rows["sum_rows"] = [=] { return result_of([x = data(rows_shape)] { return x.sum({1}); }); };
  rows["sum_columns"] = [=] { return result_of([x = data(rows_shape)] { return x.sum({0}); }); };
  rows["argmax_rows"] = [=] {
    return result_of([x = data(rows_shape)] { return x.argmax(1).to(kFloat32); });
  };
  rows["transposed_copy"] = [] {
    return result_of([x = data({8192, 8192}).t()] { return x.contiguous(); });
  };
}

void add_normalization_rows(Rows& rows) {
  for (const auto& [name, shape] :
       {std::pair{"_8192x4096", Shape{8192, 4096}}, {"_16384x1024", Shape{16384, 1024}}}) {
    const std::string suffix = name;
    const int64_t width = shape[1];
    rows["softmax" + suffix] = [shape = shape] {
      return result_of([x = data(shape, 3)] { return softmax(x, 1); });
    };
    rows["log_softmax" + suffix] = [shape = shape] {
      return result_of([x = data(shape, 3)] { return log_softmax(x, 1); });
    };
    rows["layer_norm" + suffix] = [shape = shape, width] {
      return result_of([x = data(shape), w = data({width}, 1, .5), b = data({width}, 1, .7),
                        width] { return layer_norm(x, {width}, w, b); });
    };
    rows["layer_norm_grad" + suffix] = [shape = shape, width] {
      const Tensor x = leaf(shape, kFloat32), w = leaf({width}, kFloat32),
                   b = leaf({width}, kFloat32);
      return gradients_of([=] { return layer_norm(x, {width}, w, b); }, {x, w, b});
    };
    rows["softmax_grad" + suffix] = [shape = shape] {
      const Tensor x = leaf(shape, kFloat32, 3);
      return gradients_of([=] { return softmax(x, 1); }, {x});
    };
  }
  rows["batch_norm_train"] = [] {
    const Tensor x = leaf({64, 256, 28, 28}, kFloat32), w = leaf({256}, kFloat32),
                 b = leaf({256}, kFloat32);
    return gradients_of([=] { return batch_norm(x, {}, {}, w, b, true); }, {x, w, b});
  };
  rows["cross_entropy_grad"] = [] {
    const Tensor x = leaf({8192, 4096}, kFloat32, 3);
    const Tensor y = integers(class_numbers(8192, 4093), {8192});
    return gradients_of([=] { return cross_entropy(x, y); }, {x});
  };
  rows["max_pool_grad"] = [] {
    const Tensor x = leaf({64, 64, 112, 112}, kFloat32);
    return gradients_of([=] { return pool2x2(x); }, {x});
  };
  rows["embedding_grad"] = [] {
    const Tensor table = leaf({50000, 512}, kFloat32);
    const Tensor at = integers(class_numbers(16384, 49999), {16384});
    return gradients_of([=] { return embedding(table, at); }, {table});
  };
  rows["adam_step"] = [] {
    auto parameters = std::make_shared<std::vector<Tensor>>();
    for (int i = 0; i < 32; ++i) {
      Tensor p = leaf({1024, 1024}, kFloat32);
      p.set_grad(data({1024, 1024}, .1, .7));
      parameters->push_back(p);
    }
    auto optimizer = std::make_shared<optim::Adam>(*parameters, optim::AdamOptions{.lr = 1e-3});
    return queued([parameters, optimizer] { optimizer->step(); });
  };
}

struct ConvShape {
  const char* name;
  int64_t channels, size, out, kernel, stride, padding;
};
constexpr ConvShape kConvs[] = {
    {"stem7x7", 3, 224, 64, 7, 2, 3},      {"64x56_3x3", 64, 56, 64, 3, 1, 1},
    {"128x28_3x3", 128, 28, 128, 3, 1, 1}, {"256x14_3x3", 256, 14, 256, 3, 1, 1},
    {"512x7_3x3", 512, 7, 512, 3, 1, 1},   {"256x56_1x1", 256, 56, 64, 1, 1, 0}};

void add_convolution_rows(Rows& rows) {
  for (const auto& [type, dtype] : kTypes) {
    for (const ConvShape& c : kConvs) {
      const std::string suffix = std::string("_") + c.name + "_" + type;
      rows["conv" + suffix] = [c, dtype] {
        return result_of([x = data({64, c.channels, c.size, c.size}).to(dtype),
                          w = data({c.out, c.channels, c.kernel, c.kernel}, .05, .7).to(dtype),
                          c] { return conv(x, w, c.stride, c.padding); });
      };
      rows["conv_grad" + suffix] = [c, dtype] {
        const Tensor x = leaf({64, c.channels, c.size, c.size}, dtype);
        const Tensor w = leaf({c.out, c.channels, c.kernel, c.kernel}, dtype, .05, .7);
        return gradients_of([=] { return conv(x, w, c.stride, c.padding); }, {x, w});
      };
    }
  }
}

Row waiting(const Row& row) {
  return {[block = row.block](int64_t n) {
            wait();
            const auto begin = Clock::now();
            block(n);
            wait();
            return seconds_since(begin);
          },
          row.checks};
}

void add_step_rows(Rows& rows) {
  rows["host_add"] = [] {  // enqueued alone: what a call costs the host
    const Tensor a = data({1024}, 1, .3), b = data({1024}, 1, .5);
    return Row{[a, b](int64_t n) {
                 double seconds = 0;
                 for (int64_t done = 0; done < n; done += 500) {
                   wait();
                   const NoRecording guard;
                   const auto begin = Clock::now();
                   const int64_t end = std::min<int64_t>(500, n - done);
                   for (int64_t i = 0; i < end; ++i) keep(a + b);
                   seconds += seconds_since(begin);
                 }
                 wait();
                 return seconds;
               },
               checks_of(floats_of(a + b))};
  };
  Rows models;
  add_small_model_rows(models);
  for (const char* name : {"tiny_sgd", "tiny_adam", "mlp_train", "lenet_train"}) {
    rows[name] = [make = models[name]] { return waiting(make()); };
  }
  rows["mlp_adam"] = [] {
    const auto net = made<Mlp>(std::vector<int64_t>{784, 512, 512, 10});
    return waiting(training(net, adam(*net, 1e-3), images_task({64, 784}, 10, 64)));
  };
  rows["resnet_cifar_train_b64"] = [] {
    const auto net = made<ResNet18>(Stem::kCifar, int64_t{10});
    Row row = waiting(training(net, sgd(*net, 0.01, 0.9), images_task({64, 3, 32, 32}, 10, 64), 2));
    row.checks.resize(1);  // from the second step on each rounding leads elsewhere, f64 included
    return row;
  };
  rows["gpt_train_b8"] = [] {
    const auto net = made<Gpt>(int64_t{1024}, int64_t{128}, int64_t{256}, int64_t{4}, int64_t{4});
    return waiting(training(net, adam(*net, 1e-3), text_task(8)));
  };
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) {
  peers::Rows rows;
  peers::add_product_rows(rows);
  peers::add_pointwise_rows(rows);
  peers::add_normalization_rows(rows);
  peers::add_convolution_rows(rows);
  peers::add_step_rows(rows);
  return peers::serve(argc, argv, rows);
}
