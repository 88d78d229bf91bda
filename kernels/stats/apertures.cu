// SPDX-License-Identifier: MIT
#include "kernels/stats/apertures.hpp"

#include <cmath>
#include <limits>

#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/stats/apertures_cpu.hpp"
#include "kernels/stats/disc_overlap.hpp"

// Of a disc of 2.4 px: 36 pixels of 4 bytes, which its neighbours read too (L1), and 24 bytes of its own. Flops
// in double: 55 areas G of 40 (a polynomial of 14 terms and a root) and 36 times 20 for the corners, 2900. 20,000
// discs are 58 MFLOP and 0.7 MB: 2 us on an H200 (34 TFLOP/s), 0.2 ms on a GTX 1080 (0.28 TFLOP/s); what counts
// on an H200 is one thread's chain of some 10,000 cycles, 5 us, since 20,000 threads are a tenth of what it
// holds. A thread has a disc: they are many and lie anywhere, so neighbours share nothing but cache lines. The
// G of the columns, which all rows need, are made again in each: an array of them would be local memory.

namespace hci {
namespace {

struct SumOfAperture {
  Frame<const float> frame;
  Vector<const Position> positions;
  double radius;
  double masked;  // NaN
  Vector<double> sums;

  HCI_HD void operator()(index_t i) const {
    const disc::Sum sum = disc::sum(frame, positions(i).y, positions(i).x, radius);
    sums(i) = sum.masked ? masked : sum.value;
  }
};

}  // namespace

void aperture_sums(Exec& exec, Frame<const float> frame, const std::vector<Position>& positions, double radius,
                   Vector<double> sums) {
  require(std::isfinite(radius) && radius > 0, "aperture_sums: the radius is ", radius, " px, it must be positive");
  require(sums.extent(0) == static_cast<index_t>(positions.size()), "aperture_sums: ", positions.size(),
          " positions, room for ", sums.extent(0), " sums");
  for (const Position& at : positions)
    require(std::isfinite(at.y) && std::isfinite(at.x), "aperture_sums: the position (", at.x, ", ", at.y,
            ") is not finite");
  if (exec.tuned() && !exec.on_cuda()) return aperture_sums_cpu(exec.threads(), frame, positions, radius, sums);
  const auto device_positions = to_device(exec, positions);
  for_each(exec, sums.extents(),
           SumOfAperture{frame, device_positions.view(), radius, std::numeric_limits<double>::quiet_NaN(), sums});
}

std::vector<double> aperture_sums(Exec& exec, Frame<const float> frame, const std::vector<Position>& positions,
                                  double radius) {
  Array<double, 1> sums(exec, {static_cast<index_t>(positions.size())});
  aperture_sums(exec, frame, positions, radius, sums.view());
  const auto host = to_host(exec, sums.view());
  return {host.data(), host.data() + host.size()};
}

}  // namespace hci
