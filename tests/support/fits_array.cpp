// SPDX-License-Identifier: MIT
#include "tests/support/fits_array.hpp"

#include <fitsio.h>

#include <limits>
#include <stdexcept>

namespace hci::test {

FitsArray read_fits_array(const std::filesystem::path& path) {
  fitsfile* file = nullptr;
  int status = 0, axes = 0, type = 0, any_nan = 0;
  fits_open_data(&file, path.c_str(), READONLY, &status);
  fits_get_img_dim(file, &axes, &status);
  std::vector<long> sizes(static_cast<std::size_t>(axes));
  fits_get_img_param(file, axes, &type, &axes, sizes.data(), &status);
  FitsArray array;
  array.shape.assign(sizes.rbegin(), sizes.rend());
  long count = 1;
  for (const long n : sizes) count *= n;
  array.values.resize(static_cast<std::size_t>(count));
  float nan = std::numeric_limits<float>::quiet_NaN();
  fits_read_img(file, TFLOAT, 1, count, &nan, array.values.data(), &any_nan, &status);
  int closing = 0;
  if (file != nullptr) fits_close_file(file, &closing);
  if (status != 0)
    throw std::runtime_error("cannot read " + path.string() + ": CFITSIO status " + std::to_string(status));
  return array;
}

}  // namespace hci::test
