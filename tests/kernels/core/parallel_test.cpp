// SPDX-License-Identifier: MIT
#include "kernels/core/parallel.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace hci::test {
namespace {

TEST(ParallelFor, CallsEveryIndexOnceWithScratchOfItsThread) {
  for (const Schedule schedule : {kEqualShares, kWhoeverIsFree, Schedule{7}})
    for (const int threads : {1, 2, 5}) {
      std::vector<int> calls(100, 0);
      std::atomic<int> made = 0;
      parallel_for(
          threads, 100, schedule, [&] { return ++made; },
          [&](int& scratch, index_t i) {
            EXPECT_GE(scratch, 1);
            ++calls[static_cast<std::size_t>(i)];
          });
      EXPECT_EQ(calls, std::vector<int>(100, 1));
      EXPECT_LE(made, threads);
    }
}

TEST(ParallelFor, OfNothingCallsNothing) {
  parallel_for(
      2, 0, kEqualShares, [] { return 0; }, [](int, index_t) { FAIL(); });
}

TEST(ParallelFor, ThrowsWhatItsBodyThrew) {
  for (const Schedule schedule : {kEqualShares, kWhoeverIsFree})
    for (const int threads : {1, 3}) {
      std::atomic<int> after = 0;
      std::string said = "nothing";
      try {
        parallel_for(
            threads, 1000, schedule, [] { return 0; },
            [&](int, index_t i) {
              if (i == 0) throw std::runtime_error("the first");
              ++after;
            });
      } catch (const std::runtime_error& error) {
        said = error.what();
      }
      EXPECT_EQ(said, "the first");
      EXPECT_TRUE(threads > 1 || after == 0);  // the rest is left out
    }
}

TEST(ParallelFor, ThrowsWhatMakingTheScratchThrew) {
  const auto make = []() -> int { throw std::bad_alloc(); };
  EXPECT_THROW(parallel_for(3, 10, kEqualShares, make, [](int, index_t) { FAIL(); }), std::bad_alloc);
}

TEST(ParallelFor, AllThreadsMayFailAtOnce) {
  const auto fail = [](int, index_t i) { throw std::out_of_range(std::to_string(i)); };
  EXPECT_THROW(parallel_for(
                   4, 100, kWhoeverIsFree, [] { return 0; }, fail),
               std::out_of_range);
}

}  // namespace
}  // namespace hci::test
