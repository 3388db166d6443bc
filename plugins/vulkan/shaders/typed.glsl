// Elements whose dtype is a specialisation constant, as one class of numbers: float with CLASS_F
// (f16, bf16, f32), double with CLASS_D, else int64_t (integers and bool). Needs common.glsl.
#ifdef CLASS_F
#define T float
T load(const uint dtype, const uint64_t a) {
  return dtype == kF32 ? uintBitsToFloat(get32(a)) : dtype == kF16 ? from_f16(get16(a)) : from_bf16(get16(a));
}
void store(const uint dtype, const uint64_t a, const T x) {
  if (dtype == kF32) {
    put32(a, floatBitsToUint(x));
  } else {
    put16(a, dtype == kF16 ? to_f16(x) : to_bf16(x));
  }
}
#elif defined(CLASS_D)
#define T double
T load(const uint dtype, const uint64_t a) { return uint64BitsToDouble(get64(a)); }
void store(const uint dtype, const uint64_t a, const T x) { put64(a, doubleBitsToUint64(x)); }
#else
#define T int64_t
T load(const uint dtype, const uint64_t a) {
  switch (dtype) {
    case kBool:
      return get8(a) != 0u ? 1l : 0l;
    case kU8:
      return int64_t(get8(a));
    case kI8:
      return int64_t(int(get8(a) << 24) >> 24);
    case kI16:
      return int64_t(int(get16(a) << 16) >> 16);
    case kI32:
      return int64_t(int(get32(a)));
    default:
      return int64_t(get64(a));
  }
}
void store(const uint dtype, const uint64_t a, const T x) {
  switch (size_of(dtype)) {
    case 1u:
      put8(a, uint(x));
      break;
    case 2u:
      put16(a, uint(x));
      break;
    case 4u:
      put32(a, uint(x));
      break;
    default:
      put64(a, uint64_t(x));
  }
}
#endif

// Is the element anything but zero? Of every dtype.
bool is_set(const uint dtype, const uint64_t a) {
  switch (size_of(dtype)) {
    case 1u:
      return get8(a) != 0u;
    case 2u:
      return (get16(a) & (dtype == kI16 ? 0xffffu : 0x7fffu)) != 0u;
    case 4u:
      return (get32(a) & (dtype == kI32 ? 0xffffffffu : 0x7fffffffu)) != 0u;
    default:
      return (get64(a) & (dtype == kI64 ? 0xfffffffffffffffful : 0x7ffffffffffffffful)) != 0ul;
  }
}
