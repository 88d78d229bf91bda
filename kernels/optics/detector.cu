// SPDX-License-Identifier: MIT
#include "kernels/optics/detector.hpp"

#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/random/philox.hpp"

// Floors: 8 bytes a pixel (read and written); a Poisson and a normal number (kernels/random/philox.hpp), at least 210
// flops in double and 160 integer operations. (489, 210, 210), 21.6 M pixels: 173 MB, 4.5 GFLOP and 3.5 G integer
// operations. H200: 40 us of memory (4.3 TB/s), 0.13 ms of double arithmetic (34 TFLOP/s), 0.2 ms of integers (17 T/s)
// beside it. GTX 1080: 0.5 ms (0.32 TB/s), 16 ms (0.28 TFLOP/s) and 2 ms: bound by double arithmetic there, and on an
// H200, too, where a warp waits for whichever of its pixels needs another trial. Pixels share nothing: a thread has
// one, 256 to a block, so that a warp reads and writes 128 bytes in a run.

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
