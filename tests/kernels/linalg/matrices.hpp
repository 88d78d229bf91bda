// SPDX-License-Identifier: MIT
#pragma once
#include <random>
#include <vector>

#include "kernels/core/copy.hpp"

namespace hci::test {

/// Rows that share a strong pattern, as speckles do, and noise of unit size: (rows, columns) row-major.
inline std::vector<float> speckle_rows(index_t rows, index_t columns, unsigned seed = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> pattern(static_cast<std::size_t>(columns)), x(static_cast<std::size_t>(rows * columns));
  for (float& p : pattern) p = 100 * normal(generator);
  for (index_t t = 0; t < rows; ++t) {
    const float strength = 1 + 0.1F * normal(generator);
    for (index_t p = 0; p < columns; ++p)
      x[static_cast<std::size_t>(t * columns + p)] =
          strength * pattern[static_cast<std::size_t>(p)] + normal(generator);
  }
  return x;
}

/// A host vector as a matrix on the Exec's device.
template <class T>
Array<T, 2> device_matrix(Exec& exec, const std::vector<T>& values, index_t rows, index_t columns) {
  Array<T, 2> matrix(exec, {rows, columns});
  upload(exec, View<const T, 2>(values.data(), {rows, columns}), matrix.view());
  exec.wait();
  return matrix;
}

}  // namespace hci::test
