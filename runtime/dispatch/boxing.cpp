#include <tenon/runtime/dispatch/boxing.h>

namespace tenon::boxing {

void fail_argument(size_t position, const char* expected) {
  fail(ErrorCode::kInvalidArgument, "call", "argument ", position, " must be ", expected,
       "; see the op's schema");
}

void fail_choice(size_t position, const Scalar& got) {
  fail(ErrorCode::kInvalidArgument, "call", "argument ", position,
       " must be the number of a choice, a whole one from 0 on, got ", got,
       "; see the op's schema");
}

void fail_count(size_t expected, size_t got) {
  fail(ErrorCode::kInvalidArgument, "call", "at most ", expected, " arguments are taken, got ",
       got, "; see the op's schema");
}

}  // namespace tenon::boxing
