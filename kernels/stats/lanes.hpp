// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only: 8 floats side by side, by the compiler's vector extensions: one
// register with AVX2, two halves without.
#include <cstdint>
#include <cstring>
#if defined(__AVX__)
#include <immintrin.h>
#endif

// Nothing of this crosses a library's boundary, so it is no matter how such vectors are passed.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace hci {

using Floats = float __attribute__((vector_size(32)));
using Ints = std::int32_t __attribute__((vector_size(32)));

/// From memory aligned to 32 bytes.
inline Floats load(const float* from) { return *reinterpret_cast<const Floats*>(from); }
inline Floats broadcast(float value) { return Floats{} + value; }
/// a < b ? a : b and a > b ? a : b, for which the compiler does not find the instructions.
inline Floats lesser(Floats a, Floats b) {
#if defined(__AVX__)
  return Floats(_mm256_min_ps(__m256(a), __m256(b)));
#else
  return a < b ? a : b;
#endif
}
inline Floats greater(Floats a, Floats b) {
#if defined(__AVX__)
  return Floats(_mm256_max_ps(__m256(a), __m256(b)));
#else
  return a > b ? a : b;
#endif
}
inline Floats to_floats(Ints values) { return __builtin_convertvector(values, Floats); }

/// Signed integers that order as the floats do, without a gap: the next integer is the next float.
/// -0 and 0 have the same key. from_key(key_of(v)) equals v.
inline Ints key_of(Floats values) {
  const Ints bits = reinterpret_cast<Ints>(values), sign = bits >> 31;
  return ((bits & 0x7fffffff) ^ sign) - sign;
}
inline Floats from_key(Ints keys) {
  const Ints sign = keys >> 31;
  return reinterpret_cast<Floats>(((keys ^ sign) - sign) | (sign << 31));
}

/// Rounded down, without overflow.
inline Ints average(Ints a, Ints b) { return (a & b) + ((a ^ b) >> 1); }

/// Whether any lane of a comparison holds.
inline bool any(Ints condition) {
  std::int32_t lanes[8], all = 0;
  std::memcpy(lanes, &condition, sizeof lanes);
  for (const std::int32_t lane : lanes) all |= lane;
  return all != 0;
}

}  // namespace hci
