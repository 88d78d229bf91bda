// SPDX-License-Identifier: MIT
#include "models/simulate/optics.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/core/copy.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/optics/matrix_fourier.hpp"
#include "kernels/optics/pupil.hpp"
#include "models/simulate/wavefront.hpp"

namespace hci {
namespace {

using Complex = std::complex<float>;

/// Samples across the occulting disc. The focal plane inside it then repeats in the pupil after 32 / mask
/// diameter (in wavelength / D), five pupils or more away.
constexpr int kMaskSamples = 32;

double resolution_arcsec(double wavelength_um, double diameter_m) {
  return wavelength_um * 1e-6 / diameter_m * 180 * 3600 / std::numbers::pi;
}

/// Equidistant values around 0.
std::vector<double> around_zero(int count, double step) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back((i + 0.5 - 0.5 * count) * step);
  return values;
}

/// The disc inside a square of kMaskSamples, each sample the mean of 8 x 8 points.
Array<float, 2> disc() {
  const Instrument round{.spiders = {}};
  return pupil_mask(round, kMaskSamples, 1, 0, 0);
}

}  // namespace

Optics::Optics(Exec& exec, const Instrument& instrument, int n, const std::vector<double>& wavelengths_um)
    : instrument_(instrument), n_(n), positions_(around_zero(n, 1.0 / n)) {
  const auto telescope = pupil_mask(instrument, n, 1, instrument.obstruction, instrument.spider_width);
  const auto stop =
      pupil_mask(instrument, n, instrument.stop_outer, instrument.stop_inner, instrument.stop_spider_width);
  aperture_ = to_device(exec, telescope.view());
  stop_ = to_device(exec, stop.view());
  for (const double wavelength : wavelengths_um)
    pixel_.push_back(instrument.pixel_scale / resolution_arcsec(wavelength, instrument.diameter));
  if (instrument.lyot_mask) {
    const auto mask = disc();
    disc_ = to_device(exec, mask.view());
    const double middle = 0.5 * (wavelengths_um.front() + wavelengths_um.back());
    apodise(exec, resolution_arcsec(middle, instrument.diameter));
    for (const double wavelength : wavelengths_um)
      masks_.push_back(focal_mask(exec, resolution_arcsec(wavelength, instrument.diameter)));
  }
  const auto aperture = to_host(exec, aperture_.view());
  for (index_t i = 0; i < stop.size(); ++i)
    stop_power_ += std::pow(static_cast<double>(aperture.data()[i]) * static_cast<double>(stop.data()[i]), 2);
}

Camera Optics::camera(Exec& exec, index_t size) const {
  Camera camera{.size = size, .to_pixels = {}};
  for (const double step : pixel_) {
    std::vector<double> frequencies;
    for (index_t i = 0; i < size; ++i) frequencies.push_back((static_cast<double>(i) - frame_centre(size)) * step);
    camera.to_pixels.push_back(fourier_matrix(exec, frequencies, positions_, -1, 1.0 / n_));
  }
  return camera;
}

Optics::FocalMask Optics::focal_mask(Exec& exec, double resolution) const {
  const double step = instrument_.mask_diameter / resolution / kMaskSamples;
  const std::vector<double> frequencies = around_zero(kMaskSamples, step);
  return {.to_focus = fourier_matrix(exec, frequencies, positions_, -1, 1.0),
          .to_pupil = fourier_matrix(exec, positions_, frequencies, 1, step / n_)};
}

/// What of the fields passes through the focal disc, back in the pupil.
Array<Complex, 3> Optics::occulted(Exec& exec, const FocalMask& mask, Fields fields) const {
  Array<Complex, 3> focus(exec, {fields.extent(0), kMaskSamples, kMaskSamples});
  matrix_fourier(exec, fields, mask.to_focus.view(), mask.to_focus.view(), focus.view());
  mask_fields(exec, disc_.view(), focus.view());
  Array<Complex, 3> back(exec, fields.extents());
  matrix_fourier(exec, focus.view(), mask.to_pupil.view(), mask.to_pupil.view(), back.view());
  return back;
}

/// The apodisation of which the disc leaves the least: the aperture's prolate function, found as the
/// operator's eigenvector by power iteration (Soummer, Aime & Falloon 2003, A&A 397, 1161; Soummer
/// 2005, ApJ 618, L161 for obstructed apertures).
void Optics::apodise(Exec& exec, double resolution) {
  constexpr int kIterations = 40;  // the second eigenvalue is below half the first for these discs
  const FocalMask mask = focal_mask(exec, resolution);
  const auto telescope = to_host(exec, aperture_.view());
  auto start = host_array<Complex, 3>({1, n_, n_});
  for (index_t i = 0; i < start.size(); ++i) start.data()[i] = telescope.data()[i];
  auto field = to_device(exec, start.view());
  for (int i = 0; i < kIterations; ++i) {
    field = occulted(exec, mask, field.view());
    mask_fields(exec, aperture_.view(), field.view());
  }
  const auto prolate = to_host(exec, field.view());
  float peak = 0;
  for (index_t i = 0; i < prolate.size(); ++i) peak = std::max(peak, prolate.data()[i].real());
  auto apodised = host_array<float, 2>({n_, n_});
  // The iterated field holds the aperture's factor already: at the edge's grey samples, once.
  for (index_t i = 0; i < apodised.size(); ++i) apodised.data()[i] = std::max(0.0f, prolate.data()[i].real() / peak);
  upload(exec, View<const float, 2>(apodised.view()), aperture_.view());
  exec.wait();
}

Array<Complex, 3> Optics::behind_mask(Exec& exec, std::size_t channel, Fields fields) const {
  Array<Complex, 3> at_stop(exec, fields.extents());
  copy(exec, fields, at_stop.view());
  if (instrument_.lyot_mask) {
    const auto blocked = occulted(exec, masks_[channel], fields);
    subtract_fields(exec, blocked.view(), at_stop.view());
  } else {
    remove_coherent_part(exec, aperture_.view(), instrument_.leak, at_stop.view());
  }
  return at_stop;
}

void Optics::add_image(Exec& exec, const Camera& camera, std::size_t channel, Cube<Complex> at_stop, double flux,
                       Frame<float> frame) const {
  mask_fields(exec, stop_.view(), at_stop);
  const double step = pixel_[channel];
  const auto to_pixels = camera.to_pixels[channel].view();
  Array<Complex, 3> focus(exec, {at_stop.extent(0), frame.extent(0), frame.extent(1)});
  matrix_fourier(exec, at_stop, to_pixels, to_pixels, focus.view());
  // Parseval: over all of the focal plane, sum |F|^2 step^2 = n^2 sum |E|^2, F without the 1 / n per axis.
  const double scale = flux * std::pow(step * n_, 2) / stop_power_ / static_cast<double>(at_stop.extent(0));
  add_intensity(exec, focus.view(), scale, frame);
}

void Optics::add_star(Exec& exec, const Camera& camera, std::size_t channel, Fields fields, double flux,
                      Frame<float> frame) const {
  auto at_stop = behind_mask(exec, channel, fields);
  add_image(exec, camera, channel, at_stop.view(), flux, frame);
}

void Optics::add_off_axis(Exec& exec, const Camera& camera, std::size_t channel, Fields fields,
                          const std::vector<std::array<double, 2>>& offsets, double flux, Frame<float> frame) const {
  std::vector<std::array<double, 2>> tilts = offsets;
  for (auto& tilt : tilts) tilt = {tilt[0] * pixel_[channel], tilt[1] * pixel_[channel]};
  Array<Complex, 3> at_stop(exec, fields.extents());
  tilt_fields(exec, fields, tilts, at_stop.view());
  add_image(exec, camera, channel, at_stop.view(), flux, frame);
}

}  // namespace hci
