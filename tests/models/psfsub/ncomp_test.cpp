// SPDX-License-Identifier: MIT
#include "models/psfsub/ncomp.hpp"

#include <gtest/gtest.h>

#include "kernels/core/error.hpp"

namespace hci::test {
namespace {

Ncomp parsed(const char* text) {
  Ncomp ncomp;
  from_text(text, ncomp);
  return ncomp;
}

TEST(Ncomp, ReadsNumbersListsRangesSharesAndAuto) {
  EXPECT_EQ(parsed("20"), Ncomp(20));
  EXPECT_EQ(parsed("1,5,10"), Ncomp(std::vector<int>{1, 5, 10}));
  EXPECT_EQ(parsed("1:7:2"), Ncomp(std::vector<int>{1, 3, 5, 7}));
  EXPECT_EQ(parsed("2:4"), Ncomp(std::vector<int>{2, 3, 4}));
  EXPECT_EQ(parsed("1:6:4"), Ncomp(std::vector<int>{1, 5}));
  EXPECT_EQ(parsed("0.95"), Ncomp(Ncomp::Share{0.95}));
  EXPECT_EQ(parsed("1.0"), Ncomp(Ncomp::Share{1}));
  EXPECT_EQ(parsed(to_text(parsed("1.0")).c_str()), Ncomp(Ncomp::Share{1}));
  EXPECT_EQ(parsed("auto"), Ncomp(Ncomp::Automatic{}));
}

TEST(Ncomp, WritesWhatItReads) {
  for (const char* text : {"20", "1,5,10", "0.95", "auto"}) EXPECT_EQ(to_text(parsed(text)), text);
  EXPECT_EQ(parsed(to_text(parsed("1:7:2")).c_str()), parsed("1:7:2"));
}

TEST(Ncomp, RefusesNonsense) {
  for (const char* text :
       {"", "0", "-3", "1.5", "0.0", "1.01", "five", "1,,2", "1,", "5:2", "1:5:0", "1:5:2:3", "nan."})
    EXPECT_THROW(parsed(text), InvalidInput) << text;
}

}  // namespace
}  // namespace hci::test
