// oneDNN called directly: products of plain matrices, and convolutions of images and weights in the
// usual layouts; the library may choose others inside, and then the change of images counts, that
// of weights (which an application does once) does not.
#include <dnnl.hpp>

#include <memory>

#include "bench.h"
#include "shapes.h"

namespace {

using dnnl::memory;
using Tag = memory::format_tag;
constexpr auto kFloat = memory::data_type::f32;

struct Library {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
};
Library& library() {
  static Library one;
  return one;
}

memory filled(const memory::dims& sizes, Tag tag, double scale, double step) {
  memory m({sizes, kFloat, tag}, library().engine);
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  const std::vector<float> values = peers::wave(count, scale, step);
  std::copy(values.begin(), values.end(), static_cast<float*>(m.get_data_handle()));
  return m;
}
peers::Checks checks_of(const memory& m, int64_t count) {
  const auto* values = static_cast<const float*>(m.get_data_handle());
  return peers::checks_of({values, values + count});
}

peers::Row product_row(const peers::Product& p, Tag second) {
  memory a = filled({p.m, p.k}, Tag::ab, 1, .3);
  memory b = filled({p.k, p.n}, second, 1, .5);
  memory c({{p.m, p.n}, kFloat, Tag::ab}, library().engine);
  const dnnl::matmul::primitive_desc description({a.get_desc(), b.get_desc(), c.get_desc()},
                                                 library().engine);
  const auto body = [primitive = dnnl::matmul(description), a, b, c] {
    primitive.execute(library().stream,
                      {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
    library().stream.wait();
  };
  body();
  return peers::make_row(body, checks_of(c, p.m * p.n));
}

// `m` in the layout wanted; the same memory when it has it already.
memory reordered(memory m, const memory::desc& wanted) {
  if (m.get_desc() == wanted) return m;
  memory other(wanted, library().engine);
  dnnl::reorder(m, other).execute(library().stream, m, other);
  library().stream.wait();
  return other;
}

peers::Row convolution_row(const peers::Convolution& c) {
  const memory::dims in{c.batch, c.in, c.size, c.size}, kernel{c.out, c.in, c.kernel, c.kernel};
  const memory::dims out{c.batch, c.out, c.out_size(), c.out_size()};
  const memory::dims strides{c.stride, c.stride}, padding{c.padding, c.padding};
  memory x = filled(in, Tag::nchw, 1, .3);
  memory y({out, kFloat, Tag::nchw}, library().engine);
  const dnnl::convolution_forward::primitive_desc description({dnnl::prop_kind::forward_inference,
                                                               dnnl::algorithm::convolution_auto,
                                                               {in, kFloat, Tag::any},
                                                               {kernel, kFloat, Tag::any},
                                                               {out, kFloat, Tag::any},
                                                               strides,
                                                               padding,
                                                               padding},
                                                              library().engine);
  memory w = reordered(filled(kernel, Tag::oihw, .1, .5), description.weights_desc());
  const bool same_in = x.get_desc() == description.src_desc();
  const bool same_out = y.get_desc() == description.dst_desc();
  memory inner_x = same_in ? x : memory(description.src_desc(), library().engine);
  memory inner_y = same_out ? y : memory(description.dst_desc(), library().engine);
  const dnnl::reorder enter(x, inner_x), leave(inner_y, y);
  const auto body = [=, primitive = dnnl::convolution_forward(description)]() mutable {
    dnnl::stream& stream = library().stream;
    if (!same_in) enter.execute(stream, x, inner_x);
    primitive.execute(stream,
                      {{DNNL_ARG_SRC, inner_x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, inner_y}});
    if (!same_out) leave.execute(stream, inner_y, y);
    stream.wait();
  };
  auto first = body;
  first();
  return peers::make_row(body, checks_of(y, c.batch * c.out * c.out_size() * c.out_size()));
}

}  // namespace

int main(int argc, char** argv) {
  peers::Rows rows;
  for (const peers::Product& p : peers::products()) {
    rows[p.name] = [p] { return product_row(p, Tag::ab); };
    rows[p.name + "_nt"] = [p] { return product_row(p, Tag::ba); };
  }
  for (const peers::Convolution& c : peers::convolutions()) {
    rows[c.name] = [c] { return convolution_row(c); };
  }
  return peers::serve(argc, argv, rows);
}
