// SPDX-License-Identifier: MIT
// Runners of the goldens of models/psfsub and of annuli.
#include <algorithm>
#include <functional>
#include <numeric>

#include "engine/params.hpp"
#include "kernels/geometry/annulus.hpp"
#include "kernels/geometry/derotate_collapse.hpp"
#include "kernels/stats/collapse.hpp"
#include "models/detect/snr.hpp"
#include "models/psfsub/principal_components.hpp"
#include "models/psfsub/registry.hpp"
#include "models/psfsub/subtract.hpp"
#include "models/reduction.hpp"
#include "tests/golden/golden.hpp"
#include "tests/support/data.hpp"
#include "tests/support/fits_array.hpp"

namespace hci::test {
namespace {

using nlohmann::json;
using Result = std::optional<GoldenResult>;

/// A golden call in our words.
struct Job {
  std::unique_ptr<PsfSubtraction> algorithm;
  RegionParams regions;
  RotateOptions rotation;
  CollapseOptions collapse;
  double fwhm = 4;
  bool checks_angles = true;
  bool is_list = false;  ///< one frame for each variant
  bool median_of_list = false;
};

RotateOptions rotation_of(const json& imlib, bool masked) {
  RotateOptions options;
  if (imlib != "opencv") options.method = Rotation::fft;
  if (masked && options.method == Rotation::fft) options.mask_value = 0;
  return options;
}

CollapseOptions collapse_of(const GoldenCase& golden) {
  CollapseOptions options;
  from_text(golden.get<std::string>("collapse", "median"), options.mode);
  if (golden.has("weights")) options.weights = golden.numbers("weights");
  return options;
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

/// One final frame for each variant.
std::vector<Array<float, 2>> run(Exec& exec, const GoldenCase& golden, const char* angles_name, const Job& job) {
  const NdArray cube = golden.array("cube");
  const NdArray references = golden.has("cube_ref") ? golden.array("cube_ref") : NdArray{{0, 0, 0}, {}};
  std::vector<double> angles = golden.numbers(angles_name);
  const DeviceInput<float, 3> targets(exec, cube.cube());
  const DeviceInput<float, 3> others(exec, references.cube());
  Array<float, 3> residual(exec, targets.view().extents());
  const Extents<2> frame_extents{residual.extent(1), residual.extent(2)};
  const SubtractionInput input{targets.view(), others.view(), angles, job.fwhm};
  if (job.checks_angles) angles = checked_angles(angles);
  const double disc = central_disc(job.regions, job.algorithm->masks_inner_radius());
  std::vector<Array<float, 2>> frames;
  subtract_psf(exec, *job.algorithm, job.regions, input, residual.view(), [&](std::size_t) {
    Array<float, 2> frame(exec, frame_extents);
    derotate_collapse(exec, residual.view(), angles, job.rotation, job.collapse, frame.view());
    frames.push_back(to_host(exec, frame.view()));
    for (index_t p : circle(frame_extents[0], frame_extents[1], disc)) frames.back().data()[p] = 0;
  });
  return frames;
}

NdArray stacked(const std::vector<Array<float, 2>>& frames) {
  NdArray all{{static_cast<index_t>(frames.size()), frames.front().extent(0), frames.front().extent(1)}, {}};
  for (const auto& frame : frames) all.values.insert(all.values.end(), frame.data(), frame.data() + frame.size());
  return all;
}

Result result_of(Exec& exec, const GoldenCase& golden, const char* angles_name, const Job& job) {
  const auto frames = run(exec, golden, angles_name, job);
  if (job.median_of_list) {
    const NdArray all = stacked(frames);
    const DeviceInput<float, 3> input(exec, all.cube());
    Array<float, 2> median(exec, frames.front().extents());
    collapse(exec, input.view(), {}, median.view());
    const auto host = to_host(exec, median.view());
    return main_result(nd_array(host.view()));
  }
  if (job.is_list) return main_result(stacked(frames));
  return main_result(nd_array(frames.front().view()));
}

Matrix<const float> as_rows(Cube<const float> cube) {
  return {cube.data(), {cube.extent(0), cube.extent(1) * cube.extent(2)}};
}

/// full_output of one ncomp: components, whose signs are arbitrary, and the first ten residual frames.
Result run_full_output(Exec& exec, const GoldenCase& golden, const Job& job) {
  const NdArray cube = golden.array("cube");
  const std::vector<double> angles = golden.numbers("angle_list");
  const DeviceInput<float, 3> input(exec, cube.cube());
  Array<float, 3> residual(exec, input.view().extents()), derotated(exec, input.view().extents());
  subtract_psf(exec, *job.algorithm, job.regions, {input.view(), {}, angles, job.fwhm}, residual.view());
  derotate(exec, residual.view(), checked_angles(angles), job.rotation, derotated.view());
  const auto first_ten = [&](const Array<float, 3>& frames) {
    const auto host = to_host(exec, frames.view());
    return nd_array(slice(host.view(), 0, 10));
  };
  const auto k = golden.get<index_t>("ncomp", 1);
  const auto images = to_host(exec, principal_components(exec, as_rows(input.view()), k).images.view());
  NdArray pcs{{k, residual.extent(1), residual.extent(2)}, {images.data(), images.data() + images.size()}};
  const auto path = golden.entry().at("files").at("pcs").at("path").get<std::string>();
  const std::vector<float> signs = read_fits_array(*shared_folder() / "goldens" / path).values;
  const auto pixels = images.extent(1);
  for (index_t j = 0; j < k; ++j) {
    float* image = pcs.values.data() + j * pixels;
    if (std::inner_product(image, image + pixels, signs.begin() + j * pixels, 0.0) < 0)
      std::transform(image, image + pixels, image, std::negate<>());
  }
  GoldenResult result;
  result.files = {
      {"pcs", std::move(pcs)}, {"residuals10", first_ten(residual)}, {"residuals_der10", first_ten(derotated)}};
  return result;
}

/// full_output of a list with a known source: all frames, the one in which the source stands out most,
/// and the numbers behind that choice.
Result run_grid(Exec& exec, const GoldenCase& golden, const Job& job) {
  const auto frames = run(exec, golden, "angle_list", job);
  const auto counts = golden.json("ncomp").get<std::vector<int>>();
  json table{{"PCs", json::array()}, {"S/Ns", json::array()}, {"fluxes", json::array()}};
  std::size_t best = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto frame = to_device(exec, frames[i].view());
    const SourceScore score =
        source_score(exec, frame.view(), {job.regions.source_xy->y, job.regions.source_xy->x}, {.fwhm = job.fwhm});
    table["PCs"].push_back(counts.front() + static_cast<int>(i));
    table["S/Ns"].push_back(score.snr);
    table["fluxes"].push_back(score.flux);
    if (score.snr > table["S/Ns"][best].get<double>()) best = i;
  }
  return GoldenResult{{{"cube", stacked(frames)}, {"best", nd_array(frames[best].view())}}, {{"table", table}}};
}

/// A cube (t, y, x) of a golden as that of a dataset.
Array<float, 4> dataset_cube(const NdArray& cube) {
  Array<float, 4> out = host_array<float, 4>({cube.shape[0], 1, cube.shape[1], cube.shape[2]});
  std::copy(cube.values.begin(), cube.values.end(), out.data());
  return out;
}

/// The whole reduction of a golden's cube, as the program runs it.
Result run_recipe(Exec& exec, const GoldenCase& golden, const Recipe& recipe, double fwhm) {
  Dataset data;
  data.cube = dataset_cube(golden.array("cube"));
  data.angles = golden.numbers("angle_list");
  data.fwhm = {fwhm};
  if (golden.has("cube_ref")) data.reference = dataset_cube(golden.array("cube_ref"));
  const ReductionResult result = Reduction(recipe).run(exec, data);
  return main_result(nd_array(result.frame.view()));
}

Result run_smooth(Exec& exec, const GoldenCase& golden) {
  const Recipe recipe{.algorithm = "pca",
                      .algorithm_settings = {{"ncomp", ncomp_text(golden)}, {"scaling", scaling_text(golden)}},
                      .combine = {.rotation = rotation_of(golden.json("imlib"), false).method,
                                  .collapse = collapse_of(golden).mode,
                                  .smooth = golden.get("smooth", 0.0)}};
  return run_recipe(exec, golden, recipe, golden.get("fwhm", 4.0));
}

Result run_pca(Exec& exec, const GoldenCase& golden) {
  // VIP's randsvd on raw float32 frames gives another frame for each seed (correlation 0.83 of two of them, 0.70 with
  // its exact modes): there is nothing to agree with.
  const bool other = golden.has("scale_list") || golden.has("batch") || golden.has("mask_rdi") ||
                     golden.get<std::string>("svd_mode", "") == "randsvd";
  if (other || golden.json("cube").at("shape").size() != 3) return {};
  if (golden.has("smooth")) return run_smooth(exec, golden);
  Job job;
  job.algorithm = make_psf_subtraction("pca", {{"ncomp", ncomp_text(golden)},
                                               {"scaling", scaling_text(golden)},
                                               {"svd_mode", golden.get<std::string>("svd_mode", "lapack")}});
  job.regions.mask_center = golden.get("mask_center_px", 0);
  if (golden.has("source_xy"))
    job.regions.source_xy =
        PixelXY{golden.json("source_xy").at(0).get<double>(), golden.json("source_xy").at(1).get<double>()};
  job.regions.delta_rot = delta_rot_of(golden);
  job.regions.min_frames_pca = golden.get("min_frames_pca", 10);
  if (golden.has("max_frames_pca")) job.regions.max_frames_pca = golden.get("max_frames_pca", 0);
  if (golden.has("cube_ref") && golden.get<std::string>("ref_strategy", "RDI") == "ARDI")
    job.regions.ref_strategy = RefStrategy::ardi;
  job.rotation = rotation_of(golden.json("imlib"), job.regions.mask_center > 0);
  job.collapse = collapse_of(golden);
  job.fwhm = golden.get("fwhm", 4.0);
  job.is_list = golden.json("ncomp").is_array();
  job.median_of_list = golden.get("med_of_npcs", false);
  const json& files = golden.entry().at("files");
  if (files.contains("pcs")) return run_full_output(exec, golden, job);
  if (files.contains("best")) return run_grid(exec, golden, job);
  return result_of(exec, golden, "angle_list", job);
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

/// What the annular functions have in common.
void set_annuli(const GoldenCase& golden, Job& job) {
  job.regions.mode = RegionMode::annular;
  job.regions.radius_int = golden.get("radius_int", 0.0);
  job.regions.asize = golden.get("asize", 4.0);
  job.regions.delta_rot = delta_rot_of(golden);
  job.fwhm = golden.get("fwhm", 4.0);
}

Result run_pca_annular(Exec& exec, const GoldenCase& golden) {
  if (golden.has("scale_list")) return {};
  Job job;
  job.algorithm = make_psf_subtraction(
      "pca",
      {{"ncomp", ncomp_text(golden)}, {"scaling", scaling_text(golden)}, {"tol", to_text(golden.get("tol", 0.1))}});
  set_annuli(golden, job);
  if (const json segments = golden.json("n_segments"); !segments.is_null())
    from_text(segments.is_string() ? segments.get<std::string>() : segments.dump(), job.regions.n_segments);
  job.regions.theta_init = golden.get("theta_init", 0.0);
  job.regions.min_frames_lib = golden.get("min_frames_lib", 2);
  job.regions.max_frames_lib = golden.get("max_frames_lib", 200);
  job.rotation = rotation_of(golden.json("imlib"), job.regions.radius_int > 0);
  job.collapse = collapse_of(golden);
  job.is_list = golden.json("ncomp").is_array();
  return result_of(exec, golden, "angle_list", job);
}

Result run_pca_annulus(Exec& exec, const GoldenCase& golden) {
  Job job;
  job.algorithm = make_psf_subtraction("pca", {{"ncomp", ncomp_text(golden)}, {"scaling", scaling_text(golden)}});
  job.regions.mode = RegionMode::annulus;
  job.regions.r_guess = golden.get("r_guess", 0.0);
  job.regions.annulus_width = golden.get("annulus_width", 0.0);
  job.rotation = rotation_of(golden.json("rot_options").value("imlib", json()), false);
  job.collapse = collapse_of(golden);
  job.checks_angles = false;
  return result_of(exec, golden, "angs", job);
}

/// The whole reduction, as the program runs it: radius_int masks the product.
Result run_median(Exec& exec, const GoldenCase& golden) {
  if (golden.has("scale_list") || golden.has("weights")) return {};
  Job job;
  set_annuli(golden, job);
  if (golden.get<std::string>("mode", "fullfr") == "fullfr") job.regions.mode = RegionMode::full;
  const std::string nframes = golden.has("nframes") ? std::to_string(golden.get("nframes", 4)) : "none";
  const Recipe recipe{
      .algorithm = "median",
      .algorithm_settings = {{"nframes", nframes}, {"collapse_ref", golden.get<std::string>("collapse_ref", "median")}},
      .regions = job.regions,
      .combine = {.rotation = rotation_of(golden.json("imlib"), false).method, .collapse = collapse_of(golden).mode}};
  return run_recipe(exec, golden, recipe, job.fwhm);
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
