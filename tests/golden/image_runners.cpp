// SPDX-License-Identifier: MIT
// Runners of the goldens of the image filters.
#include <cmath>

#include "kernels/image/filters.hpp"
#include "kernels/image/starlet.hpp"
#include "tests/golden/golden.hpp"

namespace hci::test {
namespace {

using nlohmann::json;
using Result = std::optional<GoldenResult>;

template <class E>
E named(const std::string& name) {
  for (const auto& [known, value] : enum_names(E{}))
    if (name == known) return value;
  throw InvalidInput("no such name: " + name);
}

/// An argument, also where it was passed through as one of the keywords.
template <class T>
T argument(const GoldenCase& golden, const std::string& name, T fallback) {
  const json more = golden.json("kwargs");
  return more.is_object() && more.contains(name) ? more.at(name).get<T>() : golden.get(name, fallback);
}

FilterOptions options_of(const GoldenCase& golden) {
  FilterOptions options;
  options.median_size = argument(golden, "median_size", 5.0);
  options.fwhm_y = options.fwhm_x = argument(golden, "fwhm_size", 5.0);
  options.kernel_size = argument<index_t>(golden, "kernel_size", 5);
  options.butter_cutoff = argument(golden, "btw_cutoff", 0.2);
  options.butter_order = argument(golden, "btw_order", 2);
  options.hann_cutoff = argument(golden, "hann_cutoff", 5.0);
  options.conv_mode = named<ConvMode>(argument<std::string>(golden, "conv_mode", "conv"));
  if (golden.has("kernel_sz")) options.kernel_sz = golden.get<index_t>("kernel_sz", 0);
  if (golden.has("psf")) {
    const NdArray psf = golden.array("psf");
    options.psf = {psf.shape[0], psf.shape[1], {psf.values.begin(), psf.values.end()}};
  }
  return options;
}

GoldenResult shaped_as(const NdArray& source, Exec& exec, const Array<float, 3>& frames) {
  const auto host = to_host(exec, frames.view());
  return main_result({source.shape, {host.data(), host.data() + host.size()}});
}

Result run_high_pass(Exec& exec, const GoldenCase& golden) {
  const NdArray source = golden.array("array");
  const DeviceInput<float, 3> in(exec, source.cube());
  Array<float, 3> out(exec, in.view().extents());
  high_pass(exec, in.view(), named<HighPass>(golden.get<std::string>("mode", "laplacian")), options_of(golden),
            out.view());
  return shaped_as(source, exec, out);
}

Result run_low_pass(Exec& exec, const GoldenCase& golden) {
  const NdArray source = golden.array("array");
  const DeviceInput<float, 3> in(exec, source.cube());
  Array<float, 3> out(exec, in.view().extents());
  const auto mode = named<LowPass>(golden.get<std::string>("mode", "gauss"));
  FilterOptions options = options_of(golden);
  // VIP takes a conv_mode for medians, too, and leaves it.
  if (mode == LowPass::median || mode == LowPass::cmedian) options.conv_mode = ConvMode::conv;
  low_pass(exec, in.view(), mode, options, out.view());
  return shaped_as(source, exec, out);
}

Result run_starlet_filter(Exec& exec, const GoldenCase& golden) {
  if (golden.get("full_output", false)) return {};
  const NdArray cube = golden.array("cube");
  const DeviceInput<float, 3> in(exec, cube.cube());
  Array<float, 3> out(exec, in.view().extents());
  starlet_filter(exec, in.view(), golden.get("rel_coeff", 1), out.view());
  return shaped_as(cube, exec, out);
}

const GoldenRegistration registrations[] = {
    {"vip_hci.var.filters.frame_filter_highpass", run_high_pass},
    {"vip_hci.var.filters.cube_filter_highpass", run_high_pass},
    {"vip_hci.var.filters.frame_filter_lowpass", run_low_pass},
    {"vip_hci.var.filters.cube_filter_lowpass", run_low_pass},
    {"vip_hci.var.filters.cube_filter_iuwt", run_starlet_filter},
};

}  // namespace
}  // namespace hci::test
