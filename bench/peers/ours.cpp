// SPDX-License-Identifier: MIT
// The counterpart of vip.py: the same call again and again in a warm process, from arrays in host
// memory to arrays in host memory. Prints {"seconds": [...], "peak_bytes": N}.
//   cuhci_timer DEVICE REPEATS FWHM snr FRAME
//   cuhci_timer DEVICE REPEATS FWHM reduce CUBE ANGLES [name=value of the recipe ...]
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <functional>

#include "engine/settings.hpp"
#include "kernels/core/copy.hpp"
#include "models/reduction.hpp"

namespace {

using namespace hci;

void print_times(int repeats, const std::function<void()>& call) {
  std::printf("{\"seconds\": [");
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    call();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%s%.6f", i == 0 ? "" : ", ", seconds);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("], \"peak_bytes\": %ld}\n", usage.ru_maxrss * 1024);
}

Recipe recipe_of(int argc, char** argv) {
  Recipe recipe;
  Settings settings;
  for (int i = 0; i < argc; ++i) {
    const std::string text = argv[i];
    const auto equals = text.find('=');
    require(equals != std::string::npos, "'", text, "' is not name=value");
    const std::string name = text.substr(0, equals), value = text.substr(equals + 1);
    if (name == "ncomp")
      recipe.algorithm_settings.emplace_back(name, value);
    else
      settings.set(name, value, name);
  }
  settings.apply(recipe.regions);
  settings.apply(recipe.combine);
  settings.require_all_used("no setting of a recipe");
  return recipe;
}

int run(int argc, char** argv) {
  require(argc >= 6, "usage: see the head of bench/peers/ours.cpp");
  const std::string device = argv[1], what = argv[4];
  Exec exec(device == "cpu" ? Device{} : Device{Device::Kind::cuda, std::stoi(device.substr(5))});
  const int repeats = std::stoi(argv[2]);
  const double fwhm = std::stod(argv[3]);
  if (what == "snr") {
    const Array<float, 2> host = load_frame(argv[5]);
    print_times(repeats, [&] {
      const auto frame = to_device(exec, host.view());
      Array<float, 2> map(exec, frame.extents());
      snr_map(exec, frame.view(), SnrParams{.fwhm = fwhm}, map.view());
      to_host(exec, map.view());
    });
    return 0;
  }
  require(argc >= 7, "reduce: CUBE and ANGLES are missing");
  const Dataset data = load_dataset({.cube = argv[5], .angles = argv[6], .fwhm = argv[3], .checksums = false});
  const Reduction reduction(recipe_of(argc - 7, argv + 7));
  print_times(repeats, [&] { reduction.run(exec, data); });
  return 0;
}

}  // namespace

int main(int argc, char** argv) try { return run(argc, argv); } catch (const std::exception& error) {
  std::fprintf(stderr, "cuhci_timer: %s\n", error.what());
  return 2;
}
