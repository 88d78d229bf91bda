// SPDX-License-Identifier: MIT
#include "kernels/stats/temporal.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/core/array.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/core/team.hpp"
#include "kernels/stats/collapse.hpp"
#include "kernels/stats/samples.hpp"
#include "kernels/stats/team_values.hpp"
#include "kernels/stats/temporal_cpu.hpp"

// Moments read the cube twice: 8 bytes and 4 flops in double a value. (489, 210, 210): 173 MB, 40 us on an
// H200, 0.5 ms on a GTX 1080. A thread has one pixel: neighbours read neighbouring addresses. The MAD is two
// medians by collapse() (see there) and between them a cube of distances, read and written: 8 bytes and 2
// flops a value, 0.04 ms and 0.5 ms; in bands of 32 MB, which an
// H200 keeps in L2 and a GTX 1080 does not.

namespace hci {
namespace {

/// kWidth pixels of a row, all frames: on the CPU whole cache lines at a time, on CUDA one, in registers.
template <index_t kWidth>
struct Moments {
  Cube<const float> in;
  Frame<float> mean, deviation;
  HCI_HD void operator()(index_t y, index_t tile) const {
    const index_t first = tile * kWidth, frames = in.extent(0);
    const index_t count = first + kWidth < in.extent(2) ? kWidth : in.extent(2) - first;
    double sum[kWidth], number[kWidth], squares[kWidth];
    for (index_t p = 0; p < count; ++p) sum[p] = number[p] = squares[p] = 0;
    for (index_t t = 0; t < frames; ++t)
      for (index_t p = 0; p < count; ++p) {
        const double value = static_cast<double>(in(t, y, first + p));
        const bool valid = value == value;
        sum[p] += valid ? value : 0;
        number[p] += valid ? 1 : 0;
      }
    for (index_t p = 0; p < count; ++p) sum[p] /= number[p];  // the mean; 0 / 0: NaN
    for (index_t t = 0; t < frames && deviation.size() != 0; ++t)
      for (index_t p = 0; p < count; ++p) {
        const double value = static_cast<double>(in(t, y, first + p)), d = value - sum[p];
        squares[p] += value == value ? d * d : 0;  // not d: an infinity's distance from the mean is NaN, and counts
      }
    for (index_t p = 0; p < count; ++p) {
      if (mean.size() != 0) mean(y, first + p) = static_cast<float>(sum[p]);
      if (deviation.size() != 0) deviation(y, first + p) = static_cast<float>(std::sqrt(squares[p] / number[p]));
    }
  }
};

/// From an infinite median all distances are NaN, since some are.
struct DistanceFromFrame {
  Cube<const float> in;
  Frame<const float> frame;
  Cube<float> out;
  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const float from = frame(y, x);
    out(t, y, x) = std::isfinite(from) ? std::fabs(in(t, y, x) - from) : NAN;
  }
};

template <class T, int N>
View<T, N> rows_of(const View<T, N>& view, index_t first, index_t count) {
  Extents<N> extents = view.extents();
  extents[N - 2] = count;
  return {view.data() + first * view.stride(N - 2), extents, view.strides()};
}

/// A team has a pixel of all frames; it takes its keys once and counts them some 20 times for each quantile. Bytes as
/// kernels/stats/clipped_stats.cu has them over time: 0.69 GB from L2 for (489, 210, 210), 0.12 ms on an H200, 1.2 ms
/// on a GTX 1080; a quantile is 20 passes of 300 cycles, 0.08 ms and 0.5 ms; 3 flops in double each. Not measured on a
/// GPU.
struct QuantilesOverTime {
  Cube<const float> in;
  Vector<const double> probabilities;
  Cube<float> out;
  template <class Team>
  HCI_HD void operator()(Team team, index_t pixel, double* scratch) const {
    const index_t y = pixel / in.extent(2), x = pixel % in.extent(2);
    const Samples samples{&in(0, y, x), in.stride(0), in.extent(0)};
    find_quantiles(team_values(team, samples, scratch), probabilities,
                   Vector<float>(&out(0, y, x), {out.extent(0)}, {out.stride(0)}));
  }
};

void require_frame(const char* what, const Cube<const float>& in, const Frame<float>& out) {
  require(out.extent(0) == in.extent(1) && out.extent(1) == in.extent(2), what, ": frames are ", in.extent(1), " x ",
          in.extent(2), ", a result is ", out.extent(0), " x ", out.extent(1));
}

/// CPU: one quantile of more frames is found faster than the frames are sorted: of 8000 in 4.6 ms beside 6.4, of 2000
/// in 12.6 beside 4.1; three of 28,800 in 35 beside 31 (16 x 16 pixels, of 2000 frames 32 x 32; one core of an EPYC,
/// Zen 5, processor time, least of three, 2026-11-29).
constexpr index_t kSortedFrames = 4096;

}  // namespace

void temporal_moments(Exec& exec, Cube<const float> in, Frame<float> mean, Frame<float> deviation) {
  require(in.extent(0) > 0, "temporal_moments: the cube has no frames");
  if (mean.size() != 0) require_frame("temporal_moments", in, mean);
  if (deviation.size() != 0) require_frame("temporal_moments", in, deviation);
  if (mean.size() == 0 && deviation.size() == 0) return;
  if (exec.on_cuda()) return for_each(exec, Extents<2>{in.extent(1), in.extent(2)}, Moments<1>{in, mean, deviation});
  constexpr index_t kWidth = 64;
  const Extents<2> tiles{in.extent(1), (in.extent(2) + kWidth - 1) / kWidth};
  for_each(exec, tiles, Moments<kWidth>{in, mean, deviation});
}

void temporal_mad(Exec& exec, Cube<const float> in, Frame<float> median, Frame<float> mad) {
  require(in.extent(0) > 0, "temporal_mad: the cube has no frames");
  require_frame("temporal_mad", in, median);
  require_frame("temporal_mad", in, mad);
  if (mad.size() == 0) return;
  collapse(exec, in, {}, median);
  constexpr index_t kBandBytes = index_t{32} << 20;
  const index_t row_bytes = in.extent(0) * in.extent(2) * static_cast<index_t>(sizeof(float));
  const index_t most =
      std::clamp<index_t>(scratch_bytes(kBandBytes) / std::max<index_t>(row_bytes, 1), 1, in.extent(1));
  Array<float, 3> distances(exec, {in.extent(0), most, in.extent(2)});
  for (index_t first = 0; first < in.extent(1); first += most) {
    const index_t rows = std::min(most, in.extent(1) - first);
    const Cube<float> band = rows_of(distances.view(), 0, rows);
    for_each(exec, band.extents(), DistanceFromFrame{rows_of(in, first, rows), rows_of(median, first, rows), band});
    collapse(exec, band, {}, rows_of(mad, first, rows));
  }
}

void temporal_quantiles(Exec& exec, Cube<const float> in, const std::vector<double>& probabilities, Cube<float> out) {
  require(in.extent(0) > 0, "temporal_quantiles: the cube has no frames");
  check_probabilities("temporal_quantiles", probabilities);
  const auto wanted = static_cast<index_t>(probabilities.size());
  require(out.extents() == Extents<3>{wanted, in.extent(1), in.extent(2)}, "temporal_quantiles: the result is not (",
          wanted, ", ", in.extent(1), ", ", in.extent(2), ")");
  if (out.size() == 0) return;
  const bool sorts = in.extent(0) <= kSortedFrames || wanted > 1;
  if (exec.tuned() && !exec.on_cuda() && sorts) return cpu::temporal_quantiles(exec, in, probabilities, out);
  const auto device = to_device(exec, probabilities);
  for_each_team(exec, in.extent(1) * in.extent(2), doubles_of_keys(in.extent(0)),
                QuantilesOverTime{in, device.view(), out});
}

}  // namespace hci
