// Order and running totals along a dimension. NaN is greater than every number.
#pragma once

#include <optional>
#include <tuple>
#include <utility>

#include <tenon/runtime/tensor.h>

namespace tenon {

// ---- order; pairs are (values, int64 indices); an _out of a pair wants these dtypes ----
TENON_API std::pair<Tensor, Tensor> sort(const Tensor& self, int64_t dim = -1, bool descending = false, bool stable = false);  // always stable
TENON_API std::pair<Tensor&, Tensor&> sort_out(Tensor& values, Tensor& indices, const Tensor& self, int64_t dim = -1, bool descending = false, bool stable = false);
TENON_API Tensor argsort(const Tensor& self, int64_t dim = -1, bool descending = false, bool stable = false);  // the indices of sort
TENON_API Tensor msort(const Tensor& self);  // the values of sort along dimension 0
TENON_API std::pair<Tensor, Tensor> topk(const Tensor& self, int64_t k, int64_t dim = -1, bool largest = true, bool sorted = true);  // the k greatest or least
TENON_API std::pair<Tensor&, Tensor&> topk_out(Tensor& values, Tensor& indices, const Tensor& self, int64_t k, int64_t dim = -1, bool largest = true, bool sorted = true);
TENON_API std::pair<Tensor, Tensor> kthvalue(const Tensor& self, int64_t k, int64_t dim = -1, bool keepdim = false);  // the k-th least
TENON_API std::pair<Tensor&, Tensor&> kthvalue_out(Tensor& values, Tensor& indices, const Tensor& self, int64_t k, int64_t dim = -1, bool keepdim = false);
TENON_API Tensor median(const Tensor& self);     // the lower of the middle values of all
TENON_API std::pair<Tensor, Tensor> median(const Tensor& self, int64_t dim, bool keepdim = false);
TENON_API std::pair<Tensor&, Tensor&> median_out(Tensor& values, Tensor& indices, const Tensor& self, int64_t dim, bool keepdim = false);
TENON_API Tensor nanmedian(const Tensor& self);  // median of what is not NaN
TENON_API std::pair<Tensor, Tensor> nanmedian(const Tensor& self, int64_t dim, bool keepdim = false);
TENON_API std::pair<Tensor&, Tensor&> nanmedian_out(Tensor& values, Tensor& indices, const Tensor& self, int64_t dim, bool keepdim = false);

// ---- running totals ----
// Σ and Π of the elements up to each one. Integers and bool as int64 unless a dtype is given.
TENON_API Tensor cumsum(const Tensor& self, int64_t dim, std::optional<DType> dtype = {});
TENON_API Tensor cumprod(const Tensor& self, int64_t dim, std::optional<DType> dtype = {});
TENON_API Tensor& cumsum_(Tensor& self, int64_t dim);
TENON_API Tensor& cumprod_(Tensor& self, int64_t dim);
TENON_API Tensor& cumsum_out(Tensor& out, const Tensor& self, int64_t dim, std::optional<DType> dtype = {});
TENON_API Tensor& cumprod_out(Tensor& out, const Tensor& self, int64_t dim, std::optional<DType> dtype = {});
TENON_API std::pair<Tensor, Tensor> cummax(const Tensor& self, int64_t dim);  // greatest so far, and where it is (the last of equals)
TENON_API std::pair<Tensor&, Tensor&> cummax_out(Tensor& values, Tensor& indices, const Tensor& self, int64_t dim);
TENON_API std::pair<Tensor, Tensor> cummin(const Tensor& self, int64_t dim);  // least so far, and where it is (the last of equals)
TENON_API std::pair<Tensor&, Tensor&> cummin_out(Tensor& values, Tensor& indices, const Tensor& self, int64_t dim);
TENON_API Tensor logcumsumexp(const Tensor& self, int64_t dim);  // ln Σ e^x up to each element
TENON_API Tensor diff(const Tensor& self, int64_t n = 1, int64_t dim = -1, const Tensor& prepend = {}, const Tensor& append = {});  // x[i+1] − x[i], n times

// ---- searching and counting; without gradient ----
// (values, where each element's value is, how often each value came); what was not asked for is
// undefined. With dim the values are slices along it. The host reads how many there are.
TENON_API std::tuple<Tensor, Tensor, Tensor> unique(const Tensor& self, bool sorted = true, bool return_inverse = false, bool return_counts = false, std::optional<int64_t> dim = {});
TENON_API std::tuple<Tensor, Tensor, Tensor> unique_consecutive(const Tensor& self, bool return_inverse = false, bool return_counts = false, std::optional<int64_t> dim = {});
TENON_API Tensor searchsorted(const Tensor& sorted_sequence, const Operand& values, bool out_int32 = false, bool right = false, const Tensor& sorter = {});  // where values belong in sorted rows
TENON_API Tensor bucketize(const Operand& values, const Tensor& boundaries, bool out_int32 = false, bool right = false);  // searchsorted in one row
TENON_API Tensor histc(const Tensor& self, int64_t bins = 100, Scalar min = 0, Scalar max = 0);  // how many elements are in each of equal bins

}  // namespace tenon
