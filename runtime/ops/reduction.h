// Reductions over all or some dimensions. Empty `dims` means all. keepdim leaves extents of 1.
#pragma once

#include <utility>

#include <tenon/runtime/tensor.h>

namespace tenon {

// ---- sums; dtype: convert to it first ----
TENON_API Tensor sum(const Tensor& self, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});   // Σ x; integers and bool as int64
TENON_API Tensor& sum_out(Tensor& out, const Tensor& self, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
TENON_API Tensor prod(const Tensor& self, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});  // Π x; integers and bool as int64
TENON_API Tensor& prod_out(Tensor& out, const Tensor& self, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
TENON_API Tensor mean(const Tensor& self, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});  // Σ x / n, floats only
TENON_API Tensor& mean_out(Tensor& out, const Tensor& self, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
TENON_API Tensor nansum(const Tensor& self, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});   // Σ of what is not NaN
TENON_API Tensor& nansum_out(Tensor& out, const Tensor& self, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
TENON_API Tensor nanmean(const Tensor& self, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});  // mean of what is not NaN
TENON_API Tensor& nanmean_out(Tensor& out, const Tensor& self, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
TENON_API Tensor logsumexp(const Tensor& self, const Shape& dims, bool keepdim = false);  // log Σ e^x, without overflow
TENON_API Tensor& logsumexp_out(Tensor& out, const Tensor& self, const Shape& dims, bool keepdim = false);
TENON_API Tensor sum_to_size(const Tensor& self, const Shape& sizes);  // Σ over what broadcasting `sizes` repeats

// ---- extremes; an _out of a pair wants the dtypes of its results ----
TENON_API Tensor amax(const Tensor& self, const Shape& dims = {}, bool keepdim = false);  // greatest; ties share the gradient
TENON_API Tensor& amax_out(Tensor& out, const Tensor& self, const Shape& dims = {}, bool keepdim = false);
TENON_API Tensor amin(const Tensor& self, const Shape& dims = {}, bool keepdim = false);  // least; ties share the gradient
TENON_API Tensor& amin_out(Tensor& out, const Tensor& self, const Shape& dims = {}, bool keepdim = false);
TENON_API std::pair<Tensor, Tensor> aminmax(const Tensor& self, std::optional<int64_t> dim = {}, bool keepdim = false);  // (least, greatest)
TENON_API std::pair<Tensor&, Tensor&> aminmax_out(Tensor& least, Tensor& greatest, const Tensor& self, std::optional<int64_t> dim = {}, bool keepdim = false);
TENON_API Tensor argmax(const Tensor& self, std::optional<int64_t> dim = {}, bool keepdim = false);  // index of the first greatest
TENON_API Tensor& argmax_out(Tensor& out, const Tensor& self, std::optional<int64_t> dim = {}, bool keepdim = false);
TENON_API Tensor argmin(const Tensor& self, std::optional<int64_t> dim = {}, bool keepdim = false);  // index of the first least
TENON_API Tensor& argmin_out(Tensor& out, const Tensor& self, std::optional<int64_t> dim = {}, bool keepdim = false);
TENON_API std::pair<Tensor, Tensor> max(const Tensor& self, int64_t dim, bool keepdim = false);  // (values, indices) along dim
TENON_API std::pair<Tensor, Tensor> min(const Tensor& self, int64_t dim, bool keepdim = false);  // (values, indices) along dim
TENON_API std::pair<Tensor&, Tensor&> max_out(Tensor& values, Tensor& indices, const Tensor& self, int64_t dim, bool keepdim = false);
TENON_API std::pair<Tensor&, Tensor&> min_out(Tensor& values, Tensor& indices, const Tensor& self, int64_t dim, bool keepdim = false);
inline Tensor max(const Tensor& self) { return amax(self); }  // greatest of all; ties share the gradient
inline Tensor min(const Tensor& self) { return amin(self); }  // least of all; ties share the gradient

// ---- truth ----
TENON_API Tensor all(const Tensor& self, const Shape& dims = {}, bool keepdim = false);  // every x ≠ 0
TENON_API Tensor& all_out(Tensor& out, const Tensor& self, const Shape& dims = {}, bool keepdim = false);
TENON_API Tensor any(const Tensor& self, const Shape& dims = {}, bool keepdim = false);  // some x ≠ 0
TENON_API Tensor& any_out(Tensor& out, const Tensor& self, const Shape& dims = {}, bool keepdim = false);

// ---- spread and size; divided by n − correction ----
TENON_API Tensor var(const Tensor& self, const Shape& dims = {}, Scalar correction = 1, bool keepdim = false);  // Σ (x − mean)² / (n − correction)
TENON_API Tensor& var_out(Tensor& out, const Tensor& self, const Shape& dims = {}, Scalar correction = 1, bool keepdim = false);
TENON_API Tensor std(const Tensor& self, const Shape& dims = {}, Scalar correction = 1, bool keepdim = false);  // √var
TENON_API Tensor& std_out(Tensor& out, const Tensor& self, const Shape& dims = {}, Scalar correction = 1, bool keepdim = false);
TENON_API std::pair<Tensor, Tensor> var_mean(const Tensor& self, const Shape& dims = {}, Scalar correction = 1, bool keepdim = false);  // (var, mean)
TENON_API std::pair<Tensor, Tensor> std_mean(const Tensor& self, const Shape& dims = {}, Scalar correction = 1, bool keepdim = false);  // (std, mean)
TENON_API Tensor linalg_vector_norm(const Tensor& self, Scalar ord = 2, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});  // (Σ |x|^ord)^(1/ord)
TENON_API Tensor& linalg_vector_norm_out(Tensor& out, const Tensor& self, Scalar ord = 2, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
TENON_API Tensor norm(const Tensor& self, Scalar p = 2, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});  // linalg_vector_norm
TENON_API Tensor& norm_out(Tensor& out, const Tensor& self, Scalar p = 2, const Shape& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});

}  // namespace tenon
