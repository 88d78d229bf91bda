// SPDX-License-Identifier: MIT
#include "apps/cuhci/products.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "apps/cuhci/run_options.hpp"
#include "kernels/core/copy.hpp"

namespace hci::app {

void write_picture(OutputFolder& folder, const std::string& name, Frame<const float> frame,
                   const std::optional<Found>& found, double fwhm, std::optional<double> pixel_scale,
                   const std::string& title, const std::string& value_label) {
  Picture picture;
  picture.title = title;
  picture.value_label = value_label;
  picture.pixel_scale = pixel_scale;
  if (found) {
    char label[32];
    std::snprintf(label, sizeof label, "S/N %.1f", found->peak.snr);
    picture.markers.push_back({found->peak.y, found->peak.x, fwhm, label});
  }
  folder.write_png(name, frame, picture);
}

void add_peak(Summary& summary, const Found& found) {
  const Detection& peak = found.peak;
  summary.set("peak.x", peak.x);
  summary.set("peak.y", peak.y);
  summary.set("peak.pixel_x", std::int64_t{peak.pixel_x});
  summary.set("peak.pixel_y", std::int64_t{peak.pixel_y});
  summary.set("peak.refined", peak.refined);
  summary.set("peak.snr", peak.snr);
  summary.set("peak.significance", peak.significance);
  summary.set("peak.separation_px", peak.radius);
  if (found.pixel_scale) summary.set("peak.separation_arcsec", peak.radius * *found.pixel_scale);
  summary.set("peak.theta", peak.theta);
  summary.set("peak.position_angle_from_up", peak.pa_from_up);
  summary.set("peak.flux", peak.flux);
  if (found.contrast) summary.set("peak.contrast", *found.contrast);
}

void add_run(Summary& summary, const Progress& progress, const Exec& exec, const std::string& device) {
  std::map<std::string, double> seconds;
  for (const auto& [stage, time] : progress.times()) seconds[stage] += time;
  for (const auto& [stage, time] : seconds) summary.set("seconds." + stage, time);
  summary.set("device", device);
  summary.set("memory.arrays_peak_bytes", static_cast<std::int64_t>(exec.memory()->peak_bytes()));
  summary.set("memory.process_peak_bytes", static_cast<std::int64_t>(peak_process_bytes()));
}

std::optional<Found> find_in_map(Exec& exec, Frame<const float> frame, Frame<const float> map, double fwhm,
                                 std::optional<double> pixel_scale) {
  const Array<float, 2> host = to_host(exec, map);
  const auto positive = [](float snr) { return std::isfinite(snr) && snr > 0; };
  if (std::none_of(host.data(), host.data() + host.size(), positive)) return std::nullopt;
  return Found{.peak = find_peak(exec, frame, map, fwhm), .pixel_scale = pixel_scale, .contrast = {}};
}

void print_peak(const std::optional<Found>& found) {
  if (!found) {
    std::printf("Highest S/N: no pixel with positive S/N\n");
    return;
  }
  const Detection& peak = found->peak;
  std::printf("Highest S/N: %.2f (%.1f sigma) at x = %.2f, y = %.2f px\n", peak.snr, peak.significance, peak.x, peak.y);
  std::printf("  separation %.2f px", peak.radius);
  if (found->pixel_scale) std::printf(" = %.1f mas", 1000 * peak.radius * *found->pixel_scale);
  std::printf(", position angle %.1f degrees from up", peak.pa_from_up);
  if (found->contrast)
    std::printf(", contrast %.2e (not corrected for throughput)", *found->contrast);
  else
    std::printf(", flux %.4g", peak.flux);
  std::printf("\n");
}

}  // namespace hci::app
