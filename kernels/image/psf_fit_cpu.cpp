// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/image/psf_levenberg.hpp"

// Nothing of this crosses a library's boundary, so it is no matter how such vectors are passed.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace hci::psf {
namespace {

using Doubles = double __attribute__((vector_size(32)));
using Longs = std::int64_t __attribute__((vector_size(32)));
constexpr int kLanes = 4;

/// Four values side by side.
struct Four {
  Doubles v{};

  Four() = default;
  Four(Doubles values) : v(values) {}           // NOLINT(google-explicit-constructor): arithmetic
  Four(double value) : v(Doubles{} + value) {}  // NOLINT(google-explicit-constructor)
  Four& operator+=(Four other) {
    v += other.v;
    return *this;
  }
  friend Four operator+(Four a, Four b) { return a.v + b.v; }
  friend Four operator-(Four a, Four b) { return a.v - b.v; }
  friend Four operator*(Four a, Four b) { return a.v * b.v; }
  friend Four operator/(Four a, Four b) { return a.v / b.v; }
  friend Four operator-(Four a) { return -a.v; }
};

/// Adding and subtracting it rounds to a whole number, which stays in the last bits of the sum.
constexpr double kRounder = 6755399441055744.0;  // 1.5 2^52
constexpr double kLn2High = 6.93147180369123816490e-01, kLn2Low = 1.90821492927058770002e-10;

/// Error below 2 units in the last place; 0 below exp(-700), no more than exp(700).
Four exp_of(Four x) {
  const Doubles least = Doubles{} - 700, most = Doubles{} + 700;
  const Doubles inside = x.v < least ? least : x.v > most ? most : x.v;
  const Doubles shifted = inside * 1.44269504088896340736 + kRounder, k = shifted - kRounder;
  const Doubles r = (inside - k * kLn2High) - k * kLn2Low;
  // Taylor's series to r^13 / 13!: |r| <= ln 2 / 2.
  constexpr double inverse[] = {
      1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
      1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       0.5,          1,           1};
  Doubles sum = Doubles{} + inverse[0];
  for (int i = 1; i < 14; ++i) sum = sum * r + inverse[i];
  const Longs scaled = reinterpret_cast<Longs>(sum) + (reinterpret_cast<Longs>(shifted) << 52);
  return x.v < least ? Doubles{} : reinterpret_cast<Doubles>(scaled);
}

/// For finite values of at least 1. Error below 4 units in the last place.
Four log_of(Four x) {
  const Longs bits = reinterpret_cast<Longs>(x.v);
  // The exponent such that the rest is within sqrt(1/2) .. sqrt(2).
  const Longs exponent = (bits - 0x3fe6a09e667f3bcdLL) >> 52;
  const Doubles rest = reinterpret_cast<Doubles>(bits - (exponent << 52));
  const Doubles k = reinterpret_cast<Doubles>(exponent + 0x4338000000000000LL) - kRounder;
  const Doubles s = (rest - 1) / (rest + 1), ss = s * s;  // 2 artanh(s), |s| < 0.172
  Doubles sum = Doubles{} + 2.0 / 23;
  for (int i = 21; i >= 3; i -= 2) sum = sum * ss + 2.0 / i;
  return (k * kLn2High + 2 * s) + (s * ss * sum + k * kLn2Low);
}

Four root_of(Four x) {
  for (int lane = 0; lane < kLanes; ++lane) x.v[lane] = std::sqrt(x.v[lane]);
  return x;
}

AiryField<Four> airy_field(Four u) {
  AiryField<Four> result{};
  for (int lane = 0; lane < kLanes; ++lane) {
    const AiryField<double> one = psf::airy_field(u.v[lane]);
    result.value.v[lane] = one.value;
    result.slope.v[lane] = one.slope;
  }
  return result;
}

/// The finite pixels of a stamp, four at a time; what fills the last four counts for nothing.
class LanePixels {
 public:
  void take(const Frame<const float>& stamp) {
    extents_ = stamp.extents();
    moments_ = {};
    groups_.clear();
    int lane = kLanes;
    for (index_t y = 0; y < extents_[0]; ++y)
      for (index_t x = 0; x < extents_[1]; ++x) {
        const double value = stamp(y, x);
        if (!std::isfinite(value)) continue;
        moments_.add(value, y, x, y * extents_[1] + x);
        if (lane == kLanes) {
          // Lanes that stay empty are at the first one's pixel: where the model is finite for that it is for them,
          // and 0 times it is 0.
          groups_.push_back({.y = static_cast<double>(y), .x = static_cast<double>(x), .value = value});
          lane = 0;
        }
        Group& group = groups_.back();
        group.y.v[lane] = static_cast<double>(y);
        group.x.v[lane] = static_cast<double>(x);
        group.value.v[lane] = value;
        group.counts.v[lane++] = 1;
      }
  }
  Extents<2> extents() const { return extents_; }
  Moments moments() const { return moments_; }

  template <class Model>
  Normal<double, Model::count> normal(const double* p, double unit) const {
    const Model model(p);
    Normal<Four, Model::count> lanes;
    const double per_unit = 1 / unit;
    for (const Group& group : groups_) {
      Four by[Model::count];
      const Four residual = (group.value * per_unit - model(group.y, group.x, by)) * group.counts;
      for (Four& derivative : by) derivative = derivative * group.counts;
      lanes.add(residual, by);
    }
    Normal<double, Model::count> total;
    for (std::size_t i = 0; i < std::size(total.matrix); ++i) total.matrix[i] = sum_of(lanes.matrix[i]);
    for (std::size_t i = 0; i < std::size(total.right); ++i) total.right[i] = sum_of(lanes.right[i]);
    total.squares = sum_of(lanes.squares);
    return total;
  }

 private:
  struct Group {
    Four y, x, value, counts = {};
  };
  static double sum_of(Four lanes) { return (lanes.v[0] + lanes.v[1]) + (lanes.v[2] + lanes.v[3]); }

  Extents<2> extents_{};
  Moments moments_;
  std::vector<Group> groups_;
};

}  // namespace

void fit_stamps_cpu(Exec& exec, Cube<const float> stamps, PsfModel model, double fwhm_start, Vector<FitRecord> fits) {
  constexpr Schedule kFewAtATime{8};  // fits differ in their number of steps
  parallel_for(
      exec.threads(), stamps.extent(0), kFewAtATime, [] { return LanePixels(); },
      [&](LanePixels& pixels, index_t i) {
        pixels.take(stamps[i]);
        fits(i) = model == PsfModel::gauss  ? fit_stamp<Gauss>(pixels, fwhm_start)
                  : model == PsfModel::moff ? fit_stamp<Moffat>(pixels, fwhm_start)
                                            : fit_stamp<Airy>(pixels, fwhm_start);
      });
}

}  // namespace hci::psf
