// SPDX-License-Identifier: MIT
#include "models/detect/snr.hpp"
#include "apps/cuhci/products.hpp"
#include "apps/cuhci/session.hpp"
#include "engine/dataset.hpp"
#include "kernels/core/copy.hpp"

namespace hci::app {
namespace {

void declare(Flags& flags) {
  flags.positional("FRAME", "FITS or HDF5 file with the frame: FILE, FILE[HDU] or FILE[DATASET]");
  flags.fields(SnrParams{}, "fwhm");
  flags.option("array2", "file with a second frame, whose apertures add to the noise (say, derotated the wrong way)");
  flags.option("pixel_scale", "arcsec/px");
  declare_session(flags, "folder for the products");
}

int run(Flags& flags) {
  Settings& given = flags.settings();
  SnrParams params;
  given.apply(params);
  require(given.has("fwhm"), "--fwhm is missing: the full width at half maximum of the PSF, px");
  check_snr_params(params);
  std::string second_path;
  given.take("array2", second_path);
  require(!params.approximated || second_path.empty(), "--approximated takes no second frame: leave --array2 out");
  require(!params.use2alone || !second_path.empty(), "--use2alone needs the second frame, --array2");
  std::optional<double> pixel_scale;
  given.take("pixel_scale", pixel_scale);
  require(!pixel_scale || *pixel_scale > 0, "--pixel-scale is ", to_text(pixel_scale), ", it must be positive");
  const std::string path = flags.values("FRAME").front();
  Session session(flags, "'cuhci snr'", {"snr.fits", "snr.png", "summary.json"}, {path, second_path});
  Exec& exec = session.exec;
  Progress& progress = session.progress;
  OutputFolder& folder = session.folder;
  progress.stage("load");
  const Array<float, 2> host = load_frame(path, "", exec.threads());
  const Array<float, 2> host2 = second_path.empty() ? Array<float, 2>() : load_frame(second_path, "", exec.threads());
  progress.stage("snr_map");
  const Array<float, 2> frame = to_device(exec, host.view());
  const Array<float, 2> second = host2 ? to_device(exec, host2.view()) : Array<float, 2>();
  Array<float, 2> map(exec, frame.extents());
  snr_map(exec, frame.view(), params, map.view(), second ? second.view() : Frame<const float>());
  const Array<float, 2> host_map = to_host(exec, std::as_const(map).view());
  const std::optional<Found> found = find_in_map(exec, frame.view(), map.view(), params.fwhm, pixel_scale);

  progress.stage("write");
  Provenance provenance{.command = flags.command_line(), .device = description(exec)};
  provenance.add(params);
  provenance.inputs.push_back({.role = "frame", .path = path, .hash = {}});
  if (host2) provenance.inputs.push_back({.role = "array2", .path = second_path, .hash = {}});
  folder.write_fits("snr.fits", host_map.view(), provenance_header(provenance));
  write_picture(folder, "snr.png", host_map.view(), found, params.fwhm, pixel_scale, path, "S/N");
  progress.finish();
  Summary summary;
  summary.set("fwhm", params.fwhm);
  if (found) add_peak(summary, *found);
  add_run(summary, progress, exec, provenance.device);
  summary.set(provenance);
  folder.write_json("summary.json", summary);
  return session.finish(summary.to_json(), [&] { print_peak(found); });
}

}  // namespace

Subcommand snr_command() { return {"snr", "Make the S/N map of a frame and find its peak", declare, run}; }

}  // namespace hci::app
