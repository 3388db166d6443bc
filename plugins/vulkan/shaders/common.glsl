// What every kernel shares: the parameter block, elements of every dtype in memory, exact
// conversions of the two 16-bit floats.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_16bit_storage : require

layout(push_constant) uniform Push { uint64_t block; } push;

layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer Block { uint word[]; };

uint param(const uint i) { return Block(push.block).word[i]; }
uint64_t param64(const uint i) { return packUint2x32(uvec2(param(i), param(i + 1u))); }

// Number of the workgroup; the host lays them out in two dimensions, and perhaps too many.
uint group_number() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }

// ---- memory ----

layout(buffer_reference, std430, buffer_reference_align = 1) buffer Ref8 { uint8_t at; };
layout(buffer_reference, std430, buffer_reference_align = 2) buffer Ref16 { uint16_t at; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Ref32 { uint at; };
layout(buffer_reference, std430, buffer_reference_align = 8) buffer Ref64 { uint64_t at; };

uint get8(const uint64_t a) { return uint(Ref8(a).at); }
uint get16(const uint64_t a) { return uint(Ref16(a).at); }
uint get32(const uint64_t a) { return Ref32(a).at; }
uint64_t get64(const uint64_t a) { return Ref64(a).at; }
void put8(const uint64_t a, const uint x) { Ref8(a).at = uint8_t(x); }
void put16(const uint64_t a, const uint x) { Ref16(a).at = uint16_t(x); }
void put32(const uint64_t a, const uint x) { Ref32(a).at = x; }
void put64(const uint64_t a, const uint64_t x) { Ref64(a).at = x; }

// TN_DTYPE_*
const uint kBool = 1u, kU8 = 2u, kI8 = 3u, kI16 = 4u, kI32 = 5u, kI64 = 6u, kF16 = 7u, kBF16 = 8u,
           kF32 = 9u, kF64 = 10u;

uint size_of(const uint dtype) {
  return dtype <= kI8 ? 1u : dtype == kI64 || dtype == kF64 ? 8u
                         : dtype == kI32 || dtype == kF32   ? 4u
                                                            : 2u;
}

// ---- floats as bits: no driver's idea of NaN or of small numbers matters here ----

bool is_nan(const float x) { return (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u; }
float nan_f() { return uintBitsToFloat(0x7fc00000u); }
float infinity_f() { return uintBitsToFloat(0x7f800000u); }

float from_f16(const uint h) {
  const uint sign = (h & 0x8000u) << 16;
  const uint exponent = h >> 10 & 31u, fraction = h & 1023u;
  if (exponent == 31u) return uintBitsToFloat(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0u) return uintBitsToFloat(sign | (exponent + 112u) << 23 | fraction << 13);
  if (fraction == 0u) return uintBitsToFloat(sign);
  const uint top = uint(findMSB(fraction));  // 0..9
  return uintBitsToFloat(sign | (top + 103u) << 23 | (fraction << (23u - top) & 0x7fffffu));
}

// Nearest, ties to even.
uint to_f16(const float x) {
  const uint bits = floatBitsToUint(x), sign = bits >> 16 & 0x8000u, a = bits & 0x7fffffffu;
  if (a > 0x7f800000u) return sign | 0x7e00u;
  if (a >= 0x477ff000u) return sign | 0x7c00u;
  const uint exponent = a >> 23;
  if (exponent >= 113u) {  // normal there
    const uint rebased = a - (112u << 23);
    return sign | (rebased + 0xfffu + (rebased >> 13 & 1u)) >> 13;
  }
  if (exponent < 102u) return sign;
  const uint shift = 126u - exponent;  // 14..24
  const uint whole = (a & 0x7fffffu) | 0x800000u;
  const uint kept = whole >> shift, rest = whole & ((1u << shift) - 1u), tie = 1u << (shift - 1u);
  return sign | (kept + (rest > tie || (rest == tie && (kept & 1u) != 0u) ? 1u : 0u));
}

float from_bf16(const uint h) { return uintBitsToFloat(h << 16); }

uint to_bf16(const float x) {
  const uint bits = floatBitsToUint(x);
  if (is_nan(x)) return bits >> 16 | 0x40u;
  return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}
