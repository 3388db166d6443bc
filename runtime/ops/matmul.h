// Products.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

TENON_API Tensor matmul(const Tensor& self, const Tensor& other);  // batched, broadcasting; vectors as NumPy
TENON_API Tensor mm(const Tensor& self, const Tensor& other);      // (m,k)·(k,n)
TENON_API Tensor bmm(const Tensor& self, const Tensor& other);     // (b,m,k)·(b,k,n)
TENON_API Tensor dot(const Tensor& self, const Tensor& other);     // Σ xᵢ·yᵢ of two vectors
TENON_API Tensor addmm(const Tensor& self, const Tensor& a, const Tensor& b, Scalar beta = 1, Scalar alpha = 1);  // beta·self + alpha·a·b
TENON_API Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = {});  // x·wᵀ + b

}  // namespace tenon
