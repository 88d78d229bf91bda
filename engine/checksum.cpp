// SPDX-License-Identifier: MIT
#include "engine/checksum.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>
#include <vector>

#include "kernels/core/error.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace hci {
namespace {

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
alignas(16) constexpr std::uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t big_endian(const std::uint8_t* p) {
  std::uint32_t word = 0;
  std::memcpy(&word, p, 4);
  return __builtin_bswap32(word);
}

void blocks_portable(std::uint32_t* state, const std::uint8_t* data, std::size_t count) {
  for (; count > 0; --count, data += 64) {
    std::uint32_t w[64];
    for (int i = 0; i < 16; ++i) w[i] = big_endian(data + 4 * i);
    for (int i = 16; i < 64; ++i) {
      const std::uint32_t a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3)) + w[i - 7] +
             (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10));
    }
    std::uint32_t s[8];
    std::copy(state, state + 8, s);
    // The standard moves eight variables on by one each round; here their names move instead.
    for (int i = 0; i < 64; i += 8)
#pragma GCC unroll 8
      for (int j = 0; j < 8; ++j) {
        const auto at = [&](int k) -> std::uint32_t& { return s[(k - j + 8) & 7]; };
        const std::uint32_t a = at(0), e = at(4);
        const std::uint32_t t = at(7) + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                                ((e & at(5)) ^ (~e & at(6))) + kRound[i + j] + w[i + j];
        at(3) += t;
        at(7) =
            t + (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & at(1)) ^ (a & at(2)) ^ (at(1) & at(2)));
      }
    for (int i = 0; i < 8; ++i) state[i] += s[i];
  }
}

#if defined(__x86_64__)
bool cpu_has_sha() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & (1U << 29)) != 0 && __builtin_cpu_supports("sse4.1") != 0;
}

/// The same with SHA-NI: 4 rounds for each message word of 4; the state lies as (ABEF, CDGH).
__attribute__((target("sha,sse4.1,ssse3"))) void blocks_sha_ni(std::uint32_t* state, const std::uint8_t* data,
                                                               std::size_t count) {
  const __m128i big = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const auto load = [](const void* p) __attribute__((target("sha,sse4.1,ssse3"))) {
    return _mm_loadu_si128(static_cast<const __m128i*>(p));
  };
  const __m128i dcba = _mm_shuffle_epi32(load(state), 0xb1), hgfe = _mm_shuffle_epi32(load(state + 4), 0x1b);
  __m128i abef = _mm_alignr_epi8(dcba, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, dcba, 0xf0);
  for (; count > 0; --count, data += 64) {
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4];
    for (int i = 0; i < 4; ++i) w[i] = _mm_shuffle_epi8(load(data + 16 * i), big);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      if (i >= 4) {  // w[i] from w[i-4], w[i-3], w[i-2], w[i-1], held cyclically
        __m128i& now = w[i & 3];
        const __m128i one = w[(i - 1) & 3];
        now = _mm_sha256msg1_epu32(now, w[(i - 3) & 3]);
        now = _mm_add_epi32(now, _mm_alignr_epi8(one, w[(i - 2) & 3], 4));
        now = _mm_sha256msg2_epu32(now, one);
      }
      const __m128i sum = _mm_add_epi32(w[i & 3], load(kRound + 4 * i));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}
#endif

}  // namespace

void Sha256::blocks(const std::uint8_t* data, std::size_t count) {
#if defined(__x86_64__)
  static const bool fast = cpu_has_sha();
  if (fast && !portable_) return blocks_sha_ni(state_, data, count);
#endif
  blocks_portable(state_, data, count);
}

void Sha256::update(const void* data, std::size_t bytes) {
  const auto* p = static_cast<const std::uint8_t*>(data);
  const std::size_t held = length_ % 64;
  length_ += bytes;
  if (held > 0) {
    const std::size_t taken = std::min(bytes, 64 - held);
    std::memcpy(rest_ + held, p, taken);
    p += taken;
    bytes -= taken;
    if (held + taken < 64) return;
    blocks(rest_, 1);
  }
  blocks(p, bytes / 64);
  if (bytes % 64 > 0) std::memcpy(rest_, p + bytes / 64 * 64, bytes % 64);
}

std::string Sha256::digest() {
  const std::uint64_t bits = length_ * 8;
  const std::size_t padding = 1 + (119 - length_ % 64) % 64;
  std::uint8_t tail[72] = {0x80};
  for (std::size_t i = 0; i < 8; ++i) tail[padding + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  update(tail, padding + 8);
  char text[65];
  for (int i = 0; i < 8; ++i) std::snprintf(text + 8 * i, 9, "%08x", state_[i]);
  return text;
}

std::string sha256_of_file(const std::string& path, const std::stop_token& stop) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  require(file != nullptr, path, ": cannot be read: ", std::generic_category().message(errno));
  std::setvbuf(file.get(), nullptr, _IONBF, 0);
  std::vector<std::uint8_t> buffer(std::size_t{1} << 18);
  Sha256 hash;
  for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), file.get())) > 0;) {
    if (stop.stop_requested()) return "";
    hash.update(buffer.data(), got);
  }
  require(std::ferror(file.get()) == 0, path, ": cannot be read: ", std::generic_category().message(errno));
  return hash.digest();
}

FileHash::FileHash(const std::string& path) {
  std::packaged_task<std::string(const std::stop_token&)> task([path](const std::stop_token& stop) {
    setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 19);
    return sha256_of_file(path, stop);
  });
  result_ = task.get_future().share();
  thread_ = std::jthread([work = std::move(task)](const std::stop_token& stop) mutable { work(stop); });
}

}  // namespace hci
