// SPDX-License-Identifier: MIT
#include "kernels/stats/apertures.hpp"

#include <cmath>
#include <limits>

#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/unroll.hpp"
#include "kernels/stats/apertures_cpu.hpp"
#include "kernels/stats/disc_overlap.hpp"

// Of a disc of 2.4 px: 36 pixels of 4 bytes, which its neighbours read too (L1), and 24 bytes of its own. Flops
// in double: 55 areas G of 40 (a polynomial of 14 terms and a root) and 36 times 20 for the corners, 2900. 20,000
// discs are 58 MFLOP and 0.7 MB: 2 us on an H200 (34 TFLOP/s), 0.2 ms on a GTX 1080 (0.28 TFLOP/s); what counts
// on an H200 is one thread's chain of some 10,000 cycles, 5 us, since 20,000 threads are a tenth of what it
// holds. Of many frames a thread has a disc in eight, whose sums grow in registers: overlaps are made once for eight,
// 440 flops a sum instead of 2900, of which 72 are its own. (489, 20000) sums are 4.3 GFLOP and 1.4 GB (36 pixels from
// L2, 80 MB from memory, 78 MB of sums): 0.25 ms by L2 on an H200 (6 TB/s there), 15 ms on a GTX 1080. Sixteen frames
// would take 32 registers for sums. A thread has a disc: they are many and lie anywhere, so neighbours share nothing
// but cache lines. The G of the columns, which all rows need, are made again in each: an array of them would be local
// memory. Not measured on a GPU.

namespace hci {
namespace {

/// The sums of one disc in kFrames frames.
template <int kFrames>
struct SumsOfAperture {
  Cube<const float> frames;
  Vector<const Position> positions;
  double radius;
  double masked;  // NaN
  Matrix<double> sums;

  HCI_HD void operator()(index_t part, index_t i) const {
    const index_t first = part * kFrames;
    const index_t count = first + kFrames < frames.extent(0) ? kFrames : frames.extent(0) - first;
    double sum[kFrames] = {};
    unsigned spoilt = 0;  // a bit for each frame
    const Position at = positions(i);
    disc::visit_pixels(frames.extent(1), frames.extent(2), at.y, at.x, radius, disc::EdgeAreas{at.x, 1 / radius},
                       [&](index_t y, index_t x, double overlap) {
                         HCI_UNROLL
                         for (int k = 0; k < kFrames; ++k) {
                           const double value = k < count ? double(frames(first + k, y, x)) : 0;
                           if (std::isfinite(value))
                             sum[k] = std::fma(overlap, value, sum[k]);  // by name: the same bits for each k
                           else
                             spoilt |= 1U << k;
                         }
                       });
    HCI_UNROLL
    for (int k = 0; k < kFrames; ++k)
      if (k < count) sums(first + k, i) = (spoilt >> k & 1U) != 0 ? masked : sum[k] * (radius * radius);
  }
};

template <int kFrames>
void sum_apertures(Exec& exec, Cube<const float> frames, Vector<const Position> positions, double radius,
                   Matrix<double> sums) {
  const index_t parts = (frames.extent(0) + kFrames - 1) / kFrames;
  for_each(exec, Extents<2>{parts, positions.extent(0)},
           SumsOfAperture<kFrames>{frames, positions, radius, std::numeric_limits<double>::quiet_NaN(), sums});
}

}  // namespace

void aperture_sums(Exec& exec, Cube<const float> frames, const std::vector<Position>& positions, double radius,
                   Matrix<double> sums) {
  require(std::isfinite(radius) && radius > 0, "aperture_sums: the radius is ", radius, " px, it must be positive");
  require(sums.extents() == Extents<2>{frames.extent(0), static_cast<index_t>(positions.size())},
          "aperture_sums: ", frames.extent(0), " frames and ", positions.size(), " positions, room for ",
          sums.extent(0), " x ", sums.extent(1), " sums");
  for (const Position& at : positions)
    require(std::isfinite(at.y) && std::isfinite(at.x), "aperture_sums: the position (", at.x, ", ", at.y,
            ") is not finite");
  if (exec.tuned() && !exec.on_cuda()) return aperture_sums_cpu(exec.threads(), frames, positions, radius, sums);
  const auto on_device = to_device(exec, positions);
  if (frames.extent(0) == 1)
    sum_apertures<1>(exec, frames, on_device.view(), radius, sums);
  else
    sum_apertures<8>(exec, frames, on_device.view(), radius, sums);
}

void aperture_sums(Exec& exec, Frame<const float> frame, const std::vector<Position>& positions, double radius,
                   Vector<double> sums) {
  const Cube<const float> frames(frame.data(), {1, frame.extent(0), frame.extent(1)},
                                 {0, frame.stride(0), frame.stride(1)});
  aperture_sums(exec, frames, positions, radius, Matrix<double>(sums.data(), {1, sums.extent(0)}, {0, sums.stride(0)}));
}

std::vector<double> aperture_sums(Exec& exec, Frame<const float> frame, const std::vector<Position>& positions,
                                  double radius) {
  Array<double, 1> sums(exec, {static_cast<index_t>(positions.size())});
  aperture_sums(exec, frame, positions, radius, sums.view());
  const auto host = to_host(exec, sums.view());
  return {host.data(), host.data() + host.size()};
}

}  // namespace hci
