// SPDX-License-Identifier: MIT
#include "kernels/image/psf_fit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/core/error.hpp"

namespace hci {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kSigmaToFwhm = 2.35482004503094938202;  // 2 sqrt(2 ln 2)
constexpr double kFirstZero = 3.83170597020751231561;    // of the Bessel function J1
constexpr double kAiryRadiusOfFwhm = 1.22 / 1.028;
constexpr double kDegree = std::numbers::pi / 180;

double moffat_width(double alpha) { return 2 * std::sqrt(std::pow(2, 1 / alpha) - 1); }  // FWHM / gamma

/// What the fit turns: amplitude, x, y, then
///   gauss: sigma_x, sigma_y, theta (radians);  moff: gamma, alpha;  airy: radius of the first zero.
constexpr int kMost = 6;
using Parameters = std::array<double, kMost>;

int count_of(PsfModel model) { return model == PsfModel::gauss ? 6 : model == PsfModel::moff ? 5 : 4; }

/// Value at an offset-free position, and its derivatives by the parameters.
double gauss(const Parameters& p, double y, double x, Parameters& by) {
  const double dx = x - p[1], dy = y - p[2], c = std::cos(p[5]), s = std::sin(p[5]);
  const double u = c * dx + s * dy, v = c * dy - s * dx;
  const double wu = 1 / (p[3] * p[3]), wv = 1 / (p[4] * p[4]);
  by[0] = std::exp(-(u * u * wu + v * v * wv) / 2);
  const double value = p[0] * by[0];
  by[1] = value * (u * wu * c - v * wv * s);
  by[2] = value * (u * wu * s + v * wv * c);
  by[3] = value * u * u * wu / p[3];
  by[4] = value * v * v * wv / p[4];
  by[5] = value * u * v * (wv - wu);
  return value;
}

double moffat(const Parameters& p, double y, double x, Parameters& by) {
  const double dx = x - p[1], dy = y - p[2], w = 1 / (p[3] * p[3]);
  const double rr = (dx * dx + dy * dy) * w, base = 1 + rr;
  by[0] = std::pow(base, -p[4]);
  const double value = p[0] * by[0], slope = 2 * p[4] * value / base;
  by[1] = slope * dx * w;
  by[2] = slope * dy * w;
  by[3] = slope * rr / p[3];
  by[4] = -value * std::log(base);
  return value;
}

double airy(const Parameters& p, double y, double x, Parameters& by) {
  const double dx = x - p[1], dy = y - p[2], k = kFirstZero / p[3];
  const double r = std::sqrt(dx * dx + dy * dy), u = k * r;
  // 2 J1(u) / u and its derivative -2 J2(u) / u, divided by u once more to be regular at 0.
  const double field = u < 1e-4 ? 1 - u * u / 8 : 2 * j1(u) / u;
  const double fall = u < 1e-4 ? -0.25 : -2 * jn(2, u) / (u * u);
  by[0] = field * field;
  const double slope = 2 * p[0] * field * fall * k * k;  // d value / d r, over r
  by[1] = -slope * dx;
  by[2] = -slope * dy;
  by[3] = -slope * r * r / p[3];
  return p[0] * by[0];
}

double value_of(PsfModel model, const Parameters& p, double y, double x, Parameters& by) {
  return model == PsfModel::gauss  ? gauss(p, y, x, by)
         : model == PsfModel::moff ? moffat(p, y, x, by)
                                   : airy(p, y, x, by);
}

Parameters parameters_of(const PsfShape& shape) {
  Parameters p{shape.amplitude, shape.x, shape.y};
  switch (shape.model) {
    case PsfModel::gauss:
      p[3] = shape.fwhm_x / kSigmaToFwhm;
      p[4] = shape.fwhm_y / kSigmaToFwhm;
      p[5] = shape.theta * kDegree;
      break;
    case PsfModel::moff:
      p[3] = shape.gamma();
      p[4] = shape.alpha;
      break;
    case PsfModel::airy:
      p[3] = shape.airy_radius();
  }
  return p;
}

PsfShape shape_of(PsfModel model, const Parameters& p) {
  PsfShape shape{.model = model, .amplitude = p[0], .y = p[2], .x = p[1]};
  switch (model) {
    case PsfModel::gauss:
      shape.fwhm_x = std::fabs(p[3]) * kSigmaToFwhm;
      shape.fwhm_y = std::fabs(p[4]) * kSigmaToFwhm;
      shape.theta = std::remainder(p[5] / kDegree, 180);
      break;
    case PsfModel::moff:
      shape.alpha = p[4];
      shape.fwhm_x = shape.fwhm_y = std::fabs(p[3]) * moffat_width(p[4]);
      break;
    case PsfModel::airy:
      shape.fwhm_x = shape.fwhm_y = std::fabs(p[3]) / kAiryRadiusOfFwhm;
  }
  return shape;
}

struct Pixel {
  double y, x, value;
};

/// J^T J, J^T residual and the sum of squared residuals at p.
struct Normal {
  double matrix[kMost][kMost] = {};
  Parameters right{};
  double squares = 0;
};

Normal normal_equations(const std::vector<Pixel>& pixels, PsfModel model, const Parameters& p) {
  Normal normal;
  const int n = count_of(model);
  Parameters by{};
  for (const Pixel& pixel : pixels) {
    const double residual = pixel.value - value_of(model, p, pixel.y, pixel.x, by);
    normal.squares += residual * residual;
    for (int i = 0; i < n; ++i) {
      normal.right[i] += by[i] * residual;
      for (int j = 0; j <= i; ++j) normal.matrix[i][j] += by[i] * by[j];
    }
  }
  return normal;
}

/// Solves a symmetric positive system (lower triangle given) by Cholesky, rows and columns scaled to a
/// unit diagonal; false if it is not positive. A parameter without influence (theta of a circle: a
/// row of zeros) stays where it is.
bool solve(const double (&matrix)[kMost][kMost], Parameters right, int n, Parameters& solution) {
  double l[kMost][kMost], scale[kMost];
  for (int i = 0; i < n; ++i) scale[i] = matrix[i][i] > 0 ? 1 / std::sqrt(matrix[i][i]) : 0;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j) {
      double sum = i == j ? 1 : matrix[i][j] * scale[i] * scale[j];
      for (int k = 0; k < j; ++k) sum -= l[i][k] * l[j][k];
      if (i == j && !(sum > 0)) return false;
      l[i][j] = i == j ? std::sqrt(sum) : sum / l[j][j];
    }
  for (int i = 0; i < n; ++i) {
    right[i] *= scale[i];
    for (int k = 0; k < i; ++k) right[i] -= l[i][k] * right[k];
    right[i] /= l[i][i];
  }
  for (int i = n - 1; i >= 0; --i) {
    for (int k = i + 1; k < n; ++k) right[i] -= l[k][i] * right[k];
    right[i] /= l[i][i];
  }
  for (int i = 0; i < n; ++i) solution[i] = right[i] * scale[i];
  return true;
}

/// Walks p to the minimum; false if it does not get there.
bool minimise(const std::vector<Pixel>& pixels, PsfModel model, Parameters& p) {
  const int n = count_of(model);
  double power = 0;
  for (const Pixel& pixel : pixels) power += pixel.value * pixel.value;
  Normal here = normal_equations(pixels, model, p);
  double damping = 1e-3;
  for (int step = 0; step < 300; ++step) {
    Normal damped = here;
    for (int i = 0; i < n; ++i) damped.matrix[i][i] *= 1 + damping;
    Parameters move{}, next = p;
    if (!solve(damped.matrix, here.right, n, move)) {
      damping *= 10;
      if (damping > 1e12) return false;
      continue;
    }
    double relative = 0;
    for (int i = 0; i < n; ++i) {
      next[i] += move[i];
      relative = std::max(relative, std::fabs(move[i]) / (std::fabs(p[i]) + 1e-3));
    }
    const Normal there = normal_equations(pixels, model, next);
    if (!(there.squares <= here.squares)) {
      damping *= 10;
      if (damping > 1e12) return true;  // nothing lower within rounding
      continue;
    }
    // The last: residuals at the rounding of float values have nothing more to tell.
    const bool settled =
        relative < 1e-10 || here.squares - there.squares < 1e-10 * here.squares || there.squares < 1e-14 * power;
    p = next;
    here = there;
    damping = std::max(damping / 10, 1e-12);
    if (settled) return true;
  }
  return false;
}

/// Standard errors of the parameters; NaN where the curvature is singular.
Parameters errors_at(const std::vector<Pixel>& pixels, PsfModel model, const Parameters& p) {
  const int n = count_of(model);
  const Normal normal = normal_equations(pixels, model, p);
  const double variance = normal.squares / (static_cast<double>(pixels.size()) - n);
  Parameters errors{};
  for (int i = 0; i < n; ++i) {
    Parameters unit{}, column{};
    unit[static_cast<std::size_t>(i)] = 1;
    errors[static_cast<std::size_t>(i)] =
        solve(normal.matrix, unit, n, column) ? std::sqrt(column[static_cast<std::size_t>(i)] * variance) : kNaN;
  }
  return errors;
}

/// Where the fit starts: the centre of mass, or the highest pixel if that lies outside (negative
/// values can put it anywhere).
PsfShape start_of(const std::vector<Pixel>& pixels, Extents<2> extents, PsfModel model, double fwhm) {
  double sum = 0, sum_y = 0, sum_x = 0;
  for (const Pixel& pixel : pixels) {
    sum += pixel.value;
    sum_y += pixel.value * pixel.y;
    sum_x += pixel.value * pixel.x;
  }
  const auto [low, high] = std::minmax_element(pixels.begin(), pixels.end(),
                                               [](const Pixel& a, const Pixel& b) { return a.value < b.value; });
  PsfShape start{.model = model, .amplitude = high->value - low->value, .y = sum_y / sum, .x = sum_x / sum};
  const bool inside = start.y >= 0 && start.y <= static_cast<double>(extents[0] - 1) && start.x >= 0 &&
                      start.x <= static_cast<double>(extents[1] - 1);
  if (!inside) {
    start.y = high->y;
    start.x = high->x;
  }
  start.fwhm_y = start.fwhm_x = fwhm;
  return start;
}

PsfFit result_of(PsfModel model, const Parameters& p, const Parameters& error, double unit, bool converged) {
  PsfFit fit{.shape = shape_of(model, p), .error = {.model = model, .y = error[2], .x = error[1]}};
  fit.converged = converged;
  fit.shape.amplitude *= unit;
  fit.error.amplitude = error[0] * unit;
  switch (model) {
    case PsfModel::gauss:
      fit.error.fwhm_x = error[3] * kSigmaToFwhm;
      fit.error.fwhm_y = error[4] * kSigmaToFwhm;
      fit.error.theta = error[5] / kDegree;
      break;
    case PsfModel::moff:
      fit.error.alpha = error[4];
      fit.gamma_error = error[3];
      fit.error.fwhm_x = fit.error.fwhm_y = error[3] * moffat_width(p[4]);
      break;
    case PsfModel::airy:
      fit.error.fwhm_x = fit.error.fwhm_y = error[3] / kAiryRadiusOfFwhm;
  }
  return fit;
}

}  // namespace

double PsfShape::gamma() const { return fwhm() / moffat_width(alpha); }
double PsfShape::airy_radius() const { return fwhm() * kAiryRadiusOfFwhm; }

Array<float, 2> draw_psf(Extents<2> extents, const PsfShape& shape) {
  require(shape.fwhm_y > 0 && shape.fwhm_x > 0, "draw_psf: the FWHM is ", shape.fwhm_y, " x ", shape.fwhm_x,
          " px, it must be positive");
  require(shape.model != PsfModel::moff || shape.alpha > 0, "draw_psf: alpha is ", shape.alpha,
          ", it must be positive");
  auto frame = host_array<float, 2>(extents);
  const Parameters p = parameters_of(shape);
  Parameters by{};
  for (index_t y = 0; y < extents[0]; ++y)
    for (index_t x = 0; x < extents[1]; ++x)
      frame.view()(y, x) =
          static_cast<float>(value_of(shape.model, p, static_cast<double>(y), static_cast<double>(x), by));
  return frame;
}

PsfFit fit_psf(Frame<const float> stamp, PsfModel model, double fwhm_start) {
  require(std::isfinite(fwhm_start) && fwhm_start > 0, "fit_psf: fwhm_start is ", fwhm_start,
          " px, it must be positive");
  std::vector<Pixel> pixels;
  for (index_t y = 0; y < stamp.extent(0); ++y)
    for (index_t x = 0; x < stamp.extent(1); ++x)
      if (const double value = stamp(y, x); std::isfinite(value))
        pixels.push_back({static_cast<double>(y), static_cast<double>(x), value});
  require(static_cast<int>(pixels.size()) > count_of(model), "fit_psf: the stamp of ", stamp.extent(0), " x ",
          stamp.extent(1), " has ", pixels.size(), " finite pixels, too few for ", count_of(model), " parameters");
  PsfShape start = start_of(pixels, stamp.extents(), model, fwhm_start);
  // In units of the peak, so that the parameters are of one size whatever the unit.
  const double unit = start.amplitude > 0 ? start.amplitude : 1;
  for (Pixel& pixel : pixels) pixel.value /= unit;
  start.amplitude = 1;
  Parameters p = parameters_of(start);
  if (model == PsfModel::moff) p[3] = fwhm_start / 2;  // alpha is 1
  bool converged = minimise(pixels, model, p);
  for (const double value : p) converged = converged && std::isfinite(value);
  if (!converged) p.fill(kNaN);
  return result_of(model, p, converged ? errors_at(pixels, model, p) : p, unit, converged);
}

}  // namespace hci
