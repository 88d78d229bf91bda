// SPDX-License-Identifier: MIT
// Runners of the goldens of models/detect and of apertures.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <numbers>
#include <random>
#include <utility>

#include "engine/params.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/image/psf_fit.hpp"
#include "kernels/stats/apertures.hpp"
#include "kernels/stats/clipped_stats.hpp"
#include "models/detect/snr.hpp"
#include "models/metrics/annulus_noise.hpp"
#include "models/preproc/psf.hpp"
#include "models/reduction.hpp"
#include "tests/golden/golden.hpp"

namespace hci::test {
namespace {

using nlohmann::json;
using Result = std::optional<GoldenResult>;

GoldenResult scalar_result(const char* key, json value) { return {{}, {{key, std::move(value)}}}; }

/// As the manifest writes it.
json number(double value) { return std::isnan(value) ? json("nan") : json(value); }

Position position(const json& xy) { return {xy.at(1).get<double>(), xy.at(0).get<double>()}; }

Result run_snr(Exec& exec, const GoldenCase& golden) {
  if (golden.has("array2")) return {};
  const NdArray frame = golden.array("array");
  const DeviceInput<float, 2> input(exec, frame.frame());
  SnrAtOptions options{.fwhm = golden.get("fwhm", 0.0)};
  options.exclude_negative_lobes = golden.get("exclude_negative_lobes", false);
  if (golden.has("exclude_theta_range"))
    options.exclude_theta_range = golden.json("exclude_theta_range").get<std::array<double, 2>>();
  return scalar_result("value", snr_at(exec, input.view(), position(golden.json("source_xy")), options).snr);
}

/// pca(cube, -angles, ncomp=5, imlib='opencv'): without the planet, with the star's noise. Not stored.
Array<float, 2> turned_the_wrong_way(Exec& exec) {
  const json entry = json::parse(R"({"args": {"cube": {"array": "data/naco_betapic/cube.fits"},
                                             "angle_list": {"array": "data/naco_betapic/angles.fits"}}})");
  const GoldenCase files("", entry);
  Dataset data;
  data.cube = dataset_cube(files.array("cube"));
  data.angles = files.numbers("angle_list");
  for (double& angle : data.angles) angle = -angle;
  return to_device(
      exec, Reduction({.algorithm = "pca", .algorithm_settings = {{"ncomp", "5"}}}).run(exec, data).frame.view());
}

/// The generator's loop over positions; they are in the result.
Result run_snr_at_positions(Exec& exec, const GoldenCase& golden) {
  const json more = golden.json("k");
  const NdArray frame = golden.array("f");
  const DeviceInput<float, 2> input(exec, frame.frame());
  SnrAtOptions options{.fwhm = golden.get("fw", 0.0)};
  options.exclude_negative_lobes = more.value("exclude_negative_lobes", false);
  options.use2alone = more.value("use2alone", false);
  Array<float, 2> second;
  if (more.contains("array2")) {
    if (more.at("array2").at("array") != "pca(cube,-angles,ncomp=5,imlib='opencv')") return {};
    second = turned_the_wrong_way(exec);
  }
  json list = json::array();
  for (const json& item : golden.entry().at("scalars").at("list")) {
    const SnrAt at = snr_at(exec, input.view(), position(item.at("xy")), options, std::as_const(second).view());
    list.push_back({{"xy", item.at("xy")},
                    {"snr", number(at.snr)},
                    {"flux", at.flux},
                    {"n_bkg", at.noise.size()},
                    {"bkg", at.noise}});
  }
  return scalar_result("list", list);
}

Result run_snr_map(Exec& exec, const GoldenCase& golden) {
  if (golden.has("array2")) return {};
  const NdArray frame = golden.array("array");
  const DeviceInput<float, 2> input(exec, frame.frame());
  SnrParams params{.fwhm = golden.get("fwhm", 0.0)};
  params.approximated = golden.get("approximated", false);
  params.exclude_negative_lobes = golden.get("exclude_negative_lobes", false);
  params.known_sources = golden.get("known_sources", std::vector<int>());
  Array<float, 2> map(exec, input.view().extents());
  snr_map(exec, input.view(), params, map.view());
  const auto host = to_host(exec, map.view());
  return main_result(nd_array(host.view()));
}

/// The reference goes through 1 - (tail): a significance as it is after that rounding, which at 8
/// sigma leaves no more than one digit of the tail. Ours does not; so the comparison rounds.
double through_one_minus_tail(double sigma) {
  const double cumulative = 1 - std::erfc(sigma / std::numbers::sqrt2) / 2, tail = 1 - cumulative;
  double low = 0, high = 10;
  for (int step = 0; step < 100; ++step) {
    const double middle = (low + high) / 2;
    (std::erfc(middle / std::numbers::sqrt2) / 2 > tail ? low : high) = middle;
  }
  return low;
}

Result run_frame_report(Exec& exec, const GoldenCase& golden) {
  if (!golden.has("source_xy")) return {};
  const NdArray frame = golden.array("array");
  const DeviceInput<float, 2> input(exec, frame.frame());
  const SnrAtOptions options{.fwhm = golden.get("fwhm", 0.0)};
  const Position at = position(golden.json("source_xy"));
  const SnrAt there = snr_at(exec, input.view(), at, options);
  GoldenResult result;
  result.scalars = {{"xy", json::array({golden.json("source_xy")})},
                    {"flux", {there.flux}},
                    {"snr_center", {there.snr}},
                    {"mean_snr", {source_score(exec, input.view(), at, options).snr}}};
  return result;
}

Result run_annulus_noise(Exec& exec, const GoldenCase& golden) {
  const NdArray frame = golden.array("array");
  const DeviceInput<float, 2> input(exec, frame.frame());
  AnnulusNoiseOptions options{.fwhm = golden.get("fwhm", 0.0), .separation = golden.get("separation", 1.0)};
  options.wedge = golden.get("wedge", options.wedge);
  const AnnulusNoise noise = noise_per_annulus(exec, input.view(), options);
  return GoldenResult{{}, {{"noise", noise.noise}, {"res_level", noise.level}, {"rad", noise.radius}}};
}

Result run_significance(Exec&, const GoldenCase& golden) {
  const double fwhm = golden.get("fw", 0.0);
  json rows = json::array();
  for (json row : golden.entry().at("scalars").at("table")) {
    const double level = row.at("snr"), radius = row.at("rad");
    row["sig"] = through_one_minus_tail(significance(level, radius, fwhm));
    row["inv"] = snr_of_significance(through_one_minus_tail(level), radius, fwhm);
    rows.push_back(row);
  }
  return scalar_result("table", rows);
}

Result run_aperture_flux(Exec& exec, const GoldenCase& golden) {
  if (golden.get("mean", false)) return {};
  const NdArray frame = golden.array("array");
  const DeviceInput<float, 2> input(exec, frame.frame());
  const auto y = golden.numbers("yc"), x = golden.numbers("xc");
  std::vector<Position> positions;
  for (std::size_t i = 0; i < y.size(); ++i) positions.push_back({y[i], x[i]});
  const double radius = golden.get("ap_factor", 1.0) * golden.get("fwhm", 0.0) / 2;
  return scalar_result("flux", aperture_sums(exec, input.view(), positions, radius));
}

PsfModel model_of(const GoldenCase& golden) {
  PsfModel model{};
  from_text(golden.get<std::string>("model", "gauss"), model);
  return model;
}

Result run_normalize_psf(Exec& exec, const GoldenCase& golden) {
  const NdArray psf = golden.array("array");
  NormalizePsfParams params{.model = model_of(golden), .force_odd = golden.get("force_odd", true)};
  if (golden.get<std::string>("imlib", "vip-fft") == "opencv") params.shift = Rotation::lanczos4;
  if (golden.has("size")) params.size = golden.get("size", 0);
  if (golden.json("fwhm").is_number()) params.fwhm = {golden.get("fwhm", 0.0)};
  NormalizedPsf result = normalize_psf(exec, psf.cube(), params);
  // The reference leaves a PSF alone whose flux is within 10 % of 1.
  const Cube<const float> frames = std::as_const(result.psf).view();
  if (frames.extent(0) > 1)
    return GoldenResult{{{"main", nd_array(frames)}}, {{"flux", result.flux}, {"fwhm", result.fwhm}}};
  if (result.flux[0] >= 0.9 && result.flux[0] <= 1.1)
    for (index_t i = 0; i < result.psf.size(); ++i)
      result.psf.data()[i] = static_cast<float>(result.psf.data()[i] * result.flux[0]);
  return GoldenResult{{{"main", nd_array(frames[0])}}, {{"flux", result.flux[0]}, {"fwhm", result.fwhm[0]}}};
}

/// NumPy's randn() after random.seed(): Marsaglia's polar method on the Mersenne twister.
class NumpyNormal {
 public:
  explicit NumpyNormal(std::uint32_t seed) : twister_(seed) {}
  double operator()() {
    if (kept_) return *std::exchange(kept_, std::nullopt);
    double x = 0, y = 0, square = 0;
    do {
      x = 2 * uniform() - 1;
      y = 2 * uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square == 0);
    const double scale = std::sqrt(-2 * std::log(square) / square);
    kept_ = scale * x;
    return scale * y;
  }

 private:
  double uniform() {
    const auto high = static_cast<double>(twister_() >> 5), low = static_cast<double>(twister_() >> 6);
    return (high * 67108864 + low) / 9007199254740992;
  }
  std::mt19937 twister_;
  std::optional<double> kept_;
};

/// What `threshold` of the reference's fits makes of a stamp before the fit: random numbers where it
/// is not above the median by sigfactor standard deviations of what is left within 2 of these.
void replace_background(Exec& exec, std::vector<float>& stamp, double sigfactor, std::uint32_t seed) {
  const Array<float, 1> pixels = to_device(exec, std::vector<float>(stamp));
  Array<double, 2> clipped(exec, {1, kClippedStats});
  frame_clipped_stats(exec, Cube<const float>(pixels.data(), {1, 1, pixels.size()}),
                      {.lower_sigma = 2, .upper_sigma = 2, .rounds = std::numeric_limits<int>::max()}, clipped.view());
  const auto found = to_host(exec, clipped.view());
  const double median = found.data()[kClippedMedian], scatter = found.data()[kClippedDeviation];
  NumpyNormal normal(seed);
  for (float& v : stamp) {
    const double noise = normal() * scatter;
    if (v <= median + sigfactor * scatter) v = static_cast<float>(noise);
  }
}

/// fit_2dgaussian, fit_2dmoffat and fit_2dairydisk: the fit of a square cut about the centre.
Result run_fit(Exec& exec, const GoldenCase& golden, PsfModel model) {
  const NdArray frame = golden.array("array");
  const auto side = golden.get<index_t>("cropsize", 15);
  const auto first = static_cast<index_t>(frame_centre(frame.shape[0])) - (side - 1) / 2;
  std::vector<float> square;
  for (index_t y = 0; y < side; ++y)
    for (index_t x = 0; x < side; ++x) square.push_back(frame.frame()(first + y, first + x));
  if (golden.get("threshold", false))
    replace_background(exec, square, golden.get("sigfactor", 6.0),
                       golden.entry().at("np_random_seed").get<std::uint32_t>());
  const PsfFit fit = fit_psf({square.data(), {side, side}}, model);
  const double corner = static_cast<double>(first);
  json table{{"centroid_y", fit.shape.y + corner}, {"centroid_x", fit.shape.x + corner},
             {"amplitude", fit.shape.amplitude},   {"centroid_y_err", fit.error.y},
             {"centroid_x_err", fit.error.x},      {"amplitude_err", fit.error.amplitude}};
  if (model == PsfModel::gauss) {
    table.update({{"fwhm_y", fit.shape.fwhm_y},
                  {"fwhm_x", fit.shape.fwhm_x},
                  {"theta", fit.shape.theta},
                  {"fwhm_y_err", fit.error.fwhm_y},
                  {"fwhm_x_err", fit.error.fwhm_x},
                  {"theta_err", fit.error.theta * std::numbers::pi / 180}});
  } else {
    table.update({{"fwhm", fit.shape.fwhm()}, {"fwhm_err", fit.error.fwhm()}});
  }
  if (model == PsfModel::moff)  // the reference's error of the FWHM is twice that of gamma
    table.update({{"alpha", fit.shape.alpha},
                  {"gamma", fit.shape.gamma()},
                  {"alpha_err", fit.error.alpha},
                  {"gamma_err", fit.gamma_error},
                  {"fwhm_err", 2 * fit.gamma_error}});
  if (model == PsfModel::airy)
    table.update({{"radius", fit.shape.airy_radius()}, {"radius_err", fit.error.airy_radius()}});
  for (auto& [key, value] : table.items()) value = json::array({value});
  return scalar_result("table", table);
}

Result run_draw_psf(Exec&, const GoldenCase& golden) {
  const auto shape = golden.json("shape").get<std::array<index_t, 2>>();
  PsfShape psf{.model = model_of(golden), .y = frame_centre(shape[1]), .x = frame_centre(shape[0])};
  const json fwhm = golden.json("fwhm");
  psf.fwhm_x = fwhm.is_array() ? fwhm.at(0).get<double>() : fwhm.get<double>();
  psf.fwhm_y = fwhm.is_array() ? fwhm.at(1).get<double>() : fwhm.get<double>();
  psf.theta = golden.get("theta", 0.0);
  psf.alpha = golden.get("alpha", 1.5);
  const auto drawn = draw_psf({shape[1], shape[0]}, psf);
  return main_result(nd_array(drawn.view()));
}

const GoldenRegistration registrations[] = {
    {"vip_hci.metrics.snr_source.snr", run_snr},
    {"vip_hci.metrics.snr_source.snrmap", run_snr_map},
    {"__main__.snrs", run_snr_at_positions},
    {"__main__.sigt", run_significance},
    {"vip_hci.metrics.snr_source.frame_report", run_frame_report},
    {"vip_hci.metrics.contrcurve.noise_per_annulus", run_annulus_noise},
    {"vip_hci.metrics.contrcurve.aperture_flux", run_aperture_flux},
    {"vip_hci.fm.fakecomp.normalize_psf", run_normalize_psf},
    {"vip_hci.var.fit_2d.fit_2dgaussian",
     [](Exec& exec, const GoldenCase& c) { return run_fit(exec, c, PsfModel::gauss); }},
    {"vip_hci.var.fit_2d.fit_2dmoffat",
     [](Exec& exec, const GoldenCase& c) { return run_fit(exec, c, PsfModel::moff); }},
    {"vip_hci.var.fit_2d.fit_2dairydisk",
     [](Exec& exec, const GoldenCase& c) { return run_fit(exec, c, PsfModel::airy); }},
    {"vip_hci.var.fit_2d.create_synth_psf", run_draw_psf},
};

}  // namespace
}  // namespace hci::test
