// SPDX-License-Identifier: MIT
#include "kernels/geometry/derotate_collapse.hpp"

#include <algorithm>

#include "kernels/core/array.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/geometry/rotate_cpu.hpp"
#include "kernels/geometry/rotate_plan.hpp"
#include "kernels/stats/collapse_plan.hpp"
#if HCI_HAVE_CUDA
#include "kernels/stats/collapse_tiles.hpp"
#endif

namespace hci {
namespace {

/// Derotated rows that are held at a time.
constexpr index_t kScratchBytes = index_t{64} << 20;

#if HCI_HAVE_CUDA
/// Derotates into the tiles of collapse_tiles.hpp, 8 x 4 output pixels (8 x 2, 8 x 1 where so many frames need it).
/// Whether it could: else nothing was done.
/// Bytes for an output pixel of T frames: 4 T read, once if L2 holds what neighbouring tiles share, and 4
/// written. Flops: lanczos4 144 T single and 14 T double or integer; a rank about 20 x 3 T integer (load,
/// compare, add). (489, 210, 210) with lanczos4 and median is 86 MB, 3.1 GFLOP and 1.3 G integer operations:
/// floor 0.07 ms on an H200 (67 TFLOP/s; memory 0.02 ms at 4.3 TB/s), 0.5 ms on a GTX 1080 (8.9 TFLOP/s;
/// memory 0.27 ms at 320 GB/s; the places in double at 0.28 TFLOP/s 0.6 ms). Loads weigh more, at one of a
/// warp a clock: 43 M from L1 (taps) and 14 M from shared memory (ranks), 0.25 ms on an H200, 1.7 ms on a
/// GTX 1080. derotate() with collapse() moves three cubes, 259 MB, and writes one of them.
/// Shape: neighbours are 8 x 4 rather than 32 x 1, since a turned row of 32 touches 30 source rows, a turned 8 x 4
/// about 17, and takes half as much from L2. Registers: bench/results/ptxas-sm_90.md. Not measured on a GPU.
bool derotate_collapse_tiles(Exec& exec, const Interpolation& plan, const CollapseOptions& options, Frame<float> out) {
  bool done = false;
  with_interpolation(plan.method, [&]<Rotation method>(std::integral_constant<Rotation, method>) {
    constexpr int blocks = spline_order(method) > 3 ? 2 : 3;
    done = cuda_side::collapse_by_tiles<cuda_side::TileShape::square, blocks>(exec, plan.value<method>(),
                                                                              plan.source.extent(0), options, out);
  });
  return done;
}
#endif

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
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned() && derotate_collapse_tiles(exec, plan, collapsing, out)) return;
#endif
  const index_t row_bytes = nt * nx * static_cast<index_t>(sizeof(float));
  const index_t rows = std::clamp(scratch_bytes(kScratchBytes) / row_bytes, index_t{1}, ny);
  Array<float, 3> scratch(exec, {nt, rows, nx});
  for (index_t first = 0; first < ny; first += rows) {
    const index_t count = std::min(rows, ny - first);
    const Cube<float> block(scratch.data(), {nt, count, nx});
    derotate_rows(exec, plan, first, block);
    collapse(exec, block, collapsing, slice(out, first, count));
  }
}

}  // namespace hci
