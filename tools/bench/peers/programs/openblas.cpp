// OpenBLAS called directly: products, and convolutions by im2col.
#include <memory>

#include "bench.h"
#include "shapes.h"

extern "C" void sgemm_(const char* transa, const char* transb, const int* m, const int* n,
                       const int* k, const float* alpha, const float* a, const int* lda,
                       const float* b, const int* ldb, const float* beta, float* c, const int* ldc);

namespace {

enum class Second { kPlain, kTransposed };

// c = a · b of row-major matrices; the library's are column-major, so the factors change places.
void multiply(const float* a, const float* b, float* c, int64_t m, int64_t k, int64_t n,
              Second second) {
  const int rows = static_cast<int>(m), inner = static_cast<int>(k), columns = static_cast<int>(n);
  const float one = 1, zero = 0;
  const bool transposed = second == Second::kTransposed;
  sgemm_(transposed ? "T" : "N", "N", &columns, &rows, &inner, &one, b,
         transposed ? &inner : &columns, a, &inner, &zero, c, &columns);
}

peers::Row product_row(const peers::Product& p, Second second) {
  const auto a = peers::wave(p.m * p.k, 1, .3), b = peers::wave(p.k * p.n, 1, .5);
  auto c = std::make_shared<std::vector<float>>(static_cast<size_t>(p.m * p.n));
  const auto body = [a, b, c, p, second] {
    multiply(a.data(), b.data(), c->data(), p.m, p.k, p.n, second);
    peers::keep(*c);
  };
  body();
  return peers::make_row(body, peers::checks_of(*c));
}

// Columns of one image's windows: (in · kernel · kernel, out_size · out_size).
void im2col(const float* x, float* columns, const peers::Convolution& c) {
  const int64_t out = c.out_size();
  for (int64_t row = 0; row < c.in * c.kernel * c.kernel; ++row) {
    const int64_t channel = row / (c.kernel * c.kernel);
    const int64_t dy = row / c.kernel % c.kernel - c.padding, dx = row % c.kernel - c.padding;
    for (int64_t y = 0; y < out; ++y) {
      float* to = columns + (row * out + y) * out;
      const int64_t from_y = y * c.stride + dy;
      if (from_y < 0 || from_y >= c.size) {
        std::fill_n(to, out, 0.f);
        continue;
      }
      const float* from = x + (channel * c.size + from_y) * c.size;
      for (int64_t i = 0; i < out; ++i) {
        const int64_t from_x = i * c.stride + dx;
        to[i] = from_x < 0 || from_x >= c.size ? 0.f : from[from_x];
      }
    }
  }
}

peers::Row convolution_row(const peers::Convolution& c) {
  const int64_t pixels = c.out_size() * c.out_size(), inner = c.in * c.kernel * c.kernel;
  const auto x = peers::wave(c.batch * c.in * c.size * c.size, 1, .3);
  const auto w = peers::wave(c.out * inner, .1, .5);
  auto columns = std::make_shared<std::vector<float>>(static_cast<size_t>(inner * pixels));
  auto y = std::make_shared<std::vector<float>>(static_cast<size_t>(c.batch * c.out * pixels));
  const auto body = [=] {
    for (int64_t i = 0; i < c.batch; ++i) {
      im2col(x.data() + i * c.in * c.size * c.size, columns->data(), c);
      multiply(w.data(), columns->data(), y->data() + i * c.out * pixels, c.out, inner, pixels,
               Second::kPlain);
    }
    peers::keep(*y);
  };
  body();
  return peers::make_row(body, peers::checks_of(*y));
}

}  // namespace

int main(int argc, char** argv) {
  peers::Rows rows;
  for (const peers::Product& p : peers::products()) {
    rows[p.name] = [p] { return product_row(p, Second::kPlain); };
    rows[p.name + "_nt"] = [p] { return product_row(p, Second::kTransposed); };
  }
  for (const peers::Convolution& c : peers::convolutions()) {
    rows[c.name] = [c] { return convolution_row(c); };
  }
  return peers::serve(argc, argv, rows);
}
