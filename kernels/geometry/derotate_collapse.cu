// SPDX-License-Identifier: MIT
#include "kernels/geometry/derotate_collapse.hpp"

#include <algorithm>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/geometry/rotate_cpu.hpp"
#include "kernels/geometry/rotate_plan.hpp"

namespace hci {
namespace {

/// Derotated rows that are held at a time.
constexpr index_t kScratchBytes = index_t{64} << 20;

}  // namespace

void derotate_collapse(Exec& exec, Cube<const float> in, const std::vector<double>& angles,
                       const RotateOptions& rotation, const CollapseOptions& collapsing, Frame<float> out) {
  check_rotation("derotate_collapse", in.extents(), angles, rotation);
  check_collapse("derotate_collapse", in.extent(0), collapsing);
  const index_t nt = in.extent(0), ny = in.extent(1), nx = in.extent(2);
  require(out.extent(0) == ny && out.extent(1) == nx, "derotate_collapse: frames are ", ny, " x ", nx,
          ", the output is ", out.extent(0), " x ", out.extent(1));
  if (rotation.method == Rotation::fft || rotation.edge_blend != EdgeBlend::none) {
    Array<float, 3> derotated(exec, in.extents());
    derotate(exec, in, angles, rotation, derotated.view());
    collapse(exec, derotated.view(), collapsing, out);
    return;
  }
  const auto plan = prepare_interpolation(exec, in, angles, rotation);
  if (!exec.on_cuda() && exec.tuned() && plan.source.stride(2) == 1) {
    derotate_collapse_cpu(exec, plan, collapsing, out);
    return;
  }
  const index_t row_bytes = nt * nx * static_cast<index_t>(sizeof(float));
  const index_t rows = std::clamp(kScratchBytes / row_bytes, index_t{1}, ny);
  Array<float, 3> scratch(exec, {nt, rows, nx});
  for (index_t first = 0; first < ny; first += rows) {
    const index_t count = std::min(rows, ny - first);
    const Cube<float> block(scratch.data(), {nt, count, nx});
    derotate_rows(exec, plan, first, block);
    collapse(exec, block, collapsing, slice(out, first, count));
  }
}

}  // namespace hci
