// SPDX-License-Identifier: MIT
#include "kernels/core/packed_sets.hpp"

#include "kernels/core/error.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Packed : public OnEveryDevice {};

using Indices = std::vector<index_t>;

Indices indices(Exec& exec, Vector<const index_t> view) {
  const auto host = to_host(exec, view);
  return {host.data(), host.data() + host.size()};
}

TEST_P(Packed, SetsLieOneBehindTheOther) {
  const std::vector<Indices> sets{{1, 4}, {}, {6}};
  const PackedSets same = pack_sets(exec(), sets);
  EXPECT_EQ(same.count, 3);
  EXPECT_EQ(same.most, 2);
  EXPECT_EQ(indices(exec(), same.offsets.view()), (Indices{0, 2, 2, 3}));
  EXPECT_EQ(indices(exec(), same.items.view()), (Indices{1, 4, 6}));
  const PackedSets tens = pack_sets(exec(), sets, [](index_t i) { return 10 * i; });
  EXPECT_EQ(indices(exec(), tens.offsets.view()), (Indices{0, 2, 2, 3}));
  EXPECT_EQ(indices(exec(), tens.items.view()), (Indices{10, 40, 60}));
}

TEST_P(Packed, NoSetsAndEmptySetsHoldNothing) {
  const PackedSets none = pack_sets(exec(), {});
  EXPECT_EQ(none.count, 0);
  EXPECT_EQ(none.most, 0);
  EXPECT_EQ(indices(exec(), none.offsets.view()), Indices{0});
  const PackedSets empty = pack_sets(exec(), {{}, {}});
  EXPECT_EQ(empty.count, 2);
  EXPECT_EQ(empty.most, 0);
  EXPECT_EQ(indices(exec(), empty.offsets.view()), (Indices{0, 0, 0}));
  EXPECT_EQ(empty.items.size(), 0);
}

TEST_P(Packed, AnItemMayRefuse) {
  const auto refuse = [](index_t i) {
    require(i < 5, "a test: ", i);
    return i;
  };
  EXPECT_THROW(pack_sets(exec(), {{1, 4}, {6}}, refuse), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Packed);

}  // namespace
}  // namespace hci::test
