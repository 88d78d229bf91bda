// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <vector>

#include "kernels/core/view.hpp"

namespace hci::test {

/// An image of a FITS file as NumPy shows it: read by CFITSIO alone, so that tests do not lean on
/// the reader that they test.
struct FitsArray {
  std::vector<index_t> shape;  ///< slowest axis first
  std::vector<float> values;
};

/// The first HDU with data. Throws std::runtime_error with the path where that fails.
FitsArray read_fits_array(const std::filesystem::path& path);

}  // namespace hci::test
