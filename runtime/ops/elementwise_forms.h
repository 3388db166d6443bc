// The elementwise ops that write. op_(self, …) puts the result into self, which keeps its sizes and
// dtype; op_out(out, …) into out, which must have the sizes of the result (an empty one takes them)
// and a dtype that it can be cast to. Both return what they wrote.
// Errors: InvalidArgument for sizes, and where operands overlap what is written; DType for a result
// that can't be cast; Autograd for a leaf that requires grad (op_), or any such operand (op_out).
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

// ---- arithmetic ----
TENON_API Tensor& add_out(Tensor& out, const Operand& self, const Operand& other, Scalar alpha = 1);
TENON_API Tensor& sub_out(Tensor& out, const Operand& self, const Operand& other, Scalar alpha = 1);
TENON_API Tensor& mul_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& div_out(Tensor& out, const Operand& self, const Operand& other, Rounding rounding = Rounding::kNone);
TENON_API Tensor& floor_divide_(Tensor& self, const Operand& other);
TENON_API Tensor& floor_divide_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& remainder_(Tensor& self, const Operand& other);
TENON_API Tensor& remainder_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& fmod_(Tensor& self, const Operand& other);
TENON_API Tensor& fmod_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& pow_out(Tensor& out, const Operand& self, const Operand& exponent);
TENON_API Tensor& maximum_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& minimum_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& addcmul_out(Tensor& out, const Tensor& self, const Tensor& a, const Tensor& b, Scalar value = 1);
TENON_API Tensor& addcdiv_out(Tensor& out, const Tensor& self, const Tensor& a, const Tensor& b, Scalar value = 1);

// ---- functions of two tensors ----
TENON_API Tensor& atan2_(Tensor& self, const Operand& other);
TENON_API Tensor& atan2_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& hypot_(Tensor& self, const Operand& other);
TENON_API Tensor& hypot_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& copysign_(Tensor& self, const Operand& other);
TENON_API Tensor& copysign_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& xlogy_(Tensor& self, const Operand& other);
TENON_API Tensor& xlogy_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& logaddexp_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& heaviside_(Tensor& self, const Tensor& values);
TENON_API Tensor& heaviside_out(Tensor& out, const Tensor& self, const Tensor& values);
TENON_API Tensor& lerp_(Tensor& self, const Tensor& end, const Operand& weight);
TENON_API Tensor& lerp_out(Tensor& out, const Tensor& self, const Tensor& end, const Operand& weight);

// ---- functions of one tensor ----
TENON_API Tensor& neg_(Tensor& self);
TENON_API Tensor& neg_out(Tensor& out, const Tensor& self);
TENON_API Tensor& abs_(Tensor& self);
TENON_API Tensor& abs_out(Tensor& out, const Tensor& self);
TENON_API Tensor& sign_(Tensor& self);
TENON_API Tensor& sign_out(Tensor& out, const Tensor& self);
TENON_API Tensor& square_(Tensor& self);
TENON_API Tensor& square_out(Tensor& out, const Tensor& self);
TENON_API Tensor& floor_(Tensor& self);
TENON_API Tensor& floor_out(Tensor& out, const Tensor& self);
TENON_API Tensor& ceil_(Tensor& self);
TENON_API Tensor& ceil_out(Tensor& out, const Tensor& self);
TENON_API Tensor& round_(Tensor& self);
TENON_API Tensor& round_out(Tensor& out, const Tensor& self);
TENON_API Tensor& trunc_(Tensor& self);
TENON_API Tensor& trunc_out(Tensor& out, const Tensor& self);
TENON_API Tensor& frac_(Tensor& self);
TENON_API Tensor& frac_out(Tensor& out, const Tensor& self);
TENON_API Tensor& exp_(Tensor& self);
TENON_API Tensor& exp_out(Tensor& out, const Tensor& self);
TENON_API Tensor& expm1_(Tensor& self);
TENON_API Tensor& expm1_out(Tensor& out, const Tensor& self);
TENON_API Tensor& exp2_(Tensor& self);
TENON_API Tensor& exp2_out(Tensor& out, const Tensor& self);
TENON_API Tensor& log_(Tensor& self);
TENON_API Tensor& log_out(Tensor& out, const Tensor& self);
TENON_API Tensor& log1p_(Tensor& self);
TENON_API Tensor& log1p_out(Tensor& out, const Tensor& self);
TENON_API Tensor& log2_(Tensor& self);
TENON_API Tensor& log2_out(Tensor& out, const Tensor& self);
TENON_API Tensor& log10_(Tensor& self);
TENON_API Tensor& log10_out(Tensor& out, const Tensor& self);
TENON_API Tensor& sqrt_(Tensor& self);
TENON_API Tensor& sqrt_out(Tensor& out, const Tensor& self);
TENON_API Tensor& rsqrt_(Tensor& self);
TENON_API Tensor& rsqrt_out(Tensor& out, const Tensor& self);
TENON_API Tensor& reciprocal_(Tensor& self);
TENON_API Tensor& reciprocal_out(Tensor& out, const Tensor& self);
TENON_API Tensor& sin_(Tensor& self);
TENON_API Tensor& sin_out(Tensor& out, const Tensor& self);
TENON_API Tensor& cos_(Tensor& self);
TENON_API Tensor& cos_out(Tensor& out, const Tensor& self);
TENON_API Tensor& tan_(Tensor& self);
TENON_API Tensor& tan_out(Tensor& out, const Tensor& self);
TENON_API Tensor& asin_(Tensor& self);
TENON_API Tensor& asin_out(Tensor& out, const Tensor& self);
TENON_API Tensor& acos_(Tensor& self);
TENON_API Tensor& acos_out(Tensor& out, const Tensor& self);
TENON_API Tensor& atan_(Tensor& self);
TENON_API Tensor& atan_out(Tensor& out, const Tensor& self);
TENON_API Tensor& sinh_(Tensor& self);
TENON_API Tensor& sinh_out(Tensor& out, const Tensor& self);
TENON_API Tensor& cosh_(Tensor& self);
TENON_API Tensor& cosh_out(Tensor& out, const Tensor& self);
TENON_API Tensor& tanh_(Tensor& self);
TENON_API Tensor& tanh_out(Tensor& out, const Tensor& self);
TENON_API Tensor& asinh_(Tensor& self);
TENON_API Tensor& asinh_out(Tensor& out, const Tensor& self);
TENON_API Tensor& acosh_(Tensor& self);
TENON_API Tensor& acosh_out(Tensor& out, const Tensor& self);
TENON_API Tensor& atanh_(Tensor& self);
TENON_API Tensor& atanh_out(Tensor& out, const Tensor& self);
TENON_API Tensor& sigmoid_(Tensor& self);
TENON_API Tensor& sigmoid_out(Tensor& out, const Tensor& self);
TENON_API Tensor& erf_(Tensor& self);
TENON_API Tensor& erf_out(Tensor& out, const Tensor& self);
TENON_API Tensor& erfc_(Tensor& self);
TENON_API Tensor& erfc_out(Tensor& out, const Tensor& self);
TENON_API Tensor& logit_(Tensor& self, std::optional<double> eps = {});
TENON_API Tensor& logit_out(Tensor& out, const Tensor& self, std::optional<double> eps = {});
TENON_API Tensor& clamp_(Tensor& self, const std::optional<Operand>& min, const std::optional<Operand>& max = {});
TENON_API Tensor& clamp_out(Tensor& out, const Tensor& self, const std::optional<Operand>& min, const std::optional<Operand>& max = {});
TENON_API Tensor& clamp_min_(Tensor& self, const Operand& min);
TENON_API Tensor& clamp_min_out(Tensor& out, const Tensor& self, const Operand& min);
TENON_API Tensor& clamp_max_(Tensor& self, const Operand& max);
TENON_API Tensor& clamp_max_out(Tensor& out, const Tensor& self, const Operand& max);
TENON_API Tensor& nan_to_num_(Tensor& self, double nan = 0, std::optional<double> posinf = {}, std::optional<double> neginf = {});
TENON_API Tensor& nan_to_num_out(Tensor& out, const Tensor& self, double nan = 0, std::optional<double> posinf = {}, std::optional<double> neginf = {});

// ---- comparisons and logic; results are bool ----
TENON_API Tensor& eq_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& ne_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& lt_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& le_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& gt_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& ge_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& logical_not_(Tensor& self);
TENON_API Tensor& logical_not_out(Tensor& out, const Tensor& self);
TENON_API Tensor& logical_and_(Tensor& self, const Operand& other);
TENON_API Tensor& logical_and_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& logical_or_(Tensor& self, const Operand& other);
TENON_API Tensor& logical_or_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& logical_xor_(Tensor& self, const Operand& other);
TENON_API Tensor& logical_xor_out(Tensor& out, const Operand& self, const Operand& other);

// ---- bits and choice ----
TENON_API Tensor& bitwise_not_(Tensor& self);
TENON_API Tensor& bitwise_not_out(Tensor& out, const Tensor& self);
TENON_API Tensor& bitwise_and_(Tensor& self, const Operand& other);
TENON_API Tensor& bitwise_and_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& bitwise_or_(Tensor& self, const Operand& other);
TENON_API Tensor& bitwise_or_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& bitwise_xor_(Tensor& self, const Operand& other);
TENON_API Tensor& bitwise_xor_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& bitwise_left_shift_(Tensor& self, const Operand& other);
TENON_API Tensor& bitwise_left_shift_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& bitwise_right_shift_(Tensor& self, const Operand& other);
TENON_API Tensor& bitwise_right_shift_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor& where_out(Tensor& out, const Tensor& condition, const Operand& self, const Operand& other);

}  // namespace tenon
