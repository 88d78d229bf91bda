// SPDX-License-Identifier: MIT
// Runners of the goldens of rotation and collapse.
#include <cmath>

#include "kernels/geometry/derotate_collapse.hpp"
#include "kernels/geometry/vip_words.hpp"
#include "tests/golden/golden.hpp"

namespace hci::test {
namespace {

using Result = std::optional<GoldenResult>;

template <class E>
std::optional<E> named(const std::string& name) {
  for (const auto& [known, value] : enum_names(E{}))
    if (name == known) return value;
  return {};
}

/// VIP 2.1.1's rotate_fft turns by a quarter too much where -angle is 135 or 315 degrees exactly
/// (rint(angle / 90) rounds these to even). Ours does not; so the comparison asks for what it did.
double angle_that_vip_fft_takes(double angle) {
  const double turn = std::fmod(std::fmod(-angle, 360.0) + 360.0, 360.0);
  return turn == 135 || turn == 315 ? angle - 90 : angle;
}

Result run_cube_derotate(Exec& exec, const GoldenCase& golden) {
  const NdArray cube = golden.array("array");
  if (cube.shape.size() != 3) return {};
  const auto words = rotation_in_vip_words(golden.get<std::string>("imlib", "vip-fft"),
                                           golden.get<std::string>("interpolation", "lanczos4"),
                                           golden.get<std::string>("border_mode", "constant"));
  if (!words) return {};
  RotateOptions options = *words;
  const auto blend = named<EdgeBlend>(golden.get<std::string>("edge_blend", "none"));
  if (!blend) return {};
  options.edge_blend = *blend;
  if (options.edge_blend != EdgeBlend::none) {
    options.interpolate_zeros = golden.get("interp_zeros", false);
    if (options.edge_blend != EdgeBlend::noise) options.blend_fwhm = golden.get("ker", 1.0);  // the Gaussian of interp
  }
  // VIP heeds a mask there only.
  if (golden.json("mask_val").is_number() && (options.method == Rotation::fft || options.edge_blend != EdgeBlend::none))
    options.mask_value = golden.get("mask_val", 0.0F);
  if (golden.has("cxy")) {
    const auto xy = golden.json("cxy").get<std::array<double, 2>>();
    options.centre = std::array<double, 2>{xy[1], xy[0]};
  }
  std::vector<double> angles = golden.numbers("angle_list");
  if (options.method == Rotation::fft)
    for (double& angle : angles) angle = angle_that_vip_fft_takes(angle);
  const DeviceInput<float, 3> in(exec, cube.cube());
  Array<float, 3> out(exec, cube.cube().extents());
  derotate(exec, in.view(), angles, options, out.view());
  const auto host = to_host(exec, out.view());
  return main_result(nd_array(View<const float, 3>(host.view())));
}

/// "shift_y=[1.3,0.5]" is not a file.
std::vector<double> listed(const GoldenCase& golden, const char* argument) {
  const nlohmann::json value = golden.json(argument);
  if (!value.contains("array")) return golden.numbers(argument);
  const auto text = value.at("array").get<std::string>();
  return nlohmann::json::parse(text.substr(text.find('['))).get<std::vector<double>>();
}

Result run_cube_shift(Exec& exec, const GoldenCase& golden) {
  const auto options = shift_in_vip_words(golden.get<std::string>("imlib", "vip-fft"),
                                          golden.get<std::string>("interpolation", "lanczos4"),
                                          golden.get<std::string>("border_mode", "reflect"));
  if (!options) return {};
  const NdArray cube = golden.array("cube");
  const auto dy = listed(golden, "shift_y"), dx = listed(golden, "shift_x");
  std::vector<Shift> shifts;
  for (std::size_t t = 0; t < dy.size(); ++t) shifts.push_back({dy[t], dx[t]});
  const DeviceInput<float, 3> input(exec, cube.cube());
  Array<float, 3> out(exec, input.view().extents());
  shift(exec, input.view(), shifts, *options, out.view());
  const auto host = to_host(exec, out.view());
  return main_result(nd_array(host.view()));
}

Result run_cube_collapse(Exec& exec, const GoldenCase& golden) {
  const auto mode = named<Collapse>(golden.get<std::string>("mode", "median"));
  if (!mode) return {};
  CollapseOptions options{.mode = *mode, .trim_keep = golden.get("n", 50)};
  if (mode == Collapse::wmean && golden.has("w")) options.weights = golden.numbers("w");
  const NdArray cube = golden.array("cube");
  const std::size_t axes = cube.shape.size();  // (t, y, x), or (wavelength, t, y, x): each wavelength apart
  if (axes != 3 && axes != 4) return {};
  const index_t groups = axes == 4 ? cube.shape[0] : 1;
  const Extents<3> extents{cube.shape[axes - 3], cube.shape[axes - 2], cube.shape[axes - 1]};
  NdArray result;
  if (axes == 4) result.shape.push_back(groups);
  result.shape.insert(result.shape.end(), {extents[1], extents[2]});
  Array<float, 2> out(exec, {extents[1], extents[2]});
  for (index_t group = 0; group < groups; ++group) {
    const View<const float, 3> frames(cube.values.data() + group * extents.size(), extents);
    const DeviceInput<float, 3> in(exec, frames);
    collapse(exec, in.view(), options, out.view());
    const auto host = to_host(exec, out.view());
    result.values.insert(result.values.end(), host.data(), host.data() + host.size());
  }
  return main_result(std::move(result));
}

/// The generator's own calls, known by name: derotated by one library or the other, median.
Result run_derotate_and_median(Exec& exec, const GoldenCase& golden) {
  const bool opencv = golden.name() == "derot_median_opencv_fullcube";
  if (!opencv && golden.name() != "derot_median_vipfft_fullcube") return {};
  const NdArray cube = golden.array("c");
  const DeviceInput<float, 3> in(exec, cube.cube());
  Array<float, 2> out(exec, {cube.shape[1], cube.shape[2]});
  const RotateOptions rotation{.method = opencv ? Rotation::lanczos4 : Rotation::fft};
  derotate_collapse(exec, in.view(), golden.numbers("a"), rotation, {}, out.view());
  const auto host = to_host(exec, out.view());
  return main_result(nd_array(View<const float, 2>(host.view())));
}

const GoldenRegistration derotate_runner("vip_hci.preproc.derotation.cube_derotate", run_cube_derotate);
const GoldenRegistration shift_runner("vip_hci.preproc.recentering.cube_shift", run_cube_shift);
const GoldenRegistration collapse_runner("vip_hci.preproc.subsampling.cube_collapse", run_cube_collapse);
const GoldenRegistration median_runner("__main__.<lambda>", run_derotate_and_median);

}  // namespace
}  // namespace hci::test
