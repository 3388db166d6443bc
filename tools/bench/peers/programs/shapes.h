// Sizes of the products and convolutions that are compared; the script's rows.py names the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace peers {

// (m,k) · (k,n), named "mm_<m>x<k>x<n>"; "…_nt" multiplies by the transpose of an (n,k) matrix.
struct Product {
  int64_t m, k, n;
  std::string name;
  Product(int64_t m_, int64_t k_, int64_t n_)
      : m(m_),
        k(k_),
        n(n_),
        name("mm_" + std::to_string(m_) + "x" + std::to_string(k_) + "x" + std::to_string(n_)) {}
};

inline const std::vector<Product>& products() {
  static const std::vector<Product> all = {
      {8, 8, 8},          {16, 16, 16},     {32, 32, 32},      {64, 64, 64},
      {128, 128, 128},    {256, 256, 256},  {512, 512, 512},   {1024, 1024, 1024},
      {2048, 2048, 2048}, {64, 784, 128},   {64, 784, 512},    {64, 512, 10},
      {512, 3072, 768},   {1024, 256, 768}, {1024, 1024, 256}, {1, 768, 3072}};
  return all;
}

// Square images and kernels, named "conv_<in>x<size>_<out>_<kernel>x<kernel>[s<stride>]_b<batch>".
struct Convolution {
  int64_t batch, in, size, out, kernel, stride, padding;
  std::string name;

  [[nodiscard]] int64_t out_size() const { return (size + 2 * padding - kernel) / stride + 1; }
};

inline const std::vector<Convolution>& convolutions() {
  static const std::vector<Convolution> all = [] {
    std::vector<Convolution> list;
    for (const int64_t batch : {1, 16}) {
      for (Convolution c : std::vector<Convolution>{{batch, 1, 28, 6, 5, 1, 2, {}},
                                                    {batch, 6, 14, 16, 5, 1, 0, {}},
                                                    {batch, 3, 224, 64, 7, 2, 3, {}},
                                                    {batch, 64, 56, 64, 3, 1, 1, {}},
                                                    {batch, 64, 56, 128, 3, 2, 1, {}},
                                                    {batch, 128, 28, 128, 3, 1, 1, {}},
                                                    {batch, 256, 14, 256, 3, 1, 1, {}},
                                                    {batch, 512, 7, 512, 3, 1, 1, {}},
                                                    {batch, 64, 56, 128, 1, 2, 0, {}},
                                                    {batch, 256, 56, 64, 1, 1, 0, {}},
                                                    {batch, 64, 32, 64, 3, 1, 1, {}}}) {
        const std::string kernel = std::to_string(c.kernel) + "x" + std::to_string(c.kernel);
        c.name = "conv_" + std::to_string(c.in) + "x" + std::to_string(c.size) + "_" +
                 std::to_string(c.out) + "_" + kernel +
                 (c.stride == 1 ? "" : "s" + std::to_string(c.stride)) + "_b" +
                 std::to_string(batch);
        list.push_back(c);
      }
    }
    return list;
  }();
  return all;
}

}  // namespace peers
