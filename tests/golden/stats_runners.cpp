// SPDX-License-Identifier: MIT
// Runners of the goldens of statistics: regions, radial profile, sigma clipping, NaN.
#include <cmath>

#include "kernels/geometry/annulus.hpp"
#include "kernels/stats/region_stats.hpp"
#include "kernels/stats/sigma_clip.hpp"
#include "tests/golden/golden.hpp"

namespace hci::test {
namespace {

using Result = std::optional<GoldenResult>;
using Json = nlohmann::json;

Result run_frame_basic_stats(Exec& exec, const GoldenCase& golden) {
  if (golden.get<std::string>("region", "circle") != "annulus") return {};
  const NdArray frame = golden.array("arr");
  const Frame<const float> host = frame.frame();
  const DeviceInput<float, 3> in(exec, frame.cube());
  const auto sets =
      annulus_segments(host.extent(0), host.extent(1), golden.get("inner_radius", 0.0), golden.get("size", 5.0));
  Array<double, 3> out(exec, {1, 1, kRegionStats});
  region_stats(exec, in.view(), sets, out.view());
  const auto found = to_host(exec, out.view());
  GoldenResult result;
  for (const int stat : {kStatMean, kStatDeviation, kStatMedian, kStatMax})
    result.scalars["r"].push_back(found.view()(0, 0, stat));
  return result;
}

Result run_radial_profile(Exec& exec, const GoldenCase& golden) {
  const NdArray frame = golden.array("frame");
  const DeviceInput<float, 3> in(exec, frame.cube());
  const index_t ny = frame.frame().extent(0);
  const auto bins = radial_bins(ny, frame.frame().extent(1));
  Array<double, 2> out(exec, {1, static_cast<index_t>(bins.size())});
  radial_profile(exec, in.view(), out.view());
  const auto means = to_host(exec, out.view());
  GoldenResult result;
  Json& table = result.scalars["table"];
  // VIP lists the radii init_rad .. cy - 2.
  for (index_t r = golden.get("init_rad", index_t{1}); r < ny / 2 - 1; r += golden.get("sep", index_t{1})) {
    table["rad"].push_back(r);
    table["radprof"].push_back(means.view()(0, r));
    table["npx"].push_back(bins[static_cast<std::size_t>(r)].size());
  }
  return result;
}

Result run_clip_array(Exec& exec, const GoldenCase& golden) {
  if (!golden.get("neighbor", false) || golden.get("out_good", false) || golden.has("bpm_mask_ori")) return {};
  const NdArray frame = golden.array("array");
  const DeviceInput<float, 3> in(exec, frame.cube());
  Array<std::uint8_t, 3> bad(exec, frame.cube().extents());
  sigma_clip(exec, in.view(), {},
             {.lower_sigma = golden.get("lower_sigma", 0.0),
              .upper_sigma = golden.get("upper_sigma", 0.0),
              .neighbor = {golden.get("num_neighbor", index_t{3}), golden.get("half_res_y", false)},
              .mad = golden.get("mad", false)},
             bad.view());
  const auto flags = to_host(exec, bad.view());
  GoldenResult result;
  Json rows = Json::array(), columns = Json::array();
  for (index_t y = 0; y < flags.extent(1); ++y)
    for (index_t x = 0; x < flags.extent(2); ++x)
      if (flags.view()(0, y, x) != 0) {
        rows.push_back(y);
        columns.push_back(x);
      }
  result.scalars["value"] = {rows, columns};
  return result;
}

/// VIP 2.1.1's sigma_filter passes 3 and 3 on to its loop, whatever neighbor_box and min_neighbors are; so
/// the comparison asks for what it did.
Result run_correct_nan(Exec& exec, const GoldenCase& golden) {
  const NdArray cube = golden.array("cube");
  auto frames = to_device(exec, cube.cube());
  correct_nan(exec, frames.view(), {.side = 3}, 3);
  const auto host = to_host(exec, frames.view());
  return main_result(nd_array(View<const float, 3>(host.view())));
}

const GoldenRegistration registrations[] = {{"vip_hci.stats.utils_stats.frame_basic_stats", run_frame_basic_stats},
                                            {"vip_hci.stats.im_stats.frame_average_radprofile", run_radial_profile},
                                            {"vip_hci.stats.clip_sigma.clip_array", run_clip_array},
                                            {"vip_hci.preproc.cosmetics.cube_correct_nan", run_correct_nan}};

}  // namespace
}  // namespace hci::test
