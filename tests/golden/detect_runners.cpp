// SPDX-License-Identifier: MIT
// Runners of the goldens of models/detect and of apertures.
#include <cmath>
#include <numbers>

#include "kernels/stats/apertures.hpp"
#include "models/detect/snr.hpp"
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

/// The generator's loop over positions; they are in the result.
Result run_snr_at_positions(Exec& exec, const GoldenCase& golden) {
  const json more = golden.json("k");
  if (more.contains("array2")) return {};
  const NdArray frame = golden.array("f");
  const DeviceInput<float, 2> input(exec, frame.frame());
  SnrAtOptions options{.fwhm = golden.get("fw", 0.0)};
  options.exclude_negative_lobes = more.value("exclude_negative_lobes", false);
  json list = json::array();
  for (const json& item : golden.entry().at("scalars").at("list")) {
    const SnrAt at = snr_at(exec, input.view(), position(item.at("xy")), options);
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

const GoldenRegistration registrations[] = {
    {"vip_hci.metrics.snr_source.snr", run_snr},
    {"vip_hci.metrics.snr_source.snrmap", run_snr_map},
    {"__main__.snrs", run_snr_at_positions},
    {"__main__.sigt", run_significance},
    {"vip_hci.metrics.contrcurve.aperture_flux", run_aperture_flux},
};

}  // namespace
}  // namespace hci::test
