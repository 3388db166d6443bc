// The product talks to the machine's driver and libraries. (Emulation replaces this file.)
#include "driver.h"

namespace tenon::cuda {

struct BlasTable;

const Driver* substitute_driver() { return nullptr; }
const BlasTable* substitute_blas() { return nullptr; }

}  // namespace tenon::cuda
