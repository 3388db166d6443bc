// S16 to S22: memory shared with the program, other devices.
#include <array>
#include <span>

#include "tour.h"

using namespace tenon;

namespace tour {
namespace {

const TensorOptions& host() {
  static const TensorOptions options{Device()};
  return options;
}

void shared_memory() {
  statement(16, "A host tensor and a span over its data share memory.");
  Tensor a = ones({5}, host());
  const std::span<float> b(a.data<float>(), 5);
  a.add_(1);
  show("a.add_(1)", a);
  expect(b.data() == a.data_ptr() && b[0] == 2 && b[4] == 2, "a.add_(1) changes both");
  b[0] = 42;
  expect(a[0].item<float>() == 42, "b[0] = 42 too");
  (void)(a + 1);
  expect(b[1] == 2, "a + 1 neither");

  statement(17, "What is not in host memory must be fetched.");
  if (!default_device().is_cpu()) {
    expect_refusal(".cpu()", [] { (void)ones({2}).data_ptr(); });
    expect(ones({2}).cpu().data<float>()[1] == 1, "with .cpu()");
  }
  expect_refusal("float64", [&] { (void)a.data<double>(); });
  const Tensor leaf = ones({2}, host()).requires_grad_();
  expect(leaf.detach().data_ptr() == leaf.data_ptr(), "detach() shares memory");

  statement(18, "from_blob makes a tensor of the program's memory.");
  std::array<double, 5> doubles = {1, 1, 1, 1, 1};
  int released = 0;
  {
    Tensor c = from_blob(doubles.data(), {5}, kFloat64, [&] { ++released; });
    c.add_(1);
    show("c.add_(1)", c);
    expect(c.dtype() == kFloat64 && doubles[4] == 2, "doubles stay doubles, and are shared");
    const Tensor view = c.slice(0, 1, 3);
    c = c + 1;
    expect(doubles[0] == 2 && released == 0 && is(view, {2, 2}), "while anybody looks at it");
  }
  expect(released == 1, "it is given back once");
  expect_refusal("", [] { (void)from_blob(nullptr, {3}, kFloat32, [] {}); });
}

void moves() {
  statement(19, "Tensors of every dtype move between devices.");
  for (const DType dtype : kAllDTypes) {
    const Tensor there = tensor({0., 1., 1.}, dtype);
    expect(there.dtype() == dtype && is(there.cpu(), {0, 1, 1}), name(dtype));
    expect(is(there.cpu().to(default_device()), {0, 1, 1}), name(dtype));
  }

  statement(20, "Whether there is a device of a kind: device_count(\"cuda\") > 0.");
  const int64_t count = device_count("cuda");
  expect(count >= 0 && device_count("no_such_device") == 0, "asking never fails");

  statement(21, "x = x.cuda(); y = y.cuda(); x + y");
  const Tensor x = ones({2, 2});
  if (count > 0) {
    const Tensor there = x.cuda();
    expect(there.cuda().is_same(there) && (there + there).device().type() == "cuda", "moved once");
  } else {
    expect_refusal("tenon_cuda.so", [&] { (void)x.cuda(); });
  }
  expect(x.to(x.device()).is_same(x), "nothing moves to where it is");
  if (!default_device().is_cpu())
    expect_refusal("one device", [] { (void)(ones({2}) + ones({2}, host())); });
  expect(is(ones({2}) * full({}, 3., host()), {3, 3}), "0-dim numbers of the host join any device");

  statement(22, "Results stay where they were computed; reading waits for them.");
  const Tensor sum = x + x;
  show("x + x", sum);
  expect(sum.device() == default_device() && all_are(sum, 2), "there");
  expect_refusal("gather", [&] {
    const Tensor none = gather(x, 0, tensor({{7, 0}}));
    synchronize(x.device());
  });
}

}  // namespace

void devices() {
  shared_memory();
  moves();
}

}  // namespace tour
