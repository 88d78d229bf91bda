// SPDX-License-Identifier: MIT
#include "kernels/optics/phase_screen.hpp"

#include <cmath>
#include <limits>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/random/philox.hpp"

// Floors: 12 bytes a mode drawn (4 read, 8 written), 20 renewed; two normal numbers are 200 flops in double and 80
// integer operations (kernels/random/philox.hpp), and an epoch between two maps takes four. 100 maps of 512 x 512
// modes, 26 M: 0.31 GB, 5.2 or 10.5 GFLOP. H200: 73 us of memory (4.3 TB/s), 0.15 or 0.31 ms of double arithmetic
// (34 TFLOP/s), 0.12 or 0.25 ms of integers (17 T/s) beside it. GTX 1080: 1 ms (0.32 TB/s), 19 or 37 ms (0.28
// TFLOP/s): bound by double arithmetic on both. draw_modes() draws nothing for a mode without amplitude. Modes share
// nothing: a thread has one, 32 x 8 to a block, so that a warp writes 256 bytes in a run.

namespace hci {
namespace {

/// Two normal numbers of mode `mode` of map `map`. The item is 40 bits of map, 24 bits of mode.
HCI_HD std::complex<float> fresh_mode(std::uint64_t seed, std::uint32_t purpose, std::uint64_t map, index_t mode) {
  RandomStream random(seed, purpose, map << 24 | static_cast<std::uint64_t>(mode));
  const double first = random.normal(), second = random.normal();
  return {static_cast<float>(first), static_cast<float>(second)};
}

struct DrawModes {
  std::uint64_t seed;
  std::uint32_t purpose;
  Vector<const ScreenEpoch> epochs;
  Frame<const float> amplitude;
  Cube<std::complex<float>> modes;

  HCI_HD void operator()(index_t e, index_t v, index_t u) const {
    const float a = amplitude(v, u);
    const ScreenEpoch epoch = epochs(e);
    const index_t mode = v * amplitude.extent(1) + u;
    float real = 0, imag = 0;
    if (a != 0) {
      const auto now = fresh_mode(seed, purpose, epoch.index, mode);
      real = epoch.now * now.real();
      imag = epoch.now * now.imag();
      if (epoch.next != 0) {
        const auto next = fresh_mode(seed, purpose, epoch.index + 1, mode);
        real += epoch.next * next.real();
        imag += epoch.next * next.imag();
      }
    }
    modes(e, v, u) = {a * real, a * imag};
  }
};

struct RenewModes {
  std::uint64_t seed;
  std::uint32_t purpose;
  std::uint64_t step;
  float keep, renew;
  Frame<const float> amplitude;
  Frame<std::complex<float>> modes;

  HCI_HD void operator()(index_t v, index_t u) const {
    const auto fresh = fresh_mode(seed, purpose, step, v * amplitude.extent(1) + u);
    const float a = renew * amplitude(v, u);
    float real = a * fresh.real(), imag = a * fresh.imag();
    if (keep != 0) {
      real += keep * modes(v, u).real();
      imag += keep * modes(v, u).imag();
    }
    modes(v, u) = {real, imag};
  }
};

constexpr index_t kMostModes = index_t{1} << 24;

}  // namespace

void draw_modes(Exec& exec, std::uint64_t seed, std::uint32_t purpose, const std::vector<ScreenEpoch>& epochs,
                Frame<const float> amplitude, Cube<std::complex<float>> modes) {
  require(static_cast<index_t>(epochs.size()) == modes.extent(0), "draw_modes: ", epochs.size(), " epochs for ",
          modes.extent(0), " maps");
  require(amplitude.extents() == Extents<2>{modes.extent(1), modes.extent(2)},
          "draw_modes: amplitude and modes differ in shape");
  require(amplitude.size() <= kMostModes, "draw_modes: at most 4096 x 4096 modes");
  const auto device_epochs = to_device(exec, epochs);
  for_each(exec, modes.extents(), DrawModes{seed, purpose, device_epochs.view(), amplitude, modes});
}

void renew_modes(Exec& exec, std::uint64_t seed, std::uint32_t purpose, std::uint64_t step, double keep,
                 Frame<const float> amplitude, Frame<std::complex<float>> modes) {
  require(keep >= 0 && keep <= 1, "renew_modes: keep is ", keep, ", not within 0 .. 1");
  require(amplitude.extents() == modes.extents(), "renew_modes: amplitude and modes differ in shape");
  require(amplitude.size() <= kMostModes, "renew_modes: at most 4096 x 4096 modes");
  const auto renew = static_cast<float>(std::sqrt(1 - keep * keep));
  for_each(exec, modes.extents(), RenewModes{seed, purpose, step, static_cast<float>(keep), renew, amplitude, modes});
}

}  // namespace hci
