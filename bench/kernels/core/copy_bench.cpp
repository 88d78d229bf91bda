// SPDX-License-Identifier: MIT
#include "kernels/core/copy.hpp"

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"

namespace hci::bench {
namespace {

/// A cube onto the device and back: what every job pays. On the CPU it is memcpy on one thread.
void round_trip(benchmark::State& state, Exec& exec) {
  const auto cube = speckle_cube(489, 210, 210);
  Array<float, 3> device(exec, cube.extents());
  auto back = host_array<float, 3>(cube.extents());
  const auto go = [&] {
    upload(exec, cube.view(), device.view());
    download(exec, View<const float, 3>(device.view()), back.view());
  };
  go();
  exec.wait();
  if (std::memcmp(cube.data(), back.data(), cube.bytes()) != 0) {
    state.SkipWithError("the cube came back changed");
    return;
  }
  report_bytes(state, exec, timed(state, exec, go), 4.0 * static_cast<double>(cube.bytes()));
}
const bool registered = on_every_device("copy/round_trip", {489, 210, 210}, round_trip);

}  // namespace
}  // namespace hci::bench
