// "reduce", shared with the tails of programs.
#ifndef TENON_PLUGINS_REFERENCE_KERNELS_REDUCTION_H
#define TENON_PLUGINS_REFERENCE_KERNELS_REDUCTION_H

#include "../block.h"

namespace tenon::reference {

// out = in reduced by TN_REDUCE_* over the dimensions of `dims`.
void reduce(const plugin::Host& host, const Operand& out, const Operand& in, int64_t kind,
            uint32_t dims);

}  // namespace tenon::reference

#endif
