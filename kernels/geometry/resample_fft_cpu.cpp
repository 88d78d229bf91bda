// SPDX-License-Identifier: MIT
#include <algorithm>

#include "kernels/core/parallel.hpp"
#include "kernels/geometry/resample_fft.hpp"
#include "kernels/linalg/blas_threads.hpp"
#include "kernels/linalg/gemm_cpu.hpp"

namespace hci {

// All frames side by side, those of one scale one after the other: the channels of an IFS have a scale each, so that
// there is nothing to share among the frames of one. A thread makes the matrices of a scale when it comes to it.
void resample_by_fft_cpu(Exec& exec, Cube<const float> in, const std::vector<index_t>& frames,
                         const std::vector<double>& scales, const MakeFftAxes& axes, Cube<float> out) {
  const index_t ny = in.extent(1), nx = in.extent(2), my = out.extent(1), mx = out.extent(2);
  const auto count = static_cast<index_t>(frames.size());
  const auto size = [](index_t n) { return static_cast<std::size_t>(n); };
  struct Workspace {
    std::vector<double> frame, half, made;
    double scale;
    FftAxes axes;
  };
  const auto make = [&] {
    return Workspace{std::vector<double>(size(ny * nx)),
                     std::vector<double>(size(ny * (mx + 1))),
                     std::vector<double>(size((my + 1) * (mx + 1))),
                     0,
                     {}};
  };
  const cpu::OneBlasThread one;
  parallel_for(exec.threads(), count, kEqualShares, make, [&](Workspace& work, index_t i) {
    const index_t t = frames[size(i)];
    if (scales[size(t)] != work.scale) {
      work.scale = scales[size(t)];
      work.axes = axes(work.scale);
    }
    const auto& [y, x] = work.axes;
    for (index_t row = 0; row < ny; ++row) std::copy_n(&in(t, row, 0), nx, work.frame.data() + row * nx);
    const Matrix<double> half(work.half.data(), {ny, mx + 1});
    cpu::multiply({work.frame.data(), {ny, nx}}, {x.matrix.data(), {mx + 1, nx}}, true, half);
    cpu::multiply({y.matrix.data(), {my + 1, ny}}, half, false, {work.made.data(), {my + 1, mx + 1}});
    const double corner = work.made.back();
    for (index_t row = 0; row < my; ++row)
      for (index_t column = 0; column < mx; ++column)
        out(t, row, column) =
            static_cast<float>(work.made[size(row * (mx + 1) + column)] - y.u[size(row)] * x.u[size(column)] * corner);
  });
}

}  // namespace hci
