// SPDX-License-Identifier: MIT
#include "kernels/stats/snr_map_approximated.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <tuple>
#include <utility>
#include <vector>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/median_of.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

class ApproximatedSnrMap : public OnEveryDevice {
 protected:
  Array<float, 2> map(const Array<float, 2>& frame, double fwhm) {
    const auto in = to_device(exec(), frame.view());
    Array<float, 2> out(exec(), frame.extents());
    snr_map_approximated(exec(), in.view(), fwhm, out.view());
    return to_host(exec(), std::as_const(out).view());
  }
};

/// The definition in double, pixel by pixel.
class Definition {
 public:
  Definition(const Array<float, 2>& frame, double fwhm)
      : fwhm_(fwhm), ny_(frame.extent(0)), nx_(frame.extent(1)), averaged_(host_array<double, 2>({ny_, nx_})) {
    for (index_t y = 0; y < ny_; ++y)
      for (index_t x = 0; x < nx_; ++x) averaged_.view()(y, x) = average(frame, y, x);
  }
  double at(index_t y, index_t x) const {
    const index_t cy = middle(ny_), cx = middle(nx_);
    const double r = std::hypot(double(y - cy), double(x - cx));
    const double end = double(std::min(ny_, nx_)) / 2 - fwhm_;
    if (r < fwhm_ / 2 + 1 || r >= end) return 0;
    const auto circle = points(static_cast<index_t>(r));
    std::vector<double> all, distances, kept;
    for (const auto& [j, i] : circle)
      if (const double v = averaged_.view()(cy + j, cx + i); std::isfinite(v)) all.push_back(v);
    if (all.empty()) return std::nan("");
    for (const double v : all) distances.push_back(std::fabs(v - median_of(all)));
    for (const auto& [j, i] : circle) {
      const bool near = std::hypot(double(cy + j - y), double(cx + i - x)) < fwhm_ / 2;
      const double v = near ? median_of(distances) : averaged_.view()(cy + j, cx + i);
      if (std::isfinite(v)) kept.push_back(v);
    }
    if (kept.size() < 2) return std::nan("");
    double mean = 0, squares = 0;
    for (const double v : kept) mean += v / double(kept.size());
    for (const double v : kept) squares += (v - mean) * (v - mean);
    const double n = 2 * std::numbers::pi * r / fwhm_ - 1;
    return (averaged_.view()(y, x) - mean) / std::sqrt(squares / double(kept.size() - 1) * (1 + 1 / n));
  }

 private:
  static index_t middle(index_t n) { return n / 2; }  // N/2, of an odd N N/2 - 1/2
  double average(const Array<float, 2>& frame, index_t y, index_t x) const {
    double sum = 0, count = 0;
    for (index_t j = y - 20; j <= y + 20; ++j)
      for (index_t i = x - 20; i <= x + 20; ++i) {
        if (std::hypot(double(j - y), double(i - x)) > fwhm_ / 2) continue;
        const bool inside = j >= 0 && j < ny_ && i >= 0 && i < nx_;
        const double v = inside ? double(frame.view()(j, i)) : 0;
        if (std::isfinite(v)) sum += v, count += 1;
      }
    return sum / count;
  }
  /// Going down an octant, the row is left when the next two points' squared errors add up to 0 or more.
  static std::vector<std::pair<index_t, index_t>> points(index_t radius) {
    std::vector<std::pair<index_t, index_t>> all;
    for (index_t c = 0, r = radius; c <= r; ++c) {
      for (const auto& [a, b] : {std::pair{r, c}, {c, r}})
        for (const index_t up : {-1, 1})
          for (const index_t right : {-1, 1}) all.emplace_back(up * a, right * b);
      if (2 * (c + 1) * (c + 1) + r * r + (r - 1) * (r - 1) - 2 * radius * radius >= 0) --r;
    }
    return all;
  }

  double fwhm_;
  index_t ny_, nx_;
  Array<double, 2> averaged_;
};

// Averages of unit noise round to float, 6e-8 of values below 2; circles have a noise above 0.1, so that an S/N
// errs by less than 4e-6 of (1 + itself).
TEST_P(ApproximatedSnrMap, IsItsDefinition) {
  for (const auto& [ny, nx, fwhm] :
       std::vector<std::tuple<index_t, index_t, double>>{{33, 33, 4.0}, {40, 40, 4.7}, {31, 44, 3.0}, {52, 37, 6.2}})
    for (const bool masked : {false, true}) {
      auto frame = noise<2>({ny, nx}, 11);
      if (masked)
        for (index_t i = 0; i < frame.size(); i += 23) frame.data()[i] = std::numeric_limits<float>::quiet_NaN();
      const auto got = map(frame, fwhm);
      const Definition definition(frame, fwhm);
      for (index_t y = 0; y < ny; ++y)
        for (index_t x = 0; x < nx; ++x) {
          const double want = definition.at(y, x);
          ASSERT_TRUE(std::isfinite(want));
          ASSERT_NEAR(got.view()(y, x), want, 4e-6 * (1 + std::fabs(want))) << y << ", " << x;
        }
    }
}

TEST_P(ApproximatedSnrMap, CoversItsAnnulusAndIsZeroAround) {
  const auto got = map(noise<2>({32, 41}, 1), 4);
  for (index_t y = 0; y < 32; ++y)
    for (index_t x = 0; x < 41; ++x) {
      const double r = std::hypot(static_cast<double>(y - 16), static_cast<double>(x - 20));
      EXPECT_EQ(got.view()(y, x) != 0, r >= 3 && r < 12) << y << " " << x;
    }
}

TEST_P(ApproximatedSnrMap, DoesNotDependOnTheUnit) {
  auto frame = noise<2>({31, 31}, 2);
  const auto before = map(frame, 4.5);
  for (index_t i = 0; i < frame.size(); ++i) frame.data()[i] *= 4;  // exact
  const auto after = map(frame, 4.5);
  for (index_t i = 0; i < frame.size(); ++i) EXPECT_EQ(after.data()[i], before.data()[i]);
}

// A disc of 8 on noise of unit variance: the averages over 13 pixels have a noise of about 0.28, and
// the flanks of the source, outside the pixels that are hidden, may take half of that S/N of 29.
TEST_P(ApproximatedSnrMap, FindsASourceAtItsPlace) {
  auto frame = noise<2>({41, 41}, 3);
  for (index_t y = 0; y < 41; ++y)
    for (index_t x = 0; x < 41; ++x)
      if ((y - 25) * (y - 25) + (x - 11) * (x - 11) <= 4) frame.view()(y, x) += 8;
  const auto got = map(frame, 4);
  index_t best = 0;
  for (index_t i = 0; i < got.size(); ++i)
    if (got.data()[i] > got.data()[best]) best = i;
  EXPECT_EQ(best, 25 * 41 + 11);
  EXPECT_GT(got.data()[best], 10);
}

TEST_P(ApproximatedSnrMap, LeavesMaskedPixelsOut) {
  auto frame = noise<2>({31, 31}, 4);
  frame.view()(15, 20) = std::numeric_limits<float>::quiet_NaN();
  const auto one = map(frame, 4);
  for (index_t i = 0; i < one.size(); ++i) EXPECT_TRUE(std::isfinite(one.data()[i]));
  for (index_t y = 10; y <= 20; ++y)
    for (index_t x = 18; x <= 28; ++x) frame.view()(y, x) = std::numeric_limits<float>::quiet_NaN();
  const auto many = map(frame, 4);
  EXPECT_TRUE(std::isnan(many.view()(15, 23)));
  EXPECT_TRUE(std::isfinite(many.view()(15, 7)));
}

TEST_P(ApproximatedSnrMap, OfASmallFrameIsZero) {
  EXPECT_EQ(map(noise<2>({1, 1}, 5), 4).data()[0], 0);
  const auto got = map(noise<2>({9, 9}, 6), 4);
  for (index_t i = 0; i < got.size(); ++i) EXPECT_EQ(got.data()[i], 0);
  EXPECT_THROW(map(noise<2>({9, 9}, 7), 0), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(ApproximatedSnrMap);

}  // namespace
}  // namespace hci::test
