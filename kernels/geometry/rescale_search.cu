// SPDX-License-Identifier: MIT
#include "kernels/geometry/rescale_search.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/geometry/rescale.hpp"

namespace hci {
namespace {

/// Sums over the pixels that count; a: of the last channel, b: of a rescaled one.
struct Sums {
  double n = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0;
};

/// sums (trial, row). A thread sums a row, so that the order of the sums is one on all devices. A trial's pixel is
/// written by the scaling (4 bytes, its taps from L2), read here beside the last frame's (8 bytes) and summed (12 flops
/// in double). A round of 33 trials of 200 x 200 is 1.3 M pixels, 21 MB, in an H200's L2 (50 MB): floor 5 us in
/// memory's terms (4.3 TB/s), 66 us on a GTX 1080 (320 GB/s; its double arithmetic, 0.28 TFLOP/s, 57 us). Neighbouring
/// threads read rows apart, 32 lines of 128 bytes a warp, which L1 keeps for the next 31 columns. No better shape is
/// worth it: a round ends with a copy to the host, some 20 us that no arithmetic hides. Not measured on a GPU.
struct SumRows {
  Cube<const float> trials;
  Frame<const float> last, mask;
  Matrix<Sums> sums;

  HCI_HD void operator()(index_t i, index_t y) const {
    Sums sum;
    for (index_t x = 0; x < last.extent(1); ++x) {
      const double a = double(last(y, x)), b = double(trials(i, y, x));
      if (a != a || b != b || (mask.size() != 0 && !(mask(y, x) != 0))) continue;
      sum.n += 1;
      sum.a += a;
      sum.b += b;
      sum.aa += a * a;
      sum.bb += b * b;
      sum.ab += a * b;
    }
    sums(i, y) = sum;
  }
};

struct Trial {
  double flux, residual;
};

/// The best flux factor, or the given one, and what is left with it: for each pixel that counts, since the NaN of a
/// channel grow with the scale, and fewer pixels are no better ones.
Trial judged(const Sums& sum, const ScaleSearch& search, double flux) {
  const bool centred = search.measure == ResidualMeasure::stddev;
  const double aa = sum.aa - (centred ? sum.a * sum.a / sum.n : 0), bb = sum.bb - (centred ? sum.b * sum.b / sum.n : 0),
               ab = sum.ab - (centred ? sum.a * sum.b / sum.n : 0);
  if (search.fit_flux) flux = bb > 0 ? ab / bb : 0;
  return {flux, (aa - 2 * flux * ab + flux * flux * bb) / sum.n};
}

/// Scales that are tried at once, of one channel. Many, since each refinement is one round of work for the device.
constexpr index_t kTrials = 33;
constexpr int kRounds = 4;

class Search {
 public:
  Search(Exec& exec, Cube<const float> channels, const ScaleSearch& search, Frame<const float> mask)
      : exec_(exec),
        channels_(channels),
        search_(search),
        mask_(mask),
        trials_(exec, {kTrials, channels.extent(1), channels.extent(2)}),
        sums_(exec, {kTrials, channels.extent(1)}) {}

  /// The best scale about `middle`, and its flux factor (the given one, unless fitted).
  std::pair<double, double> best(index_t channel, double middle, double flux) {
    double half = search_.range * middle;
    Trial found{};
    for (int round = 0; round < kRounds; ++round) {
      std::vector<double> scales;
      for (index_t i = 0; i < kTrials; ++i) scales.push_back(middle + half * (2.0 * double(i) / (kTrials - 1) - 1));
      const std::vector<Sums> sums = sums_at(channel, scales);
      index_t least = -1;
      for (index_t i = 0; i < kTrials; ++i) {
        const Sums& sum = sums[static_cast<std::size_t>(i)];
        if (sum.n < 2) continue;
        const Trial trial = judged(sum, search_, flux);
        if (least >= 0 && trial.residual >= found.residual) continue;
        least = i;
        found = trial;
      }
      require(least >= 0, "find_scales: no pixel of channel ", channel, " counts: all are masked or NaN",
              search_.method == Rotation::fft ? ", or one is NaN, which fft spreads over the whole frame: fill it, or "
                                                "take another method"
                                              : "");
      middle = scales[static_cast<std::size_t>(least)];
      half *= 2.0 / (kTrials - 1);  // to the neighbours of the best one
    }
    return {middle, found.flux};
  }

 private:
  std::vector<Sums> sums_at(index_t channel, const std::vector<double>& scales) {
    const Frame<const float> frame = channels_[channel];
    const Cube<const float> same(frame.data(), trials_.extents(), {0, frame.stride(0), frame.stride(1)});
    rescale(exec_, same, scales, {.method = search_.method}, trials_.view());
    const Frame<const float> last = channels_[channels_.extent(0) - 1];
    for_each(exec_, sums_.extents(), SumRows{trials_.view(), last, mask_, sums_.view()});
    const auto rows = to_host(exec_, std::as_const(sums_).view());
    std::vector<Sums> total(scales.size());
    for (std::size_t i = 0; i < total.size(); ++i)
      for (index_t y = 0; y < rows.extent(1); ++y) {
        const Sums& row = rows.view()(static_cast<index_t>(i), y);
        Sums& sum = total[i];
        sum = {sum.n + row.n, sum.a + row.a, sum.b + row.b, sum.aa + row.aa, sum.bb + row.bb, sum.ab + row.ab};
      }
    return total;
  }

  Exec& exec_;
  Cube<const float> channels_;
  ScaleSearch search_;
  Frame<const float> mask_;
  Array<float, 3> trials_;
  Array<Sums, 2> sums_;
};

}  // namespace

ChannelScales find_scales(Exec& exec, Cube<const float> channels, const std::vector<double>& wavelengths,
                          const std::vector<double>& fluxes, const ScaleSearch& search, Frame<const float> mask) {
  const auto count = static_cast<std::size_t>(channels.extent(0));
  require(count > 0 && channels.size() > 0, "find_scales: there are no channels");
  require(wavelengths.size() == count && fluxes.size() == count, "find_scales: ", count, " channels, ",
          wavelengths.size(), " wavelengths and ", fluxes.size(), " fluxes: give one for each");
  for (std::size_t i = 0; i < count; ++i)
    require(wavelengths[i] > 0 && std::isfinite(wavelengths[i]) && fluxes[i] > 0 && std::isfinite(fluxes[i]),
            "find_scales: channel ", i, " has wavelength ", wavelengths[i], " and flux ", fluxes[i],
            ": both must be positive");
  require(search.range > 0 && search.range <= 0.5, "find_scales: the range is ", search.range,
          ": it must be above 0 and at most 0.5");
  require(mask.size() == 0 || (mask.extent(0) == channels.extent(1) && mask.extent(1) == channels.extent(2)),
          "find_scales: the mask is ", mask.extent(0), " x ", mask.extent(1), ", the frames ", channels.extent(1),
          " x ", channels.extent(2));
  ChannelScales found{std::vector<double>(count, 1.0), std::vector<double>(count, 1.0)};
  Search searching(exec, channels, search, mask);
  for (std::size_t i = 0; i + 1 < count; ++i)
    std::tie(found.scales[i], found.fluxes[i]) =
        searching.best(static_cast<index_t>(i), wavelengths.back() / wavelengths[i], fluxes.back() / fluxes[i]);
  const double least = *std::min_element(found.scales.begin(), found.scales.end());
  for (double& scale : found.scales) scale /= least;
  return found;
}

}  // namespace hci
