// SPDX-License-Identifier: MIT
#pragma once
#include <complex>

#include "bench/support/synthetic.hpp"
#include "kernels/core/array.hpp"

namespace hci::bench {

using Complex = std::complex<float>;
using Complexd = std::complex<double>;

/// Fields (e, y, x) of modulus 1 in host memory, with phases of some radians.
inline Array<Complex, 3> phasors(Extents<3> extents, std::uint64_t seed = 1) {
  const auto waves = speckle_cube(extents[0], extents[1], extents[2], seed);
  auto fields = host_array<Complex, 3>(extents);
  for (index_t i = 0; i < fields.size(); ++i) fields.data()[i] = std::polar(1.0F, waves.data()[i]);
  return fields;
}

}  // namespace hci::bench
