// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <future>
#include <stop_token>
#include <string>
#include <thread>

namespace hci {

/// SHA-256 (FIPS 180-4) of what update() is given, piece by piece. Uses the CPU's SHA instructions
/// where there are any.
class Sha256 {
 public:
  /// portable: without the CPU's instructions, for tests.
  explicit Sha256(bool portable = false) : portable_(portable) {}
  void update(const void* data, std::size_t bytes);
  /// 64 hexadecimal digits. Call it once.
  std::string digest();

 private:
  void blocks(const std::uint8_t* data, std::size_t count);
  std::uint32_t state_[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                             0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::uint8_t rest_[64] = {};
  std::uint64_t length_ = 0;
  bool portable_;
};

/// SHA-256 of a file, as sha256sum prints it. Throws InvalidInput if it cannot be read. Empty if it
/// was asked to stop.
std::string sha256_of_file(const std::string& path, const std::stop_token& stop = {});

/// Hashes a file in a thread of its own, which yields to those that work: hashing takes longer than
/// reading. The destructor stops it.
class FileHash {
 public:
  explicit FileHash(const std::string& path);
  /// As sha256_of_file(); waits.
  std::string get() const { return result_.get(); }

 private:
  std::shared_future<std::string> result_;
  std::jthread thread_;
};

}  // namespace hci
