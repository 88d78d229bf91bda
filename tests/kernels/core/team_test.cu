// SPDX-License-Identifier: MIT
#include "kernels/core/team.hpp"

#include <cmath>
#include <vector>

#include "kernels/core/copy.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Team : public OnEveryDevice {};

constexpr index_t kSmall = 40, kLarge = 6000;  // doubles: shared memory of a block holds the first, not the second

/// The number of problem b's element i.
HCI_HD double number(index_t b, index_t i) { return static_cast<double>((b * 7 + i * 5) % 11 - 5); }

/// Each problem writes its scratch, meets, and reads what the others of the team wrote: it would see a neighbour's
/// numbers, or the last problem's, if scratch were not its own.
struct Mirror {
  index_t doubles;
  Matrix<double> out;       // (problem, i): number(b, doubles - 1 - i)
  Matrix<index_t> visited;  // (problem, rank): one more
  template <class T>
  HCI_HD void operator()(T team, index_t b, double* scratch) const {
    visited(b, team.rank()) += 1;
    for (index_t i = team.rank(); i < doubles; i += team.size()) scratch[i] = number(b, i);
    team.sync();
    for (index_t i = team.rank(); i < doubles; i += team.size()) out(b, i) = scratch[doubles - 1 - i];
  }
};

TEST_P(Team, GivesEachProblemScratchOfItsOwn) {
  constexpr index_t kMostMembers = 1024;
  for (const index_t doubles : {kSmall, kLarge})
    for (const index_t problems : {1, 2, 5})
      for (const index_t limit : {index_t{1}, 2 * 8 * doubles, index_t{1} << 30}) {  // teams at a time: 1, 2, all
        const ScratchLimit scratch(limit);
        Array<double, 2> out(exec(), {problems, doubles});
        Array<index_t, 2> visited(exec(), {problems, kMostMembers});
        fill_zero(exec(), visited.view());
        for_each_team(exec(), problems, doubles, Mirror{doubles, out.view(), visited.view()});
        const auto host = to_host(exec(), out.view());
        const auto visits = to_host(exec(), visited.view());
        for (index_t b = 0; b < problems; ++b) {
          for (index_t i = 0; i < doubles; ++i)
            ASSERT_EQ(host.view()(b, i), number(b, doubles - 1 - i)) << doubles << " doubles, problem " << b;
          index_t members = 0;
          for (; members < kMostMembers && visits.view()(b, members) != 0; ++members)
            ASSERT_EQ(visits.view()(b, members), 1) << "member " << members << " of problem " << b;
          EXPECT_GT(members, 0);
          for (index_t m = members; m < kMostMembers; ++m) ASSERT_EQ(visits.view()(b, m), 0);
        }
      }
}

TEST_P(Team, OfNoProblemsDoesNothing) {
  Array<double, 2> out(exec(), {0, kSmall});
  Array<index_t, 2> visited(exec(), {0, 1});
  for_each_team(exec(), 0, kSmall, Mirror{kSmall, out.view(), visited.view()});
  exec().wait();
}

/// The largest of `count` numbers, the first of equal ones, and the sum: every member gets the same. Twice in a row, as
/// solvers call them.
struct Reduce {
  index_t count;
  Matrix<index_t> best;  // (problem, member): the index; of the negative numbers; -1 beyond the team
  Matrix<double> sum;
  template <class T>
  HCI_HD void operator()(T team, index_t b, double*) const {
    index_t found[2];
    double total = 0;
    for (int turn = 0; turn < 2; ++turn) {
      double most = -1e300, mine = 0;
      index_t index = -1;
      for (index_t i = team.rank(); i < count; i += team.size()) {
        const double value = turn == 0 ? number(b, i) : -number(b, i);
        mine += value;
        if (value > most) {
          most = value;
          index = i;
        }
      }
      found[turn] = team.best(most, index);
      total += (turn + 1) * team.sum(mine);
    }
    best(b, 2 * team.rank()) = found[0];
    best(b, 2 * team.rank() + 1) = found[1];
    sum(b, team.rank()) = total;
  }
};

TEST_P(Team, AgreesOnTheBestAndOnTheSum) {
  constexpr index_t kMostMembers = 1024;
  for (const index_t count : {1, 5, 127, 128, 129, 1000}) {
    const index_t problems = 3;
    Array<index_t, 2> best(exec(), {problems, 2 * kMostMembers});
    Array<double, 2> sum(exec(), {problems, kMostMembers});
    fill_bytes(exec(), best.data(), 0xFF, best.bytes());  // -1
    fill_bytes(exec(), sum.data(), 0xFF, sum.bytes());    // NaN
    for_each_team(exec(), problems, 1, Reduce{count, best.view(), sum.view()});
    const auto found = to_host(exec(), best.view());
    const auto sums = to_host(exec(), sum.view());
    for (index_t b = 0; b < problems; ++b) {
      index_t largest = 0, smallest = 0;
      double total = 0;
      for (index_t i = 0; i < count; ++i) {
        if (number(b, i) > number(b, largest)) largest = i;
        if (number(b, i) < number(b, smallest)) smallest = i;
        total += number(b, i);
      }
      for (index_t m = 0; m == 0 || (m < kMostMembers && !std::isnan(sums.view()(b, m))); ++m) {
        ASSERT_EQ(found.view()(b, 2 * m), largest) << count << " numbers, member " << m;
        ASSERT_EQ(found.view()(b, 2 * m + 1), smallest) << count << " numbers, member " << m;
        ASSERT_EQ(sums.view()(b, m), -total);  // total - 2 total; small whole numbers: exact
      }
    }
  }
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Team);

}  // namespace
}  // namespace hci::test
