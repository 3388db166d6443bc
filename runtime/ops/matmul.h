// Products.
#pragma once

#include <string_view>

#include <tenon/runtime/tensor.h>

namespace tenon {

// ---- products of two ----
TENON_API Tensor matmul(const Tensor& self, const Tensor& other);  // batched, broadcasting; vectors as NumPy
TENON_API Tensor& matmul_out(Tensor& out, const Tensor& self, const Tensor& other);
TENON_API Tensor mm(const Tensor& self, const Tensor& other);      // (m,k)·(k,n)
TENON_API Tensor& mm_out(Tensor& out, const Tensor& self, const Tensor& other);
TENON_API Tensor bmm(const Tensor& self, const Tensor& other);     // (b,m,k)·(b,k,n)
TENON_API Tensor& bmm_out(Tensor& out, const Tensor& self, const Tensor& other);
TENON_API Tensor mv(const Tensor& self, const Tensor& vec);        // (m,k)·(k)
TENON_API Tensor& mv_out(Tensor& out, const Tensor& self, const Tensor& vec);
TENON_API Tensor dot(const Tensor& self, const Tensor& other);     // Σ xᵢ·yᵢ of two vectors
TENON_API Tensor& dot_out(Tensor& out, const Tensor& self, const Tensor& other);
TENON_API Tensor vdot(const Tensor& self, const Tensor& other);    // dot, which is the same for real numbers
TENON_API Tensor& vdot_out(Tensor& out, const Tensor& self, const Tensor& other);
TENON_API Tensor linalg_vecdot(const Tensor& self, const Tensor& other, int64_t dim = -1);  // Σ x·y along dim, broadcasting
TENON_API Tensor inner(const Tensor& self, const Tensor& other);   // Σ x·y over the last dimensions
TENON_API Tensor& inner_out(Tensor& out, const Tensor& self, const Tensor& other);
TENON_API Tensor outer(const Tensor& self, const Tensor& vec2);    // xᵢ·yⱼ
TENON_API Tensor& outer_out(Tensor& out, const Tensor& self, const Tensor& vec2);
TENON_API Tensor kron(const Tensor& self, const Tensor& other);    // Kronecker product
TENON_API Tensor& kron_out(Tensor& out, const Tensor& self, const Tensor& other);
TENON_API Tensor cross(const Tensor& self, const Tensor& other, std::optional<int64_t> dim = {});  // along the first dimension of 3 when unset
TENON_API Tensor& cross_out(Tensor& out, const Tensor& self, const Tensor& other, std::optional<int64_t> dim = {});
TENON_API Tensor linalg_cross(const Tensor& self, const Tensor& other, int64_t dim = -1);  // cross product of 3-vectors
TENON_API Tensor tensordot(const Tensor& self, const Tensor& other, const Shape& dims_self, const Shape& dims_other);  // Σ over pairs of dimensions
TENON_API Tensor tensordot(const Tensor& self, const Tensor& other, int64_t dims = 2);  // last `dims` of self with first of other
TENON_API Tensor& tensordot_out(Tensor& out, const Tensor& self, const Tensor& other, const Shape& dims_self, const Shape& dims_other);

// ---- beta·self + alpha·product; beta = 0 does not read self ----
TENON_API Tensor addmm(const Tensor& self, const Tensor& a, const Tensor& b, Scalar beta = 1, Scalar alpha = 1);  // (m,k)·(k,n)
TENON_API Tensor& addmm_(Tensor& self, const Tensor& a, const Tensor& b, Scalar beta = 1, Scalar alpha = 1);
TENON_API Tensor& addmm_out(Tensor& out, const Tensor& self, const Tensor& a, const Tensor& b, Scalar beta = 1, Scalar alpha = 1);
TENON_API Tensor addmv(const Tensor& self, const Tensor& mat, const Tensor& vec, Scalar beta = 1, Scalar alpha = 1);  // (m,k)·(k)
TENON_API Tensor& addmv_(Tensor& self, const Tensor& mat, const Tensor& vec, Scalar beta = 1, Scalar alpha = 1);
TENON_API Tensor& addmv_out(Tensor& out, const Tensor& self, const Tensor& mat, const Tensor& vec, Scalar beta = 1, Scalar alpha = 1);
TENON_API Tensor addr(const Tensor& self, const Tensor& vec1, const Tensor& vec2, Scalar beta = 1, Scalar alpha = 1);  // (m) outer (n)
TENON_API Tensor& addr_(Tensor& self, const Tensor& vec1, const Tensor& vec2, Scalar beta = 1, Scalar alpha = 1);
TENON_API Tensor& addr_out(Tensor& out, const Tensor& self, const Tensor& vec1, const Tensor& vec2, Scalar beta = 1, Scalar alpha = 1);
TENON_API Tensor addbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta = 1, Scalar alpha = 1);  // Σ over b of (b,m,k)·(b,k,n)
TENON_API Tensor& addbmm_(Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta = 1, Scalar alpha = 1);
TENON_API Tensor& addbmm_out(Tensor& out, const Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta = 1, Scalar alpha = 1);
TENON_API Tensor baddbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta = 1, Scalar alpha = 1);  // (b,m,k)·(b,k,n)
TENON_API Tensor& baddbmm_(Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta = 1, Scalar alpha = 1);
TENON_API Tensor& baddbmm_out(Tensor& out, const Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta = 1, Scalar alpha = 1);

// ---- products of several, powers, norms ----
TENON_API Tensor einsum(std::string_view equation, std::span<const Tensor> operands);  // "ij,jk->ik"
TENON_API Tensor linalg_multi_dot(std::span<const Tensor> tensors);  // matrices, multiplied in the cheapest order
TENON_API Tensor chain_matmul(std::span<const Tensor> matrices);     // the same for one matrix and more
TENON_API Tensor matrix_power(const Tensor& self, int64_t n);        // n factors of self
TENON_API Tensor trace(const Tensor& self);                          // Σ of the diagonal
TENON_API Tensor linalg_matrix_norm(const Tensor& self, std::optional<Scalar> ord = {}, const Shape& dims = {-2, -1}, bool keepdim = false, std::optional<DType> dtype = {});  // Frobenius, or greatest/least row/column sum

// ---- layers ----
TENON_API Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = {});  // x·wᵀ + b
TENON_API Tensor bilinear(const Tensor& input1, const Tensor& input2, const Tensor& weight, const Tensor& bias = {});  // x₁ᵀ·w·x₂ + b

}  // namespace tenon
