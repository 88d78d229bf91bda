// SPDX-License-Identifier: MIT
#include "kernels/optics/detector.hpp"

#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/random/philox.hpp"

// Floors: 8 bytes a pixel (read and written) and some 50 flops in double: a Poisson and a normal number. (489, 210,
// 210), 21.6 M pixels: 173 MB and 1.1 GFLOP. H200: 40 us of memory (4.3 TB/s), 32 us of arithmetic (34 TFLOP/s). GTX
// 1080: 0.5 ms (0.32 TB/s) and 3.9 ms (0.28 TFLOP/s): bound by double arithmetic there.

namespace hci {
namespace {

struct Expose {
  std::uint64_t seed;
  std::uint32_t purpose;
  DetectorNoise noise;
  Vector<float> pixels;

  HCI_HD void operator()(index_t i) const {
    RandomStream random(seed, purpose, static_cast<std::uint64_t>(i));
    const double electrons = random.poisson(static_cast<double>(pixels(i)) + noise.sky);
    const double read = noise.read_noise > 0 ? noise.read_noise * random.normal() : 0;
    pixels(i) = static_cast<float>(electrons - noise.sky + read);
  }
};

}  // namespace

void expose(Exec& exec, std::uint64_t seed, std::uint32_t purpose, const DetectorNoise& noise, Cube<float> cube) {
  require(noise.sky >= 0 && noise.read_noise >= 0, "expose: sky of ", noise.sky, " and read noise of ",
          noise.read_noise, " electrons: neither can be negative");
  require(cube.is_dense(), "expose: the cube is not dense");
  const Vector<float> pixels = flattened(cube);
  for_each(exec, pixels.extents(), Expose{seed, purpose, noise, pixels});
}

}  // namespace hci
