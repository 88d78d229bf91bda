// SPDX-License-Identifier: MIT
// Runners of the goldens of rescaling, resampling, cropping, padding, regions and polar coordinates.
#include "kernels/geometry/annulus.hpp"
#include "kernels/geometry/crop_pad.hpp"
#include "kernels/geometry/polar.hpp"
#include "kernels/geometry/resample.hpp"
#include "kernels/geometry/resample_time.hpp"
#include "kernels/geometry/rescale.hpp"
#include "kernels/geometry/rescale_search.hpp"
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
  if (library == "ndimage") {
    if (interpolation == "bilinear" || interpolation == "nearneig") return {};
    if (interpolation == "biquadratic") return Rotation::spline2;
    if (interpolation == "bicubic") return Rotation::spline3;
    return interpolation == "biquintic" ? Rotation::spline5 : Rotation::spline4;
  }
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

/// scipy.ndimage.zoom leaves the last row and column 0 where rounding puts their places (n - 1) / (m - 1) x (m - 1)
/// beyond the last pixel; ours does not, so the comparison does.
void clear_what_zoom_misses(NdArray& made, const NdArray& frame) {
  const auto missed = [](index_t n, index_t m) {
    return double(n - 1) / double(m - 1) * double(m - 1) > double(n - 1);
  };
  const index_t ny = made.shape[0], nx = made.shape[1];
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x)
      if ((y == ny - 1 && missed(frame.shape[0], ny)) || (x == nx - 1 && missed(frame.shape[1], nx)))
        made.values[std::size_t(y * nx + x)] = 0;
}

Result run_px_resampling(Exec& exec, const GoldenCase& golden) {
  const auto method = method_of(golden);
  if (!method) return {};
  const NdArray frame = golden.array("array");
  const double scale = golden.get("scale", 1.0);
  const Extents<2> sides = resampled_sides({frame.shape[0], frame.shape[1]}, scale, *method);
  NdArray made = on_device(exec, frame, sides, [&](auto in, auto out) {
    resample(exec, in, scale, {.method = *method, .keep_centre = golden.get("keep_center", false)}, out);
  });
  if (spline_order(*method) > 0) clear_what_zoom_misses(made, frame);
  return main_result(std::move(made));
}

/// Sides after VIP's policy: parity of the frame's unless forced.
Result run_crop(Exec& exec, const GoldenCase& golden) {
  const NdArray array = golden.array("array");
  index_t size = golden.get<index_t>("size", 0);
  const Cube<const float> cube = array.cube();
  if (!golden.get("force", false) && size % 2 != cube.extent(1) % 2) ++size;
  CropOptions options;
  if (golden.has("xy")) {
    const auto xy = golden.json("xy").get<std::array<index_t, 2>>();
    options.centre = std::array<index_t, 2>{xy[1], xy[0]};
  }
  return main_result(on_device(exec, array, {size, size},
                               [&](Cube<const float> in, Cube<float> out) { crop_or_pad(exec, in, options, out); }));
}

Result run_pad(Exec& exec, const GoldenCase& golden) {
  const NdArray array = golden.array("array");
  const double factor = golden.get("fac", 1.0);
  const index_t ny = array.shape[0], nx = array.shape[1];
  const Extents<2> sides{padded_side(ny, factor), padded_side(nx, factor)};
  GoldenResult result = main_result(on_device(exec, array, sides, [&](Cube<const float> in, Cube<float> out) {
    crop_or_pad(exec, in, {.border = Border::constant, .outside = golden.get("fillwith", 0.0F)}, out);
  }));
  const index_t top = sides[0] / 2 - ny / 2, left = sides[1] / 2 - nx / 2;
  result.scalars = {{"indices", {top, top + ny, left, left + nx}}};
  return result;
}

Result run_subsample(Exec& exec, const GoldenCase& golden) {
  const NdArray array = golden.array("array");
  const index_t group = golden.get<index_t>("n", 1);
  const auto word = golden.get<std::string>("mode", "mean");
  if (array.shape.size() != 3 || (word != "mean" && word != "median")) return {};
  const Collapse mode = word == "mean" ? Collapse::mean : Collapse::median;
  const DeviceInput<float, 3> in(exec, array.cube());
  Array<float, 3> out(exec, {array.shape[0] / group, array.shape[1], array.shape[2]});
  subsample(exec, in.view(), group, {.mode = mode}, out.view());
  const auto host = to_host(exec, std::as_const(out).view());
  GoldenResult result = main_result(nd_array(std::as_const(host).view()));
  if (golden.has("parallactic")) result.scalars = {{"angles", subsample(golden.numbers("parallactic"), group, mode)}};
  return result;
}

/// The array with the pixels beside the set at 0.
NdArray only(NdArray array, const PixelSet& set) {
  NdArray out = array;
  std::fill(out.values.begin(), out.values.end(), 0.0F);
  for (const index_t pixel : set) out.values[std::size_t(pixel)] = array.values[std::size_t(pixel)];
  return out;
}

Result run_ellipse(Exec&, const GoldenCase& golden) {
  const NdArray array = golden.array("data");
  return main_result(only(array, ellipse(array.shape[0], array.shape[1], golden.get("a", 0.0), golden.get("b", 0.0),
                                         golden.get("pa", 0.0))));
}

Result run_wedge(Exec&, const GoldenCase& golden) {
  const NdArray array = golden.array("data");
  const auto wedge = golden.json("wedge").get<std::array<double, 2>>();
  return main_result(only(array, annular_wedge(array.shape[0], array.shape[1], golden.get("inner_radius", 0.0),
                                               golden.get("width", 0.0), wedge[0], wedge[1])));
}

Result run_cart_to_pol(Exec&, const GoldenCase& golden) {
  const auto origin = golden.get("astro_convention", false) ? AngleOrigin::north : AngleOrigin::x_axis;
  const PolarPosition polar = to_polar({.y = golden.get("y", 0.0), .x = golden.get("x", 0.0)},
                                       {golden.get("cy", 0.0), golden.get("cx", 0.0)}, origin);
  return GoldenResult{{}, {{"r", {polar.r, polar.theta}}}};
}

Result run_find_scales(Exec& exec, const GoldenCase& golden) {
  const auto method = method_of(golden);
  if (!method || golden.has("mask") || golden.get("hpf", false) || !golden.get("check_vec", true)) return {};
  const NdArray cube = golden.array("cube");
  const DeviceInput<float, 3> in(exec, cube.cube());
  const auto measure =
      golden.get<std::string>("fm", "stddev") == "sum" ? ResidualMeasure::sum : ResidualMeasure::stddev;
  const ScaleSearch search{.method = *method, .measure = measure, .fit_flux = golden.get("nfp", 2) == 2};
  const ChannelScales found =
      find_scales(exec, in.view(), golden.numbers("lbdas"), golden.numbers("fluxes"), search, {});
  return GoldenResult{{}, {{"scal", found.scales}, {"flux", found.fluxes}}};
}

const GoldenRegistration registrations[] = {
    {"vip_hci.preproc.rescaling.cube_rescaling_wavelengths", run_rescaling_wavelengths},
    {"vip_hci.preproc.rescaling.frame_rescaling", run_frame_rescaling},
    {"vip_hci.preproc.rescaling.frame_px_resampling", run_px_resampling},
    {"vip_hci.preproc.rescaling.find_scal_vector", run_find_scales},
    {"vip_hci.preproc.cosmetics.cube_crop_frames", run_crop},
    {"vip_hci.preproc.cosmetics.frame_crop", run_crop},
    {"vip_hci.preproc.cosmetics.frame_pad", run_pad},
    {"vip_hci.preproc.subsampling.cube_subsample", run_subsample},
    {"vip_hci.var.shapes.get_ellipse", run_ellipse},
    {"vip_hci.var.shapes.get_annular_wedge", run_wedge},
    {"vip_hci.var.coords.cart_to_pol", run_cart_to_pol},
};

}  // namespace
}  // namespace hci::test
