// SPDX-License-Identifier: MIT
// Runners of the goldens of rotation and collapse.
#include <cmath>

#include "kernels/geometry/derotate_collapse.hpp"
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
  const auto library = golden.get<std::string>("imlib", "vip-fft");
  if ((library != "opencv" && library != "vip-fft") || golden.has("edge_blend")) return {};
  const NdArray cube = golden.array("array");
  if (cube.shape.size() != 3) return {};
  RotateOptions options{.method = Rotation::fft};
  if (library == "opencv") {
    const auto interpolation = golden.get<std::string>("interpolation", "lanczos4");
    options.method = interpolation == "nearneig" ? Rotation::nearest : named<Rotation>(interpolation).value();
    const auto border = golden.get<std::string>("border_mode", "constant");
    options.border = border == "edge"        ? Border::edge
                     : border == "symmetric" ? Border::symmetric
                     : border == "reflect"   ? Border::reflect
                     : border == "wrap"      ? Border::wrap
                                             : Border::constant;
  }
  if (golden.json("mask_val").is_number()) options.mask_value = golden.get("mask_val", 0.0F);
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

Result run_cube_collapse(Exec& exec, const GoldenCase& golden) {
  const auto mode = named<Collapse>(golden.get<std::string>("mode", "median"));
  if (!mode) return {};
  CollapseOptions options{.mode = *mode, .trim_keep = golden.get("n", 50)};
  if (golden.has("w")) options.weights = golden.numbers("w");
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
const GoldenRegistration collapse_runner("vip_hci.preproc.subsampling.cube_collapse", run_cube_collapse);
const GoldenRegistration median_runner("__main__.<lambda>", run_derotate_and_median);

}  // namespace
}  // namespace hci::test
