#include <tenon/runtime/layers/validate_state_internal.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include <tenon/runtime/dtype.h>
#include <tenon/runtime/error.h>

namespace tenon::layers {
namespace {

bool known_dtype(uint32_t dtype) { return dtype > 0 && dtype < TN_DTYPE_COUNT; }

bool is_empty(const tn_tensor& operand) {
  return std::any_of(operand.shape, operand.shape + operand.rank,
                     [](int64_t extent) { return extent == 0; });
}

// In elements, from the first to one past the last. False when it does not fit 64 bits.
bool reach(const tn_tensor& operand, uint64_t& elements) {
  int64_t last = 0;
  for (uint32_t d = 0; d < operand.rank; ++d) {
    int64_t step = 0;
    if (__builtin_mul_overflow(operand.shape[d] - 1, operand.strides[d], &step) ||
        __builtin_add_overflow(last, step, &last))
      return false;
  }
  elements = static_cast<uint64_t>(last) + 1;
  return true;
}

std::string layout_problem(const tn_tensor& operand, uint32_t layout) {
  bool broadcast = true;
  for (uint32_t d = 0; d < operand.rank; ++d)
    if (operand.shape[d] != 1 && operand.strides[d] != 0) broadcast = false;
  const uint32_t last = operand.rank - 1;
  switch (layout) {
    case TN_LAYOUT_CONTIGUOUS:
      return is_dense(operand) ? "" : "its kernel was prepared for a dense operand, this is none";
    case TN_LAYOUT_BROADCAST:
      return broadcast ? "" : "its kernel was prepared for one repeated element";
    case TN_LAYOUT_INNER:
      return operand.rank > 0 && (operand.strides[last] == 1 || operand.shape[last] == 1)
                 ? ""
                 : "its kernel was prepared for an inner stride of 1";
    default:
      return layout == TN_LAYOUT_STRIDED ? "" : "its class names no layout";
  }
}

}  // namespace

bool is_dense(const tn_tensor& operand) {
  int64_t step = 1;
  for (uint32_t d = operand.rank; d-- > 0;) {
    if (operand.shape[d] == 1) continue;
    if (operand.strides[d] != step) return false;
    step *= operand.shape[d];
  }
  return true;
}

ByteSpan span_of(const tn_tensor& operand) {
  uint64_t elements = 0;
  if (is_empty(operand) || !known_dtype(operand.dtype) || !reach(operand, elements)) return {};
  const auto size = static_cast<uint64_t>(size_bytes(static_cast<DType>(operand.dtype)));
  return {operand.offset_bytes, operand.offset_bytes + elements * size};
}

std::string operand_problem(const tn_tensor& operand, uint64_t class_word, uint64_t buffer_bytes) {
  if (operand.struct_size < TN_MIN_TENSOR)
    return join_text("struct_size is ", operand.struct_size, ", at least ", TN_MIN_TENSOR,
                     " is expected");
  if ((operand.flags & TN_FLAGS_MUST_UNDERSTAND) != 0) return "its flags are not of this ABI";
  if (!known_dtype(operand.dtype)) return join_text("dtype ", operand.dtype, " is unknown");
  if (operand.rank > TN_MAX_RANK) return join_text("rank ", operand.rank, " is above 8");
  if (operand.dtype != TN_CLASS_DTYPE(class_word) || operand.rank != TN_CLASS_RANK(class_word))
    return join_text("dtype ", operand.dtype, " and rank ", operand.rank,
                     " are not those the kernel was prepared for, ", TN_CLASS_DTYPE(class_word),
                     " and ", TN_CLASS_RANK(class_word));
  for (uint32_t d = 0; d < operand.rank; ++d) {
    if (operand.shape[d] < 0 || operand.strides[d] < 0)
      return join_text("dimension ", d, " has extent ", operand.shape[d], " and stride ",
                       operand.strides[d], ", neither may be negative");
  }
  if (is_empty(operand)) return {};
  const auto size = static_cast<uint64_t>(size_bytes(static_cast<DType>(operand.dtype)));
  if (operand.offset_bytes % size != 0)
    return join_text("its offset of ", operand.offset_bytes, " bytes is no multiple of ", size);
  uint64_t elements = 0, bytes = 0;
  const bool fits = reach(operand, elements) && !__builtin_mul_overflow(elements, size, &bytes) &&
                    operand.offset_bytes <= buffer_bytes &&
                    bytes <= buffer_bytes - operand.offset_bytes;
  if (!fits)
    return join_text("its last element lies beyond the buffer of ", buffer_bytes, " bytes (offset ",
                     operand.offset_bytes, ", ", elements, " elements of ", size, ")");
  return layout_problem(operand, TN_CLASS_LAYOUT(class_word));
}

std::string info_problem(const tn_device_info& info) {
  if (!std::has_single_bit(info.offset_alignment))
    return join_text("offset_alignment is ", info.offset_alignment, ", no power of two");
  if (info.program_instructions == 0 || info.program_inputs == 0 || info.program_scalars == 0 ||
      info.program_outputs == 0)
    return "each limit of a program must be 1 at least";
  if (info.program_tail > 1) return join_text("program_tail is ", info.program_tail);
  constexpr uint64_t kRequired = 1u << TN_DTYPE_F32 | 1u << TN_DTYPE_BOOL | 1u << TN_DTYPE_I64;
  if ((info.compute_dtypes & kRequired) != kRequired)
    return "compute_dtypes lacks float32, bool or int64";
  if (std::memchr(info.name, 0, sizeof info.name) == nullptr) return "its name does not end";
  return {};
}

std::string answer_problem(const tn_answer& answer) {
  if (answer.support > TN_ANSWER_CONTIGUOUS)
    return join_text("support ", answer.support, " is unknown");
  if (std::memchr(answer.reason, 0, sizeof answer.reason) == nullptr)
    return "its reason does not end";
  if (answer.support == TN_ANSWER_NO && answer.reason[0] == 0) return "NO without a reason";
  return {};
}

}  // namespace tenon::layers
