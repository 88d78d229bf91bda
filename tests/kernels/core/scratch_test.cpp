// SPDX-License-Identifier: MIT
#include "kernels/core/scratch.hpp"

#include "kernels/linalg/eigh_top.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Scratch : public OnEveryDevice {};

TEST_P(Scratch, IsAQuarterOfWhatIsThere) {
  EXPECT_EQ(scratch_budget(exec()), 0u);
  const Array<float, 1> x(exec(), Extents<1>{1000});
  EXPECT_EQ(scratch_budget(exec()), 1000u);
}

/// The promise for a whole reduction, here for its hungriest part: the cube, its residual, and a
/// library for each of the frames.
TEST_P(Scratch, OfManyEigenproblemsStaysBelowTheCube) {
  const index_t frames = 40, pixels = 60 * 60, k = 5;
  const auto cube = device_matrix(exec(), speckle_rows(frames, pixels), frames, pixels);
  const Array<float, 2> residual(exec(), cube.extents());
  Array<double, 2> g(exec(), {frames, frames}), values(exec(), {frames, k});
  Array<double, 3> vectors(exec(), {frames, k, frames});
  std::vector<IndexSet> sets(static_cast<std::size_t>(frames));
  for (index_t t = 0; t < frames; ++t)
    for (index_t s = 0; s < frames; ++s)
      if (s != t) sets[static_cast<std::size_t>(t)].push_back(s);
  std::vector<double> diagonal(static_cast<std::size_t>(frames * frames), 0.0);
  for (index_t t = 0; t < frames; ++t) diagonal[static_cast<std::size_t>(t * (frames + 1))] = double(t + 1);
  upload_bytes(exec(), diagonal.data(), g.data(), g.bytes());
  const std::size_t before = exec().memory()->bytes_in_use();
  eigh_top_subsets(exec(), g.view(), sets, k, values.view(), vectors.view());
  exec().wait();
  EXPECT_NEAR(to_host(exec(), values.view()).data()[0], double(frames), 1e-12);
  EXPECT_LT(exec().memory()->peak_bytes(), before + cube.bytes() / 2);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Scratch);

}  // namespace
}  // namespace hci::test
