// SPDX-License-Identifier: MIT
#include "kernels/linalg/eigh_dense.hpp"

#include "kernels/core/error.hpp"
#include "kernels/core/scratch.hpp"
#include "tests/kernels/linalg/eigenpairs.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class EighDense : public OnEveryDevice {
 protected:
  Pairs solved(const std::vector<Symmetric>& matrices, index_t n, index_t k) {
    return pairs_of(exec(), matrices, n, k, [&](const auto& a, const auto& values, const auto& vectors) {
      eigh_dense(exec(), a, values, vectors);
    });
  }
};

std::vector<Symmetric> all_spectra(index_t n) {
  std::vector<Symmetric> matrices;
  for (const auto& [name, spectrum] : spectra(n)) matrices.push_back(with_eigenvalues(spectrum, 5));
  return matrices;
}

/// One matrix at a time, two with a rest of one, and all: where cuSOLVER copies them it takes no more scratch than that
/// of the batch. Orders for Jacobi, for the batched solver, and for the pairs of each alone.
TEST_P(EighDense, SolvesABatchPartByPart) {
  for (const auto& [n, k] : std::vector<std::pair<index_t, index_t>>{{1, 1}, {12, 3}, {100, 5}, {257, 4}}) {
    const std::vector<Symmetric> matrices = n == 1 ? std::vector<Symmetric>(5, {2.5}) : all_spectra(n);
    for (const index_t at_once : {1, 2, 5}) {
      const ScratchLimit limit(at_once * 3 * n * n * static_cast<index_t>(sizeof(double)));
      const Pairs found = solved(matrices, n, k);
      for (index_t b = 0; b < 5; ++b)
        expect_eigenpairs(matrices[static_cast<std::size_t>(b)], n, k, &found.values.view()(b, 0),
                          &found.vectors.view()(b, 0, 0),
                          std::to_string(n) + ": matrix " + std::to_string(b) + " of " + std::to_string(at_once));
    }
  }
}

TEST_P(EighDense, TakesNoMoreScratchForMoreMatrices) {
  const index_t n = 120, k = 3;
  const Symmetric a = with_eigenvalues(std::vector<double>(static_cast<std::size_t>(n), 1.0), 5);
  const auto scratch_of = [&](std::size_t count) {
    auto options = GetParam().options;
    options.threads = 1;  // each has a problem of its own
    Exec fresh(options);
    std::vector<double> all;
    for (std::size_t b = 0; b < count; ++b) all.insert(all.end(), a.begin(), a.end());
    const auto batch = static_cast<index_t>(count);
    const auto matrices = to_device(fresh, View<const double, 3>(all.data(), {batch, n, n}));
    Array<double, 2> values(fresh, {batch, k});
    Array<double, 3> vectors(fresh, {batch, k, n});
    const std::size_t before = fresh.memory()->bytes_in_use();
    eigh_dense(fresh, matrices.view(), values.view(), vectors.view());
    fresh.wait();
    return fresh.memory()->peak_bytes() - before;
  };
  const ScratchLimit limit(3 * n * n * static_cast<index_t>(sizeof(double)));
  EXPECT_LE(scratch_of(3), scratch_of(1));  // less where lanes solve the three, and one is alone
}

TEST_P(EighDense, RefusesWhatDoesNotFit) {
  Array<double, 3> a(exec(), {2, 4, 4}), vectors(exec(), {2, 5, 4});
  Array<double, 2> values(exec(), {2, 5});
  EXPECT_THROW(eigh_dense(exec(), a.view(), values.view(), vectors.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(EighDense);

}  // namespace
}  // namespace hci::test
