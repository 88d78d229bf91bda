// SPDX-License-Identifier: MIT
#pragma once
// Private to engine/: uncompressed images, read past CFITSIO.
#include <sys/types.h>

#include <cstdint>

#include "kernels/core/view.hpp"

namespace hci {

/// Where and how the values of an uncompressed image lie in a plain file.
struct RawImage {
  off_t offset = 0;
  int bitpix = 0;
  double scale = 1, zero = 0;
  bool has_blank = false;
  std::int64_t blank = 0;
};

/// Values first .. first + count of the image in an open file, by so many threads.
/// False, with errno, if the file cannot be read.
bool read_raw(int descriptor, const RawImage& image, index_t first, index_t count, float* out, int threads);
bool read_raw(int descriptor, const RawImage& image, index_t first, index_t count, double* out, int threads);

}  // namespace hci
