// reduce with ARGMAX and ARGMIN
#ifndef TENON_PLUGINS_CPU_KERNELS_REDUCTION_ARG_H
#define TENON_PLUGINS_CPU_KERNELS_REDUCTION_ARG_H

#include <memory>

#include "../kernel.h"

namespace tenon::cpu {

std::unique_ptr<Kernel> prepare_arg_reduce(tn_device device, const tn_signature& signature);

}  // namespace tenon::cpu

#endif
