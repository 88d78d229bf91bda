// SPDX-License-Identifier: MIT
#include <cmath>
#include <numbers>

#include "kernels/core/error.hpp"
#include "kernels/image/psf_shape.hpp"

namespace hci {
namespace psf {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

template <class Model>
void draw(const double* p, Frame<float> frame) {
  const Model model(p);
  double by[kMost];
  for (index_t y = 0; y < frame.extent(0); ++y)
    for (index_t x = 0; x < frame.extent(1); ++x)
      frame(y, x) = static_cast<float>(model(static_cast<double>(y), static_cast<double>(x), by));
}

}  // namespace

std::array<double, kMost> parameters_of(const PsfShape& shape) {
  std::array<double, kMost> p{shape.amplitude, shape.x, shape.y};
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

PsfFit fit_of(PsfModel model, const FitRecord& record) {
  const double* p = record.parameters;
  double error[kMost];
  for (int i = 0; i < kMost; ++i) error[i] = std::sqrt(record.covariance[i][i]);
  PsfFit fit{.shape = {.model = model, .amplitude = p[0], .y = p[2], .x = p[1]},
             .error = {.model = model, .amplitude = error[0], .y = error[2], .x = error[1]},
             .chi2 = record.squares,
             .pixels = record.pixels,
             .steps = record.steps,
             .status = record.status,
             .converged = record.status == FitStatus::converged};
  double scale[kMost] = {1, 1, 1, 1, 1, 1};  // of the covariance's parameters
  switch (model) {
    case PsfModel::gauss:
      scale[3] = std::copysign(kSigmaToFwhm, p[3]);
      scale[4] = std::copysign(kSigmaToFwhm, p[4]);
      scale[5] = 1 / kDegree;
      fit.shape.fwhm_x = std::fabs(p[3]) * kSigmaToFwhm;
      fit.shape.fwhm_y = std::fabs(p[4]) * kSigmaToFwhm;
      fit.shape.theta = std::remainder(p[5] / kDegree, 180);
      fit.error.fwhm_x = error[3] * kSigmaToFwhm;
      fit.error.fwhm_y = error[4] * kSigmaToFwhm;
      fit.error.theta = error[5] / kDegree;
      break;
    case PsfModel::moff:
      scale[3] = std::copysign(1.0, p[3]);
      fit.shape.alpha = p[4];
      fit.shape.fwhm_x = fit.shape.fwhm_y = std::fabs(p[3]) * moffat_width(p[4]);
      fit.error.alpha = error[4];
      fit.gamma_error = error[3];
      fit.error.fwhm_x = fit.error.fwhm_y = error[3] * moffat_width(p[4]);
      break;
    case PsfModel::airy:
      scale[3] = std::copysign(1.0, p[3]);
      fit.shape.fwhm_x = fit.shape.fwhm_y = std::fabs(p[3]) / kAiryRadiusOfFwhm;
      fit.error.fwhm_x = fit.error.fwhm_y = error[3] / kAiryRadiusOfFwhm;
  }
  for (std::size_t i = 0; i < kMost; ++i)
    for (std::size_t j = 0; j < kMost; ++j) fit.covariance[i][j] = record.covariance[i][j] * scale[i] * scale[j];
  return fit;
}

}  // namespace psf

double PsfShape::gamma() const { return fwhm() / psf::moffat_width(alpha); }
double PsfShape::airy_radius() const { return fwhm() * psf::kAiryRadiusOfFwhm; }

Array<float, 2> draw_psf(Extents<2> extents, const PsfShape& shape) {
  require(shape.fwhm_y > 0 && shape.fwhm_x > 0, "draw_psf: the FWHM is ", shape.fwhm_y, " x ", shape.fwhm_x,
          " px, it must be positive");
  require(shape.model != PsfModel::moff || (shape.alpha > 0 && std::isfinite(psf::moffat_width(shape.alpha))),
          "draw_psf: alpha is ", shape.alpha, ", it must be positive, and not below 1e-3");
  auto frame = host_array<float, 2>(extents);
  const auto p = psf::parameters_of(shape);
  if (shape.model == PsfModel::gauss)
    psf::draw<psf::Gauss>(p.data(), frame.view());
  else if (shape.model == PsfModel::moff)
    psf::draw<psf::Moffat>(p.data(), frame.view());
  else
    psf::draw<psf::Airy>(p.data(), frame.view());
  return frame;
}

}  // namespace hci
