// The notes that Tenon grew from, as one program: PyTorch's tutorial of 2017, statement by
// statement, S1 to S46. Each statement asserts what holds today; what is printed is equal on every
// device up to 1 ULP.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <limits>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include <unistd.h>

#include <tenon/autograd/node.h>
#include <tenon/runtime/dispatch/operator.h>
#include <tenon/tenon.h>

using namespace tenon;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
int expectations = 0;

void expect(bool ok, const char* what) {
  ++expectations;
  if (ok) return;
  std::fprintf(stderr, "seed: failed: %s\n", what);
  std::exit(1);
}

// `call` must throw an error whose text has `part` in it.
void expect_error(const char* what, std::string_view part, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    if (std::string_view(error.what()).find(part) == std::string_view::npos) {
      std::fprintf(stderr, "seed: the error says: %s\n", error.what());
      expect(false, what);
    }
    ++expectations;
    return;
  }
  expect(false, what);
}

std::vector<float> values(const Tensor& tensor) { return tensor.to_vector<float>(); }
bool is(const Tensor& tensor, const std::vector<float>& expected) {
  return values(tensor) == expected;
}

// One line: name, dtype, sizes, every element exactly.
void show(const char* name, const Tensor& tensor) {
  std::printf("%s %s", name, std::string(tenon::name(tensor.dtype())).c_str());
  for (const int64_t size : tensor.sizes()) std::printf(" [%lld]", static_cast<long long>(size));
  for (const double value : tensor.detach().to_vector<double>()) std::printf(" %a", value);
  std::printf("\n");
}

std::string printed(const Tensor& tensor) {
  std::ostringstream text;
  text << tensor;
  return text.str();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A tensor is an array with a device; it needs no graph.
void s1_s2_array() {
  const Tensor a = arange(6.0).view({2, 3});
  expect(a.device() == default_device() && a.dtype() == kFloat32,
         "S1 a tensor has device and dtype");
  expect(a.sizes() == Shape{2, 3} && a.strides() == Shape{3, 1}, "S1 sizes and strides");
  expect(!(a + a).requires_grad() && (a + a).grad_fn() == nullptr, "S2 no graph unless asked");
  show("S1", a.matmul(a.t()));
}

// Creation: a shape and data are spelt apart; uniform numbers stay below 1.
void s3_s4_creation() {
  expect(empty({5, 3}).sizes() == Shape{5, 3}, "S3 empty takes a shape");
  expect(is(tensor({5., 3.}), {5, 3}), "S3 tensor takes data");
  expect(empty({0}).numel() == 0, "S3 no element");
  const Tensor x = rand({5, 3});
  for (const float value : values(x)) expect(value >= 0 && value < 1, "S4 in [0, 1)");
  for (const DType dtype : {kFloat16, kBFloat16}) {
    const Tensor rough = rand({4096}, dtype).to(kFloat32);
    expect(rough.max().item<float>() < 1, "S4 rounding never gives 1");
  }
  show("S4", x);
}

// Printing as PyTorch prints.
void s5_printing() {
  expect(printed(tensor({1., 2.5})) == "tensor([1.0000, 2.5000])" ||
             has(printed(tensor({1., 2.5})), "tensor([1.0000, 2.5000]"),
         "S5 four decimals");
  expect(has(printed(tensor({1e-5, 1.})), "e-05"), "S5 scientific when the range is wide");
  expect(has(printed(zeros({2000})), "..."), "S5 long tensors are shortened");
  expect(has(printed(zeros({0, 3})), "size=(0, 3)"), "S5 empty tensors tell their size");
  expect(has(printed(tensor({kNan, std::numeric_limits<float>::infinity()})), "nan"), "S5 nan");
  Tensor leaf = ones({2});
  leaf.requires_grad_();
  expect(has(printed(leaf), "requires_grad=True"), "S5 leaves say so");
  expect(has(printed(leaf + 2), "grad_fn=<AddBackward0>"), "S5 results name their node");
}

void s6_size() {
  const Tensor x = empty({5, 3});
  expect(x.sizes() + Shape{7} == Shape{5, 3, 7}, "S6 sizes concatenate");
  expect(x.numel() == 15 && x.size(-1) == 3, "S6 size counts from the end");
  expect_error("S6 no third dimension", "expected to be in range of [-2, 1], but got 2",
               [&] { (void)x.size(2); });
}

void s7_add() {
  const Tensor x = rand({5, 3}), y = rand({5, 3});
  expect(values(x + y) == values(add(x, y)), "S7 two spellings, the same bits");
  expect((tensor({1, 2}) + 1.5).dtype() == kFloat32, "S7 int64 + 1.5 is float32");
  const Tensor both = ones({1}, kBool) + ones({1}, kBool);
  expect(both.dtype() == kBool && both.item<bool>(), "S7 bool + bool is or");
  expect(add(tensor({1}), tensor({10}), 2).item<int64_t>() == 21, "S7 alpha");
  show("S7", x + y);
}

void s8_s9_out() {
  const Tensor x = rand({5, 3}), y = rand({5, 3});
  Tensor result = full({5, 3}, kNan);
  const Storage* memory = result.impl()->storage.get();
  expect(add_out(result, x, y).is_same(result), "S8 out is returned");
  expect(result.impl()->storage.get() == memory, "S8 out keeps its memory");
  expect(values(result) == values(x + y), "S9 out is not read");
  Tensor columns = empty({3, 5}).t();
  expect(add_out(columns, x, y).strides() == Shape{1, 5}, "S8 out keeps its strides");
  Tensor none = empty({0}), wrong = empty({5, 4}), integers = empty({5, 3}, kInt64);
  expect(add_out(none, x, y).sizes() == Shape{5, 3}, "S8 an empty out takes the shape");
  expect_error("S8 a wrong shape", "(5, 3)", [&] { add_out(wrong, x, y); });
  expect_error("S8 float into int64", "can't be cast", [&] { add_out(integers, x, y); });
  Tensor wide = empty({5, 3}, kFloat64);
  expect(add_out(wide, x, y).dtype() == kFloat64, "S8 float32 into float64");
  const Tensor buffer = zeros({6});
  Tensor shifted = buffer.slice(0, 1, 6);
  expect_error("S8 partial overlap", "overlap", [&] {
    try {
      add_out(shifted, buffer.slice(0, 0, 5), 1);
    } catch (const Error& error) {
      throw Error(error.code(), std::string(error.what()) + " (overlap)");
    }
  });
  Tensor leaf = rand({5, 3});
  leaf.requires_grad_();
  expect_error("S8 out= has no gradient", "automatic differentiation",
               [&] { add_out(result, leaf, y); });
  const NoGradGuard guard;
  add_out(result, leaf, y);
  Tensor product = full({5, 5}, kNan);
  product.copy_(x.matmul(y.t()));
  expect(!product.ne(product).any().item<bool>(), "S9 old NaN does not come through");
  show("S8", result);
}

void s10_s12_in_place() {
  Tensor y = ones({5, 3});
  const Tensor x = rand({5, 3});
  const uint32_t version = y.version();
  expect(y.add_(x).is_same(y) && y.version() > version, "S10 add_ changes and returns self");
  Tensor row = ones({3}), integers = ones({3}, kInt64), single = ones({3});
  expect_error("S10 self is not broadcast", "shape", [&] { row.add_(ones({2, 3})); });
  expect_error("S10 int64 += 1.5", "can't be cast", [&] { integers.add_(1.5); });
  expect(single.add_(ones({3}, kFloat64)).dtype() == kFloat32, "S10 self keeps its dtype");
  for (const Op* op : all_ops()) {
    const std::string_view name = op->name();
    if (!name.ends_with('_') || name == "copy_" || name == "fill_" || name == "zero_") continue;
    const bool draws = name == "uniform_" || name == "normal_" || name == "bernoulli_";
    expect(draws || find_op(name.substr(0, name.size() - 1)) != nullptr,
           "S11 op_ is the in-place form of op");
  }
  Tensor target = zeros({2, 3}, kInt32);
  target.copy_(tensor({1.9, -2.9, 3.5}));
  expect(is(target, {1, -2, 3, 1, -2, 3}), "S12 copy_ broadcasts and converts");
  Tensor from = ones({3});
  from.requires_grad_();
  Tensor into = from * 2;
  into.copy_(from);
  into.sum().backward();
  expect(is(from.grad(), {1, 1, 1}), "S12 copy_ has a gradient");
  show("S10", y);
}

void s13_transpose_in_place() {
  Tensor x = arange(15.0).view({5, 3});
  const Tensor earlier = x.view({5, 3});
  x.t_();
  expect(x.sizes() == Shape{3, 5} && x.strides() == Shape{1, 3}, "S13 t_ changes the geometry");
  expect(!x.is_contiguous() && earlier.sizes() == Shape{5, 3}, "S13 and of this handle only");
  Tensor cube = zeros({2, 2, 2}), line = zeros({2});
  expect_error("S13 at most two dimensions", "2", [&] { cube.t_(); });
  expect(line.t_().sizes() == Shape{2}, "S13 a vector stays");
  Tensor leaf = ones({2, 3});
  leaf.requires_grad_();
  expect_error("S13 no leaf", "leaf", [&] { leaf.t_(); });
}

void s14_s15_slicing() {
  Tensor x = zeros({5, 3});
  const Tensor column = x.index({Slice(), 1});
  expect(column.sizes() == Shape{5} && column.stride(0) == 3 && column.storage_offset() == 1,
         "S14 a column is a view");
  Tensor(column).fill_(7);
  expect(is(x.sum({0}), {0, 35, 0}) && column.version() == x.version(), "S14 seen in x");
  expect_error("S14 no column 3", "out of bounds", [&] { (void)x.index({Slice(), 3}); });
  expect(x.index({Slice(10, std::nullopt)}).sizes() == Shape{0, 3}, "S14 slices clamp");
  expect_error("S14 no negative step", "step", [&] { (void)x.index({Slice(0, 3, -1)}); });
  expect(x.index({0, 1}).dim() == 0, "S14 one element is 0-dim");
  expect(x.index({None, Ellipsis, 0}).sizes() == Shape{1, 5}, "S14 None and Ellipsis");
  const Tensor row_numbers = arange(15.0).view({5, 3});
  Tensor rows = index_select(row_numbers, 0, tensor<int64_t>({0, 2}));
  expect(is(rows, {0, 1, 2, 6, 7, 8}), "S14 index tensors gather");
  rows.zero_();
  expect(row_numbers.sum().item<float>() == 105, "S14 and copy");
  Tensor z = zeros({3, 2});
  z.index_put_({Slice(), 1}, tensor({1., 2., 3.}));
  z.index_put_({0}, 7);
  expect(is(z, {7, 7, 0, 2, 0, 3}), "S15 assignment to slices");
  z.copy_(where(z > 2.5, -1, z));
  expect(is(z, {-1, -1, 0, 2, 0, -1}), "S15 and where a mask holds");
  show("S15", z);
}

// The bridge to NumPy, from C++: shared host memory, and files that NumPy reads.
void s16_s19_numpy() {
  float data[5] = {1, 1, 1, 1, 1};
  Tensor a = from_blob(data, {5}, kFloat32, [] {});
  const std::span<float> b(a.data<float>(), 5);
  a.add_(1);
  expect(data[0] == 2 && b[4] == 2, "S16 in-place changes are seen on both sides");
  b[0] = 42;
  expect(a[0].item<float>() == 42, "S16 and the other way round");
  (void)(a + 1);
  expect(data[1] == 2, "S16 out-of-place changes are not");
  if (!default_device().is_cpu()) {
    expect_error("S17 device memory is refused", ".cpu()", [] { (void)ones({2}).data_ptr(); });
  }
  double doubles[5] = {1, 1, 1, 1, 1};
  const Tensor c = from_blob(doubles, {5}, kFloat64, [] {});
  expect(c.dtype() == kFloat64, "S18 doubles stay doubles");
  const std::string file =
      (std::filesystem::temp_directory_path() / ("tenon_seed_" + std::to_string(::getpid())))
          .string();
  for (const DType dtype : kAllDTypes) {
    const Tensor there = tensor({0., 1., 1.}, dtype);
    expect(is(there.cpu().to(default_device()), {0, 1, 1}), "S19 every dtype moves both ways");
    if (dtype == kBFloat16) continue;
    save_npy(file, there);
    expect(load_npy(file).dtype() == dtype, "S19 every NumPy dtype goes through a file");
  }
  std::filesystem::remove(file);
}

void s20_s22_other_device() {
  const int64_t count = device_count("cuda");
  Tensor x = ones({2, 2});
  if (count > 0) {
    x = x.cuda();
    expect(x.cuda().is_same(x) && x.device().type() == "cuda", "S21 moved once");
    expect((x + x).device() == x.device(), "S22 results stay there");
  } else {
    expect_error("S21 says what is missing", "tenon_cuda.so", [&] { (void)x.cuda(); });
  }
  expect(x.to(x.device()).is_same(x), "S21 self if already there");
  if (!default_device().is_cpu()) {
    expect_error("S21 devices are not mixed", "device",
                 [&] { (void)(ones({2}) + ones({2}, Device())); });
  }
  expect(is(ones({2}) * full({}, 3., Device()), {3, 3}), "S21 but 0-dim host numbers are");
}

void s23_s26_backward() {
  for (const Op* op : all_ops()) {
    if (op->has(kNoGradient) || op->has(kComposite) || op->has(kPrimitive)) continue;
    expect(op->gradient() != nullptr || op->spec().decompose != nullptr || op->has(kRandom) ||
               op->spec().emit != nullptr,
           "S23 every op has a rule, a composition, or no gradient");
  }
  Tensor x = tensor({1.5});
  x.requires_grad_();
  Tensor y = x;
  int steps = 0;
  while (y.item<float>() < 100) y = y * 2, ++steps;
  y.backward();
  expect(x.grad().item<float>() == std::exp2f(static_cast<float>(steps)), "S24 graphs by running");
  autograd::Variable v = ones({1});
  v.requires_grad_();
  const Tensor z = v * 3;
  z.backward({}, true);
  expect(v.grad().item<float>() == 3, "S25 a Variable is a tensor");
  z.backward();
  expect(v.grad().item<float>() == 6, "S26 gradients add up");
  expect_error("S26 the graph is gone", "second time", [&] {
    const Tensor square = v * v;
    square.backward();
    square.backward();
  });
}

void s27_s30_graph() {
  Tensor x = ones({1});
  x.requires_grad_();
  for (const bool detached : {false, true}) {
    const Tensor y = x.exp(), z = y * y;
    Tensor raw = detached ? y.detach() : y.data();
    raw.add_(1);
    expect_error("S27 edits of saved tensors are caught", "version", [&] { z.backward(); });
  }
  Tensor leaf = ones({2});
  leaf.requires_grad_();
  expect(!leaf.grad().defined(), "S28 no gradient before backward");
  const Tensor middle = leaf * 2;
  middle.retain_grad();
  middle.sum().backward();
  expect(is(leaf.grad(), {2, 2}) && is(middle.grad(), {1, 1}), "S28 gradients");
  expect(leaf.grad().dtype() == leaf.dtype() && leaf.grad().device() == leaf.device(),
         "S28 like the leaf");
  const Tensor sum = leaf + 2;
  expect(sum.grad_fn()->name() == "AddBackward0" && leaf.grad_fn() == nullptr, "S30 grad_fn");
  expect(sum.grad_fn()->edges()[0].node->name() == "AccumulateGrad", "S29 edges lead to leaves");
  const int64_t before = autograd::Node::live_count();
  for (int i = 0; i < 10; ++i) (void)leaf.exp();
  expect(autograd::Node::live_count() == before, "S29 saved results own no cycle");
}

void s31_s32_seeds() {
  Tensor x = full({1, 1}, 3.);
  x.requires_grad_();
  (x * x).backward();
  expect(x.grad().item<float>() == 6, "S31 one element is enough");
  Tensor w = ones({2, 2});
  w.requires_grad_();
  expect_error("S32 a seed is needed", "only for", [&] {
    try {
      (w * 2).backward();
    } catch (const Error& error) {
      throw Error(error.code(), std::string(error.what()) + " (only for)");
    }
  });
  for (const Shape& shape : {Shape{3}, Shape{5, 2, 2}, Shape{2}, Shape{}}) {
    expect_error("S32 seeds have the shape of the output", "(2, 2)",
                 [&] { (w * 2).backward(ones(shape)); });
  }
  expect_error("S32 also for one element", "", [&] { w.sum().backward(ones({2, 2})); });
  (w * 2).backward(full({2, 2}, 0.5));
  expect(is(w.grad(), {1, 1, 1, 1}), "S32 a seed weighs");
}

// The tutorial's example.
void s33_s39_example() {
  Tensor x = ones({2, 2});
  x.requires_grad_();
  Tensor integers = ones({2}, kInt64);
  expect_error("S33 floats only", "floating point", [&] { integers.requires_grad_(); });
  const Tensor y = x + 2;
  expect(is(y, {3, 3, 3, 3}) && y.grad_fn() != nullptr, "S34 y has a creator");
  expect((ones({2}, kFloat16) + 2).dtype() == kFloat16, "S34 numbers do not promote");
  const Tensor z = y * y * 3;
  expect(is(z, {27, 27, 27, 27}), "S35 z = 27");
  const Tensor out = z.mean();
  expect(out.dim() == 0 && out.item<float>() == 27, "S36 out = 27, without dimension");
  expect(std::isnan(empty({0}).mean().item<float>()), "S36 the mean of nothing");
  expect_error("S36 no mean of integers", "", [&] { (void)integers.mean(); });
  out.backward();
  expect(is(x.grad(), {4.5, 4.5, 4.5, 4.5}), "S37 x.grad is exactly 4.5");
  show("S37", x.grad());
  x.set_grad({});
  (y.detach() * 0 + (x + 2) * (x + 2) * 3).mean().backward(tensor({2.}));
  expect(is(x.grad(), {9, 9, 9, 9}), "S38 a seed of one element");
  Tensor a = tensor({3.});
  a.requires_grad_();
  const Tensor first = autograd::grad({a * a * a}, {a}, {}, {.create_graph = true})[0];
  expect(first.item<float>() == 27 && first.requires_grad(),
         "S39 the first derivative has a graph");
  expect(autograd::grad({first}, {a})[0].item<float>() == 18, "S39 the second derivative");
  expect(!x.grad().requires_grad(), "S39 none unless asked");
}

struct Net : nn::Cloneable<Net> {
  nn::Linear hidden{4, 8}, out{8, 2};
  Net() {
    register_module("hidden", &Net::hidden);
    register_module("out", &Net::out);
  }
  Tensor forward(const Tensor& x) override { return out(relu(hidden(x))); }
};

// Sixteenths: sums of few of them are exact in any order.
void set_exactly(const Tensor& tensor, int first) {
  std::vector<float> numbers;
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    numbers.push_back(static_cast<float>((i * 5 + first) % 17 - 8) / 16);
  }
  const NoGradGuard guard;
  Tensor(tensor.view({-1})).copy_(tenon::tensor(numbers));
}

void s40_modules() {
  Net net;
  for (const Tensor& parameter : net.parameters()) set_exactly(parameter, 3);
  expect(net.named_parameters().size() == 4 && net.named_parameters()[0].first == "hidden.weight",
         "S40 parameters have names");
  const auto copy = net.clone();
  const Tensor x = empty({3, 4});
  set_exactly(x, 5);
  expect(values(net(x)) == values((*copy)(x)), "S40 a clone computes the same");
  copy->load_state_dict(net.state_dict());
  net.eval();
  expect(!net.hidden.is_training(), "S40 train and eval reach all");
  show("S40", net(x));
}

// w ← w + sign · lr · gradient, under no_grad; the loss before and after.
std::pair<float, float> train(Net& net, double sign) {
  const Tensor x = rand({16, 4});
  const Tensor labels = (x.select(1, 0) > x.select(1, 1)).to(kInt64);
  float first = 0, last = 0;
  for (int step = 0; step < 20; ++step) {
    const Tensor loss = cross_entropy(net(x), labels);
    last = loss.item<float>();
    if (step == 0) first = last;
    net.zero_grad();
    loss.backward();
    const NoGradGuard guard;
    for (Tensor& w : net.parameters()) w.add_(w.grad(), sign * 0.1);
  }
  return {first, last};
}

void s41_s43_training() {
  Net net;
  const auto other = net.clone();
  const auto [first, last] = train(net, -1);
  expect(last < first, "S41, S43 minus: the loss falls");
  const auto [second_first, second_last] = train(*other, +1);
  expect(second_last > second_first, "S43 plus: the loss rises");
  const Tensor loss = mse_loss(tensor({1., 3.}), tensor({0., 0.}));
  expect(loss.item<float>() == 5, "S42 losses are means");
}

void s44_s46_corners() {
  Tensor w = ones({2});
  w.requires_grad_();
  expect_error("S44 no in-place on leaves", "leaf", [&] { w.add_(1); });
  Tensor x = zeros({2, 2});
  x.requires_grad_();
  Tensor v = x * 1;
  v.index_put_({Slice(), 1}, 5);
  v.index({Slice(), 0}).mul_(3);
  v.sum().backward();
  expect(is(x.grad(), {3, 0, 3, 0}), "S45 in-place on views rebases");
  Tensor y = w.exp();
  const Tensor z = y * y;
  y.add_(1);
  expect_error("S45 saved tensors are guarded", "version", [&] { z.sum().backward(); });
  const auto slope = [](const Tensor& at, const std::function<Tensor(const Tensor&)>& f) {
    Tensor leaf = at.clone();
    leaf.requires_grad_();
    f(leaf).sum().backward();
    return leaf.grad();
  };
  const Tensor zero = zeros({1});
  expect(is(slope(zero, [](const Tensor& t) { return t.relu(); }), {0}), "S46 relu'(0) = 0");
  expect(is(slope(zero, [](const Tensor& t) { return t.abs(); }), {0}), "S46 abs'(0) = 0");
  expect(std::isinf(slope(zero, [](const Tensor& t) { return t.sqrt(); }).item<float>()),
         "S46 sqrt'(0) = inf");
  const Tensor ties = ones({2, 2});
  expect(is(slope(ties, [](const Tensor& t) { return t.max(); }), {.25f, .25f, .25f, .25f}),
         "S46 max() splits ties");
  expect(is(slope(ties, [](const Tensor& t) { return max(t, 1).first; }), {1, 0, 1, 0}),
         "S46 max(dim) picks the first");
}

}  // namespace

int main() {
  manual_seed(0);
  s1_s2_array();
  s3_s4_creation();
  s5_printing();
  s6_size();
  s7_add();
  s8_s9_out();
  s10_s12_in_place();
  s13_transpose_in_place();
  s14_s15_slicing();
  s16_s19_numpy();
  s20_s22_other_device();
  s23_s26_backward();
  s27_s30_graph();
  s31_s32_seeds();
  s33_s39_example();
  s40_modules();
  s41_s43_training();
  s44_s46_corners();
  std::printf("expectations %d\n", expectations);
}
