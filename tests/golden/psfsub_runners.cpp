// SPDX-License-Identifier: MIT
// Runners of the goldens of models/psfsub and of annuli. Cubes go through Reduction, as in the program.
#include <algorithm>
#include <functional>
#include <numeric>

#include "engine/params.hpp"
#include "kernels/geometry/annulus.hpp"
#include "kernels/geometry/derotate_collapse.hpp"
#include "kernels/stats/collapse.hpp"
#include "models/psfsub/principal_components.hpp"
#include "models/reduction.hpp"
#include "tests/golden/golden.hpp"
#include "tests/support/data.hpp"
#include "tests/support/fits_array.hpp"

namespace hci::test {
namespace {

using nlohmann::json;
using Result = std::optional<GoldenResult>;

Rotation rotation_of(const json& imlib) { return imlib == "opencv" ? Rotation::lanczos4 : Rotation::fft; }

Collapse collapse_of(const GoldenCase& golden) {
  Collapse collapse{};
  from_text(golden.get<std::string>("collapse", "median"), collapse);
  return collapse;
}

/// "5", "0.9", "auto", "1,5,10"; the call's text tells a tuple (a range) from a list.
std::string ncomp_text(const GoldenCase& golden) {
  const json value = golden.json("ncomp");
  if (!value.is_array()) return value.is_string() ? value.get<std::string>() : value.dump();
  const bool range = golden.entry().at("call").get<std::string>().find("ncomp=(") != std::string::npos;
  std::string text;
  for (const json& item : value) text += (text.empty() ? "" : range ? ":" : ",") + item.dump();
  return text;
}

std::string scaling_text(const GoldenCase& golden) { return golden.get<std::string>("scaling", "none"); }

std::optional<DeltaRot> delta_rot_of(const GoldenCase& golden) {
  if (!golden.has("delta_rot")) return {};
  const json value = golden.json("delta_rot");
  if (!value.is_array()) return DeltaRot{value.get<double>(), value.get<double>()};
  return DeltaRot{value.at(0).get<double>(), value.at(1).get<double>()};
}

/// What a call of any of the functions says that a recipe has a word for.
Recipe recipe_of(const GoldenCase& golden, const std::string& algorithm) {
  Recipe recipe{.algorithm = algorithm};
  recipe.combine = {.rotation = rotation_of(golden.json("imlib")),
                    .collapse = collapse_of(golden),
                    .smooth = golden.get("smooth", 0.0)};
  recipe.regions.radius_int = golden.get("radius_int", 0.0);
  recipe.regions.delta_rot = delta_rot_of(golden);
  if (algorithm == "pca")
    recipe.algorithm_settings = {{"ncomp", ncomp_text(golden)}, {"scaling", scaling_text(golden)}};
  return recipe;
}

/// The whole reduction of a golden's cube, as the program runs it.
ReductionResult reduce(Exec& exec, const GoldenCase& golden, const Recipe& recipe,
                       const char* angles_name = "angle_list") {
  Dataset data;
  data.cube = dataset_cube(golden.array("cube"));
  data.angles = golden.numbers(angles_name);
  data.fwhm = {golden.get("fwhm", 4.0)};
  if (golden.has("cube_ref")) data.reference = dataset_cube(golden.array("cube_ref"));
  return Reduction(recipe).run(exec, data);
}

/// The frames of a list of ncomp, else the one.
Result frames_of(const ReductionResult& result) {
  return main_result(result.frames ? nd_array(result.frames.view()) : nd_array(result.frame.view()));
}

Matrix<const float> as_rows(Cube<const float> cube) {
  return {cube.data(), {cube.extent(0), cube.extent(1) * cube.extent(2)}};
}

/// full_output of one ncomp: components, whose signs are arbitrary, and the first ten residual frames.
Result run_full_output(Exec& exec, const GoldenCase& golden, Recipe recipe) {
  recipe.save_residuals = true;
  const Array<float, 3> residuals = reduce(exec, golden, recipe).residuals;
  const DeviceInput<float, 3> input(exec, residuals.view());
  Array<float, 3> derotated(exec, residuals.extents());
  derotate(exec, input.view(), checked_angles(golden.numbers("angle_list")), {.method = recipe.combine.rotation},
           derotated.view());
  const auto host = to_host(exec, derotated.view());
  const auto k = golden.get<index_t>("ncomp", 1);
  const NdArray cube = golden.array("cube");
  const DeviceInput<float, 3> frames(exec, cube.cube());
  const auto images = to_host(exec, principal_components(exec, as_rows(frames.view()), k).images.view());
  NdArray pcs{{k, residuals.extent(1), residuals.extent(2)}, {images.data(), images.data() + images.size()}};
  const auto path = golden.entry().at("files").at("pcs").at("path").get<std::string>();
  const std::vector<float> signs = read_fits_array(*shared_folder() / "goldens" / path).values;
  const auto pixels = images.extent(1);
  for (index_t j = 0; j < k; ++j) {
    float* image = pcs.values.data() + j * pixels;
    if (std::inner_product(image, image + pixels, signs.begin() + j * pixels, 0.0) < 0)
      std::transform(image, image + pixels, image, std::negate<>());
  }
  GoldenResult result;
  result.files = {{"pcs", std::move(pcs)},
                  {"residuals10", nd_array(slice(residuals.view(), 0, 10))},
                  {"residuals_der10", nd_array(slice(host.view(), 0, 10))}};
  return result;
}

/// full_output of a list with a known source: all frames, the one in which the source stands out most,
/// and the numbers behind that choice.
Result grid_of(const ReductionResult& result) {
  json table{{"PCs", json::array()}, {"S/Ns", json::array()}, {"fluxes", json::array()}};
  for (std::size_t i = 0; i < result.variants.size(); ++i) {
    table["PCs"].push_back(std::stoi(result.variants[i].substr(std::string("ncomp ").size())));
    table["S/Ns"].push_back(result.scores[i].snr);
    table["fluxes"].push_back(result.scores[i].flux);
  }
  return GoldenResult{{{"cube", nd_array(result.frames.view())}, {"best", nd_array(result.frame.view())}},
                      {{"table", table}}};
}

/// What a recipe does not say: the median over a list of ncomp, ...
Result run_median_of_list(Exec& exec, const GoldenCase& golden, const Recipe& recipe) {
  const ReductionResult result = reduce(exec, golden, recipe);
  const DeviceInput<float, 3> frames(exec, result.frames.view());
  Array<float, 2> median(exec, result.frame.extents());
  collapse(exec, frames.view(), {}, median.view());
  const auto host = to_host(exec, median.view());
  return main_result(nd_array(host.view()));
}

/// ... weights of the frames, and angles taken as they are: from the reduction's residuals on.
Result collapsed_residuals(Exec& exec, const GoldenCase& golden, Recipe recipe, const char* angles_name,
                           const std::vector<double>& angles, const CollapseOptions& options) {
  recipe.combine.collapse = Collapse::mean;  // of the frame that is not used
  recipe.save_residuals = true;
  const Array<float, 3> residuals = reduce(exec, golden, recipe, angles_name).residuals;
  const DeviceInput<float, 3> input(exec, residuals.view());
  Array<float, 2> frame(exec, {residuals.extent(1), residuals.extent(2)});
  derotate_collapse(exec, input.view(), angles, {.method = recipe.combine.rotation}, options, frame.view());
  const auto host = to_host(exec, frame.view());
  return main_result(nd_array(host.view()));
}

Result run_pca(Exec& exec, const GoldenCase& golden) {
  // VIP's randsvd on raw float32 frames gives another frame for each seed (correlation 0.83 of two of them, 0.70 with
  // its exact modes): there is nothing to agree with.
  if (golden.has("scale_list") || golden.has("batch") || golden.has("mask_rdi") ||
      golden.get<std::string>("svd_mode", "") == "randsvd")
    return {};
  Recipe recipe = recipe_of(golden, "pca");
  recipe.algorithm_settings.emplace_back("svd_mode", golden.get<std::string>("svd_mode", "lapack"));
  recipe.regions.mask_center = golden.get("mask_center_px", 0);
  if (golden.has("source_xy"))
    recipe.regions.source_xy =
        PixelXY{golden.json("source_xy").at(0).get<double>(), golden.json("source_xy").at(1).get<double>()};
  recipe.regions.min_frames_pca = golden.get("min_frames_pca", 10);
  if (golden.has("max_frames_pca")) recipe.regions.max_frames_pca = golden.get("max_frames_pca", 0);
  if (golden.has("cube_ref") && golden.get<std::string>("ref_strategy", "RDI") == "ARDI")
    recipe.regions.ref_strategy = RefStrategy::ardi;
  if (golden.get("med_of_npcs", false)) return run_median_of_list(exec, golden, recipe);
  if (golden.has("weights"))
    return collapsed_residuals(exec, golden, recipe, "angle_list", checked_angles(golden.numbers("angle_list")),
                               {.mode = Collapse::wmean, .weights = golden.numbers("weights")});
  const json& files = golden.entry().at("files");
  if (files.contains("pcs")) return run_full_output(exec, golden, recipe);
  const ReductionResult result = reduce(exec, golden, recipe);
  if (files.contains("best")) return grid_of(result);
  auto found = frames_of(result);
  if (files.contains("per_channel")) found->files["per_channel"] = nd_array(result.channel_frames.view());
  return found;
}

/// SVDecomposer's singular values and cumulative shares of the variance.
Result run_explained(Exec& exec, const GoldenCase& golden) {
  const NdArray cube = golden.array("c");
  const DeviceInput<float, 3> input(exec, cube.cube());
  Scaling scaling{};
  from_text(scaling_text(golden), scaling);
  const PrincipalComponents found = principal_components(exec, as_rows(input.view()), 1, scaling);
  std::vector<double> eigenvalues;
  for (const double s : found.singular_values) eigenvalues.push_back(s * s);
  const auto vector = [](const std::vector<double>& values) {
    return NdArray{{static_cast<index_t>(values.size())}, {values.begin(), values.end()}};
  };
  return GoldenResult{{{"s", vector(found.singular_values)}, {"cevr", vector(found.explained)}},
                      {{"ncomp", count_for_share(eigenvalues, golden.get("cevr", 0.0))}}};
}

Result run_check_angles(Exec&, const GoldenCase& golden) {
  const std::vector<double> angles = checked_angles(golden.numbers("angle_list"));
  if (golden.entry().at("files").empty()) return GoldenResult{{}, {{"value", angles}}};
  return main_result({{static_cast<index_t>(angles.size())}, {angles.begin(), angles.end()}});
}

Result run_pca_annular(Exec& exec, const GoldenCase& golden) {
  if (golden.has("scale_list")) return {};
  Recipe recipe = recipe_of(golden, "pca");
  recipe.algorithm_settings.emplace_back("tol", to_text(golden.get("tol", 0.1)));
  recipe.regions.mode = RegionMode::annular;
  recipe.regions.asize = golden.get("asize", 4.0);
  if (const json segments = golden.json("n_segments"); !segments.is_null())
    from_text(segments.is_string() ? segments.get<std::string>() : segments.dump(), recipe.regions.n_segments);
  recipe.regions.theta_init = golden.get("theta_init", 0.0);
  recipe.regions.min_frames_lib = golden.get("min_frames_lib", 2);
  recipe.regions.max_frames_lib = golden.get("max_frames_lib", 200);
  return frames_of(reduce(exec, golden, recipe));
}

Result run_pca_annulus(Exec& exec, const GoldenCase& golden) {
  Recipe recipe = recipe_of(golden, "pca");
  recipe.regions.mode = RegionMode::annulus;
  recipe.regions.r_guess = golden.get("r_guess", 0.0);
  recipe.regions.annulus_width = golden.get("annulus_width", 0.0);
  recipe.combine.rotation = rotation_of(golden.json("rot_options").value("imlib", json()));
  return collapsed_residuals(exec, golden, recipe, "angs", golden.numbers("angs"), {.mode = collapse_of(golden)});
}

Result run_median(Exec& exec, const GoldenCase& golden) {
  if (golden.has("scale_list") || golden.has("weights")) return {};
  Recipe recipe = recipe_of(golden, "median");
  const std::string nframes = golden.has("nframes") ? std::to_string(golden.get("nframes", 4)) : "none";
  recipe.algorithm_settings = {{"nframes", nframes},
                               {"collapse_ref", golden.get<std::string>("collapse_ref", "median")}};
  if (golden.get<std::string>("mode", "fullfr") == "annular") recipe.regions.mode = RegionMode::annular;
  recipe.regions.asize = golden.get("asize", 4.0);
  return frames_of(reduce(exec, golden, recipe));
}

/// The generator's map of 1 + number of the sector.
Result run_segments(Exec&, const GoldenCase& golden) {
  NdArray map = golden.array("data_");
  std::fill(map.values.begin(), map.values.end(), 0.0F);
  const auto sets = annulus_segments(map.shape[0], map.shape[1], golden.get("inner", 0.0), golden.get("width", 0.0),
                                     golden.get("n", 1), golden.get("theta0", 0.0));
  for (std::size_t i = 0; i < sets.size(); ++i)
    for (index_t p : sets[i]) map.values[static_cast<std::size_t>(p)] = static_cast<float>(i + 1);
  return main_result(std::move(map));
}

/// Frames with the inside of a circle, or all but that, set to 0.
Result run_circle(const GoldenCase& golden, bool keep_inside) {
  NdArray array = golden.array("array");
  const index_t ny = *(array.shape.end() - 2), nx = array.shape.back();
  std::vector<char> inside(static_cast<std::size_t>(ny * nx), 0);
  for (index_t p : circle(ny, nx, golden.get("radius", 0.0))) inside[static_cast<std::size_t>(p)] = 1;
  for (std::size_t i = 0; i < array.values.size(); ++i)
    if ((inside[i % inside.size()] != 0) != keep_inside) array.values[i] = 0;
  return main_result(std::move(array));
}

const GoldenRegistration registrations[] = {
    {"vip_hci.psfsub.pca_fullfr.pca", run_pca},
    {"vip_hci.psfsub.pca_local.pca_annular", run_pca_annular},
    {"vip_hci.psfsub.utils_pca.pca_annulus", run_pca_annulus},
    {"vip_hci.psfsub.medsub.median_sub", run_median},
    {"__main__.segmap", run_segments},
    {"__main__.cevr_n", run_explained},
    {"vip_hci.preproc.parangles.check_pa_vector", run_check_angles},
    {"vip_hci.var.shapes.mask_circle",
     [](Exec&, const GoldenCase& golden) {
       return run_circle(golden, golden.get<std::string>("mode", "in") == "out");
     }},
    {"vip_hci.var.shapes.get_circle", [](Exec&, const GoldenCase& golden) { return run_circle(golden, true); }},
};

}  // namespace
}  // namespace hci::test
