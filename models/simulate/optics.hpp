// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <complex>
#include <optional>
#include <vector>

#include "kernels/core/array.hpp"
#include "models/simulate/instrument.hpp"

namespace hci {

/// Square frames of size x size px: for each channel the transform from the pupil to one axis of them.
struct Camera {
  index_t size = 0;
  std::vector<Array<std::complex<float>, 2>> to_pixels;
};

/// The path of light from the telescope's pupil to the detector. All arrays are on the Exec's device.
class Optics {
 public:
  using Fields = Cube<const std::complex<float>>;

  /// n: samples across the pupil.
  Optics(Exec& exec, const Instrument& instrument, int n, const std::vector<double>& wavelengths_um);

  Camera camera(Exec& exec, index_t size) const;

  /// (y, x) telescope, and apodiser where there is one.
  Frame<const float> aperture() const { return aperture_.view(); }
  int samples() const { return n_; }
  /// Pixels in wavelength / D of the channel.
  double pixels_per_resolution(std::size_t channel) const { return 1 / pixel_[channel]; }

  /// frame += the mean image of the star behind the coronagraph, for a star of `flux` off the mask.
  ///   fields (e, y, x) of the star in the pupil
  void add_star(Exec& exec, const Camera& camera, std::size_t channel, Fields fields, double flux,
                Frame<float> frame) const;
  /// frame += the mean image of a source of `flux` beside the mask, in each exposure at offsets[e] =
  /// {dy, dx} px from the frame's centre.
  void add_off_axis(Exec& exec, const Camera& camera, std::size_t channel, Fields fields,
                    const std::vector<std::array<double, 2>>& offsets, double flux, Frame<float> frame) const;

 private:
  void apodise(Exec& exec, double resolution_arcsec);
  Array<std::complex<float>, 3> behind_mask(Exec& exec, std::size_t channel, Fields fields) const;
  void add_image(Exec& exec, const Camera& camera, std::size_t channel, Cube<std::complex<float>> at_stop, double flux,
                 Frame<float> frame) const;

  struct FocalMask {
    Array<std::complex<float>, 2> to_focus, to_pupil;  ///< one side of the transforms, both axes alike
  };
  FocalMask focal_mask(Exec& exec, double resolution_arcsec) const;
  Array<std::complex<float>, 3> occulted(Exec& exec, const FocalMask& mask, Fields fields) const;

  Instrument instrument_;
  int n_;
  std::vector<double> positions_;  ///< of the samples, in diameters
  std::vector<double> pixel_;      ///< of each channel, in wavelength / D
  Array<float, 2> aperture_, stop_, disc_;
  std::vector<FocalMask> masks_;  ///< of each channel; none for the perfect coronagraph
  double stop_power_ = 0;         ///< sum of (aperture * stop)^2
};

}  // namespace hci
