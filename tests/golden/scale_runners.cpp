// SPDX-License-Identifier: MIT
// Runners of the goldens of rescaling, resampling, cropping and padding.
#include "kernels/geometry/resample.hpp"
#include "kernels/geometry/rescale.hpp"
#include "kernels/stats/collapse.hpp"
#include "tests/golden/golden.hpp"
#include "tests/support/data.hpp"
#include "tests/support/fits_array.hpp"

namespace hci::test {
namespace {

using Result = std::optional<GoldenResult>;

/// Our name of VIP's imlib and interpolation; nothing where we have none.
std::optional<Rotation> method_of(const GoldenCase& golden) {
  const auto library = golden.get<std::string>("imlib", "vip-fft");
  const auto interpolation = golden.get<std::string>("interpolation", "lanczos4");
  if (library == "vip-fft") return Rotation::fft;
  if (library != "opencv") return {};
  for (const auto& [name, value] : enum_names(Rotation{}))
    if (name == interpolation) return value;
  return interpolation == "nearneig" ? std::optional(Rotation::nearest) : std::nullopt;
}

std::vector<double> wavelengths() {
  const FitsArray file = read_fits_array(*shared_folder() / "data/synthetic_ifs/wavelengths.fits");
  return {file.values.begin(), file.values.end()};
}

/// The one list of scales of the manifest: the longest wavelength over each, in double.
std::vector<double> scales_of(const GoldenCase& golden, const std::string& argument) {
  const auto text = golden.json(argument).at("array").get<std::string>();
  if (text.rfind("scale_list = wl[-1]/wl", 0) != 0) return golden.numbers(argument);
  auto scales = wavelengths();
  const double longest = scales.back();
  for (double& scale : scales) scale = longest / scale;
  return scales;
}

template <class Work>
NdArray on_device(Exec& exec, const NdArray& in, Extents<2> sides, const Work& work) {
  const DeviceInput<float, 3> device(exec, in.cube());
  Array<float, 3> out(exec, {in.cube().extent(0), sides[0], sides[1]});
  work(device.view(), out.view());
  const auto host = to_host(exec, out.view());
  const View<const float, 3> view = std::as_const(host).view();
  return in.shape.size() == 3 ? nd_array(view) : nd_array(view[0]);
}

Result run_rescaling_wavelengths(Exec& exec, const GoldenCase& golden) {
  const auto method = method_of(golden);
  if (!method) return {};
  const NdArray cube = golden.array("cube");
  const auto scales = scales_of(golden, "scal_list");
  const bool inverse = golden.get("inverse", false);
  const Extents<2> sides{cube.shape[1], cube.shape[2]};
  const Extents<2> full = inverse ? sides : rescaled_sides(sides, scales);
  const Extents<2> made = inverse ? Extents<2>{golden.get<index_t>("y_in", 0), golden.get<index_t>("x_in", 0)} : full;
  const auto direction = inverse ? WavelengthScaling::inverse : WavelengthScaling::forward;
  GoldenResult result;
  result.files["main"] = on_device(exec, cube, made, [&](Cube<const float> in, Cube<float> out) {
    rescale_wavelengths(exec, in, scales, *method, direction, out);
  });
  const DeviceInput<float, 3> rescaled(exec, result.files["main"].cube());
  Array<float, 2> frame(exec, made);
  collapse(exec, rescaled.view(), {.mode = Collapse::median}, frame.view());
  const auto host = to_host(exec, std::as_const(frame).view());
  result.files["frame"] = nd_array(std::as_const(host).view());
  result.scalars = {{"y", full[0]}, {"x", full[1]}, {"cy", full[0] / 2}, {"cx", full[1] / 2}};
  return result;
}

Result run_frame_rescaling(Exec& exec, const GoldenCase& golden) {
  const auto method = method_of(golden);
  if (!method || golden.has("ref_xy") || golden.has("scale_y") || golden.has("scale_x")) return {};
  const NdArray frame = golden.array("array");
  return main_result(on_device(exec, frame, {frame.shape[0], frame.shape[1]}, [&](auto in, auto out) {
    rescale(exec, in, {golden.get("scale", 1.0)}, {.method = *method}, out);
  }));
}

Result run_px_resampling(Exec& exec, const GoldenCase& golden) {
  const auto method = method_of(golden);
  if (!method) return {};
  const NdArray frame = golden.array("array");
  const double scale = golden.get("scale", 1.0);
  const Extents<2> sides = resampled_sides({frame.shape[0], frame.shape[1]}, scale, *method);
  return main_result(on_device(exec, frame, sides, [&](auto in, auto out) {
    resample(exec, in, scale, {.method = *method, .keep_centre = golden.get("keep_center", false)}, out);
  }));
}

const GoldenRegistration registrations[] = {
    {"vip_hci.preproc.rescaling.cube_rescaling_wavelengths", run_rescaling_wavelengths},
    {"vip_hci.preproc.rescaling.frame_rescaling", run_frame_rescaling},
    {"vip_hci.preproc.rescaling.frame_px_resampling", run_px_resampling},
};

}  // namespace
}  // namespace hci::test
