// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>

#include "engine/products.hpp"
#include "engine/progress.hpp"
#include "models/detect/detection.hpp"

namespace hci::app {

/// What was found in a frame and its S/N map, with what the dataset knows to express it in.
struct Found {
  Detection peak;
  std::optional<double> pixel_scale;  ///< arcsec/px
  std::optional<double> contrast;     ///< flux ratio to the star, not corrected for throughput
};

/// name.png of a frame; the peak, if any, marked.  frame (y, x), host
void write_picture(OutputFolder& folder, const std::string& name, Frame<const float> frame,
                   const std::optional<Found>& found, double fwhm, std::optional<double> pixel_scale,
                   const std::string& title, const std::string& value_label);

/// "peak": {x, y, snr, ...}.
void add_peak(Summary& summary, const Found& found);

/// "seconds": {stage: ...}, "device" (its description()), "memory": {...}.
void add_run(Summary& summary, const Progress& progress, const Exec& exec, const std::string& device);

/// The peak of a map, unless nothing in it has a positive S/N. frame, map (y, x) on the Exec's device
std::optional<Found> find_in_map(Exec& exec, Frame<const float> frame, Frame<const float> map, double fwhm,
                                 std::optional<double> pixel_scale);

/// The peak in two lines for people, or that there is none, on stdout.
void print_peak(const std::optional<Found>& found);

}  // namespace hci::app
