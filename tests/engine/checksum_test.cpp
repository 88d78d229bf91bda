// SPDX-License-Identifier: MIT
#include "engine/checksum.hpp"

#include <chrono>

#include "tests/engine/files.hpp"

namespace hci {
namespace {

std::string hash_of(const std::string& text, bool portable, std::size_t piece) {
  Sha256 hash(portable);
  for (std::size_t i = 0; i < text.size(); i += piece) hash.update(text.data() + i, std::min(piece, text.size() - i));
  return hash.digest();
}

// The examples that NIST publishes with FIPS 180-4, and a million times "a".
TEST(Sha256, GivesThePublishedDigests) {
  for (const bool portable : {false, true}) {
    EXPECT_EQ(hash_of("", portable, 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hash_of("abc", portable, 64), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hash_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", portable, 64),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(hash_of(std::string(1000000, 'a'), portable, 4097),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

// Lengths around a block and around the padding's border, in pieces of any size.
TEST(Sha256, DependsOnTheBytesOnlyAndNotOnTheirPieces) {
  for (std::size_t length = 50; length < 140; ++length) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i) text += static_cast<char>(i * 37);
    const std::string want = hash_of(text, true, length);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}, length}) {
      EXPECT_EQ(hash_of(text, false, piece), want) << length << " " << piece;
      EXPECT_EQ(hash_of(text, true, piece), want) << length << " " << piece;
    }
  }
}

TEST(Sha256, OfAFile) {
  const test::TemporaryFolder folder;
  test::write_bytes(folder / "x", "abc");
  EXPECT_EQ(sha256_of_file(folder / "x"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  test::expect_parts(test::message_of([&] { sha256_of_file(folder / "y"); }), {"y: cannot be read"});
}

// A terabyte takes ten minutes: the destructor must not wait for it.
TEST(FileHash, IsGivenUpWhenNobodyWantsIt) {
  const test::TemporaryFolder folder;
  test::write_bytes(folder / "huge", "x");
  std::error_code error;
  std::filesystem::resize_file(folder / "huge", std::uintmax_t{1} << 40, error);
  if (error) GTEST_SKIP() << "this file system has no sparse files of 1 TB: " << error.message();
  const auto start = std::chrono::steady_clock::now();
  { const FileHash hash(folder / "huge"); }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  test::write_bytes(folder / "small", "abc");
  EXPECT_EQ(FileHash(folder / "small").get(), sha256_of_file(folder / "small"));
  EXPECT_THROW(FileHash(folder / "absent").get(), InvalidInput);
}

}  // namespace
}  // namespace hci
