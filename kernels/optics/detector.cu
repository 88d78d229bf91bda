// SPDX-License-Identifier: MIT
#include "kernels/optics/detector.hpp"

#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/random/philox.hpp"

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
