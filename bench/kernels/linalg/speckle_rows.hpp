// SPDX-License-Identifier: MIT
#pragma once
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {

/// Frames of speckles as the rows of a matrix on the Exec's device. Waits.
inline Array<float, 2> speckle_rows(Exec& exec, index_t frames, index_t height, index_t width) {
  const auto cube = speckle_cube(frames, height, width);
  Array<float, 2> rows(exec, {frames, height * width});
  upload(exec, as_matrix(cube.view()), rows.view());
  exec.wait();
  return rows;
}

}  // namespace hci::bench
