// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: the walk to the least squares of one stamp, for either device and for any way
// to sum over its pixels.
#include "kernels/image/psf_model.hpp"

namespace hci::psf {

constexpr int kMost = 6;

/// One stamp's fit, in the model's own parameters (psf_model.hpp) and the stamp's units.
struct FitRecord {
  double parameters[kMost];
  double covariance[kMost][kMost];
  double squares;  ///< of the residuals, summed
  std::int32_t pixels, steps;
  FitStatus status;
};

/// What the start is made of; positions in px.
struct Moments {
  double count = 0, sum = 0, sum_y = 0, sum_x = 0, squares = 0;
  double low = INFINITY, high = -INFINITY;
  index_t highest = -1;  ///< the first pixel that is `high`, row by row

  HCI_HD void add(double value, index_t y, index_t x, index_t pixel) {
    count += 1;
    sum += value;
    sum_y += value * double(y);
    sum_x += value * double(x);
    squares += value * value;
    low = value < low ? value : low;
    if (value > high) {
      high = value;
      highest = pixel;
    }
  }
  HCI_HD void add(const Moments& other) {
    count += other.count;
    sum += other.sum;
    sum_y += other.sum_y;
    sum_x += other.sum_x;
    squares += other.squares;
    low = other.low < low ? other.low : low;
    if (other.high > high || (other.high == high && other.highest < highest)) {
      high = other.high;
      highest = other.highest;
    }
  }
};

/// Cholesky factor of a symmetric positive matrix whose rows and columns are scaled to a unit
/// diagonal. A parameter without influence (a row of zeros: theta of a circle) stays where it is.
template <int n>
struct Factor {
  double l[n * (n + 1) / 2], scale[n];
  bool positive = true;

  /// damping: share by which the diagonal is raised.
  HCI_HD Factor(const Normal<double, n>& normal, double damping) {
    const double* matrix = normal.matrix;
    HCI_UNROLL
    for (int i = 0; i < n; ++i) {
      const double diagonal = matrix[i * (i + 1) / 2 + i];
      scale[i] = diagonal > 0 ? 1 / sqrt(diagonal) : 0;
    }
    HCI_UNROLL
    for (int i = 0; i < n; ++i) HCI_UNROLL
    for (int j = 0; j <= i; ++j) {
      double sum = i == j ? 1 + damping : matrix[i * (i + 1) / 2 + j] * scale[i] * scale[j];
      HCI_UNROLL
      for (int k = 0; k < j; ++k) sum -= l[i * (i + 1) / 2 + k] * l[j * (j + 1) / 2 + k];
      if (i == j) {
        positive = positive && sum > 0;
        l[i * (i + 1) / 2 + i] = sqrt(sum);
      } else {
        l[i * (i + 1) / 2 + j] = sum / l[j * (j + 1) / 2 + j];
      }
    }
  }
  /// In place.
  HCI_HD void solve(double* right) const {
    HCI_UNROLL
    for (int i = 0; i < n; ++i) {
      right[i] *= scale[i];
      HCI_UNROLL
      for (int k = 0; k < i; ++k) right[i] -= l[i * (i + 1) / 2 + k] * right[k];
      right[i] /= l[i * (i + 1) / 2 + i];
    }
    HCI_UNROLL
    for (int i = n - 1; i >= 0; --i) {
      HCI_UNROLL
      for (int k = i + 1; k < n; ++k) right[i] -= l[k * (k + 1) / 2 + i] * right[k];
      right[i] /= l[i * (i + 1) / 2 + i];
    }
    HCI_UNROLL
    for (int i = 0; i < n; ++i) right[i] *= scale[i];
  }
};

/// The model's parameters for a point source of a first width.
template <class Model>
HCI_HD void start_parameters(const Moments& moments, Extents<2> extents, double fwhm, double* p) {
  p[0] = 1;  // in units of the peak, so that the parameters are of one size whatever the unit
  p[1] = moments.sum_x / moments.sum;
  p[2] = moments.sum_y / moments.sum;
  // Negative values can put the centre of mass anywhere.
  const bool inside = p[1] >= 0 && p[1] <= double(extents[1] - 1) && p[2] >= 0 && p[2] <= double(extents[0] - 1);
  if (!inside) {
    p[1] = double(moments.highest % extents[1]);
    p[2] = double(moments.highest / extents[1]);
  }
  p[3] = Model::count == 6 ? fwhm / kSigmaToFwhm : Model::count == 5 ? fwhm / 2 : fwhm * kAiryRadiusOfFwhm;
  if constexpr (Model::count == 5) p[4] = 1;  // alpha
  if constexpr (Model::count == 6) {
    p[4] = p[3];
    p[5] = 0;
  }
}

/// Walks p to the minimum, by Levenberg and Marquardt's damping. pixels.normal<Model>(p) sums over
/// the pixels in units of the peak; power: their sum of squares. False: it did not get there.
template <class Model, class Pixels>
HCI_HD bool minimise(const Pixels& pixels, double unit, double power, double* p, Normal<double, Model::count>& here,
                     int& steps) {
  constexpr int n = Model::count;
  constexpr double kMostDamping = 1e12;
  here = pixels.template normal<Model>(p, unit);
  double damping = 1e-3;
  for (steps = 1; steps <= 300; ++steps) {
    const Factor<n> factor(here, damping);
    double move[n], next[n], relative = 0;
    for (int i = 0; i < n; ++i) move[i] = here.right[i];
    if (factor.positive) {
      factor.solve(move);
      for (int i = 0; i < n; ++i) {
        next[i] = p[i] + move[i];
        const double change = fabs(move[i]) / (fabs(p[i]) + 1e-3);
        relative = change > relative ? change : relative;
      }
      const Normal<double, n> there = pixels.template normal<Model>(next, unit);
      if (there.squares <= here.squares) {
        // The last: residuals at the rounding of float values have nothing more to tell.
        const bool settled =
            relative < 1e-10 || here.squares - there.squares < 1e-10 * here.squares || there.squares < 1e-14 * power;
        for (int i = 0; i < n; ++i) p[i] = next[i];
        here = there;
        damping = damping > 1e-11 ? damping / 10 : 1e-12;
        if (settled) return true;
        continue;
      }
    }
    damping *= 10;
    if (damping > kMostDamping) return factor.positive;  // nothing lower within rounding
  }
  return false;
}

/// Beyond this, px, a walk counts as gone to infinity. False for NaN: a Moffat profile of negative power.
HCI_HD inline bool is_near(double pixels) { return fabs(pixels) < 1e6; }

/// A fit that gave nothing.
HCI_HD inline void fail(FitRecord& record, FitStatus status) {
  record.status = status;
  record.squares = NAN;
  for (int i = 0; i < kMost; ++i) {
    record.parameters[i] = NAN;
    for (int j = 0; j < kMost; ++j) record.covariance[i][j] = NAN;
  }
}

/// The fit of one stamp. Pixels: extents(), moments(), normal<Model>(parameters, unit).
template <class Model, class Pixels>
HCI_HD FitRecord fit_stamp(const Pixels& pixels, double fwhm_start) {
  constexpr int n = Model::count;
  const Moments moments = pixels.moments();
  FitRecord record{};
  record.pixels = static_cast<std::int32_t>(moments.count);
  if (record.pixels <= n) {
    fail(record, FitStatus::too_few_pixels);
    return record;
  }
  if (moments.squares == 0) {  // zeros: every shape of height 0 fits
    fail(record, FitStatus::no_minimum);
    return record;
  }
  const double unit = moments.high > moments.low ? moments.high - moments.low : 1;
  double p[n];
  start_parameters<Model>(moments, pixels.extents(), fwhm_start, p);
  Normal<double, n> normal;
  int steps = 0;
  bool found = minimise<Model>(pixels, unit, moments.squares / (unit * unit), p, normal, steps);
  for (int i = 0; i < n; ++i) found = found && std::isfinite(p[i]);
  found = found && is_near(p[1]) && is_near(p[2]) && is_near(Model::widest(p));
  record.steps = steps;
  if (!found) {
    fail(record, FitStatus::no_minimum);
    return record;
  }
  record.status = FitStatus::converged;
  record.squares = normal.squares * unit * unit;
  const double variance = normal.squares / (moments.count - n);
  const Factor<n> factor(normal, 0);
  for (int i = 0; i < n; ++i) {
    double column[n];
    for (int j = 0; j < n; ++j) column[j] = i == j ? 1 : 0;
    factor.solve(column);
    const bool known = factor.positive && factor.scale[i] > 0;
    for (int j = 0; j < n; ++j)
      record.covariance[i][j] =
          known && factor.scale[j] > 0 ? column[j] * variance * (i == 0 ? unit : 1) * (j == 0 ? unit : 1) : NAN;
  }
  for (int i = 0; i < n; ++i) record.parameters[i] = p[i];
  record.parameters[0] *= unit;
  return record;
}

/// The CPU's tuned path: several pixels at a time.
void fit_stamps_cpu(Exec& exec, Cube<const float> stamps, PsfModel model, double fwhm_start, Vector<FitRecord> fits);

}  // namespace hci::psf
