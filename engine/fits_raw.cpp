// SPDX-License-Identifier: MIT
#include "engine/fits_raw.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/core/parallel.hpp"

namespace hci {
namespace {

template <class Word>
Word swapped(Word word) {
  if constexpr (sizeof(Word) == 1) return word;
  if constexpr (sizeof(Word) == 2) return __builtin_bswap16(word);
  if constexpr (sizeof(Word) == 4) return __builtin_bswap32(word);
  if constexpr (sizeof(Word) == 8) return __builtin_bswap64(word);
}

/// Big-endian numbers to ours, with BSCALE, BZERO and BLANK.
template <class Stored, class Word, class Out>
void convert(const unsigned char* bytes, index_t count, const RawImage& image, Out* out) {
  const auto value_at = [bytes](index_t i) {
    Word word;
    std::memcpy(&word, bytes + static_cast<std::size_t>(i) * sizeof(Word), sizeof(Word));
    return std::bit_cast<Stored>(swapped(word));
  };
  if (image.scale == 1 && image.zero == 0 && !image.has_blank) {
    for (index_t i = 0; i < count; ++i) out[i] = static_cast<Out>(value_at(i));
    return;
  }
  for (index_t i = 0; i < count; ++i) {
    const Stored value = value_at(i);
    bool blank = false;
    if constexpr (std::is_integral_v<Stored>)
      blank = image.has_blank && static_cast<std::int64_t>(value) == image.blank;
    out[i] = blank ? std::numeric_limits<Out>::quiet_NaN()
                   : static_cast<Out>(static_cast<double>(value) * image.scale + image.zero);
  }
}

template <class Out>
void convert(const unsigned char* bytes, index_t count, const RawImage& image, Out* out) {
  switch (image.bitpix) {
    case 8:
      return convert<std::uint8_t, std::uint8_t>(bytes, count, image, out);
    case 16:
      return convert<std::int16_t, std::uint16_t>(bytes, count, image, out);
    case 32:
      return convert<std::int32_t, std::uint32_t>(bytes, count, image, out);
    case 64:
      return convert<std::int64_t, std::uint64_t>(bytes, count, image, out);
    case -32:
      return convert<float, std::uint32_t>(bytes, count, image, out);
    default:
      return convert<double, std::uint64_t>(bytes, count, image, out);
  }
}

bool read_fully(int descriptor, unsigned char* to, std::size_t bytes, off_t offset) {
  while (bytes > 0) {
    const ssize_t got = pread(descriptor, to, bytes, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = EIO;  // it has become shorter
    if (got <= 0) return false;
    to += got;
    offset += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

/// CFITSIO reads and swaps with one thread; copying from the page cache is what takes the time.
/// Blocks are small enough that what is read is still in cache when it is converted.
template <class Out>
bool read_blocks(int descriptor, const RawImage& image, index_t first, index_t count, Out* out, int threads) {
  constexpr index_t block = 1 << 16;
  const index_t size = std::abs(image.bitpix) / 8, blocks = (count + block - 1) / block;
  std::atomic<int> failure = 0;  // errno is each thread's own
  using Bytes = std::vector<unsigned char>;
  const auto make = [&] { return Bytes(static_cast<std::size_t>(std::min(block, count) * size)); };
  // One block after the other, for the system's read-ahead.
  parallel_for(blocks > 1 ? threads : 1, blocks, kWhoeverIsFree, make, [&](Bytes& bytes, index_t b) {
    const index_t begin = b * block, n = std::min(block, count - begin);
    if (read_fully(descriptor, bytes.data(), static_cast<std::size_t>(n * size),
                   image.offset + static_cast<off_t>((first + begin) * size)))
      convert(bytes.data(), n, image, out + begin);
    else
      failure = errno;
  });
  errno = failure;
  return failure == 0;
}

}  // namespace

bool read_raw(int descriptor, const RawImage& image, index_t first, index_t count, float* out, int threads) {
  return read_blocks(descriptor, image, first, count, out, threads);
}
bool read_raw(int descriptor, const RawImage& image, index_t first, index_t count, double* out, int threads) {
  return read_blocks(descriptor, image, first, count, out, threads);
}

}  // namespace hci
