// Blocks of elements in the oracle's two number types, and casts between dtypes.
#ifndef TENON_PLUGINS_REFERENCE_BLOCK_H
#define TENON_PLUGINS_REFERENCE_BLOCK_H

#include "kernel.h"

namespace tenon::reference {

inline constexpr int64_t kBlock = 256;

// `real` for floats, `whole` for integers and bool.
union Block {
  double real[kBlock];
  int64_t whole[kBlock];
};

using Walk = plugin::Walk<1>;

inline Walk walk_of(const tn_tensor& t) { return Walk({&t}); }

// Elements [begin, begin + n) of the walk over `data`.
void read(const Walk& walk, uint32_t dtype, const std::byte* data, int64_t begin, int64_t n,
          Block& to);
void write(const Walk& walk, uint32_t dtype, std::byte* data, int64_t begin, int64_t n,
           const Block& from);

// The nearest value of a float dtype.
double round_to(uint32_t dtype, double x);

// Modulo 2^width; bool: x != 0.
int64_t wrap_to(uint32_t dtype, int64_t x);

// CAST of PROGRAM.md.
void cast(uint32_t from_dtype, const Block& from, uint32_t dtype, Block& to, int64_t n);

// A launch's 8-byte slot, converted as CAST does, as element 0.
void read_scalar(uint64_t slot, uint32_t dtype, Block& to);

// The tensor with the dimensions of `mask` alone.
tn_tensor with_dims(const tn_tensor& t, uint32_t mask);

}  // namespace tenon::reference

#endif
