// SPDX-License-Identifier: MIT
#include "kernels/linalg/gram.hpp"

#include <cmath>
#include <limits>

#include "kernels/core/error.hpp"
#include "kernels/core/scratch.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Gram : public OnEveryDevice {};

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// The scalar product of two rows in long double, and the bound of its error in double: each of
/// `count` products and sums rounds once, so count eps sum |a b|, whatever the order.
struct Product {
  double value, bound;
};
Product product(const float* a, const float* b, index_t count, const std::vector<std::uint8_t>& used) {
  long double sum = 0, size = 0;
  for (index_t p = 0; p < count; ++p) {
    if (!used.empty() && used[static_cast<std::size_t>(p)] == 0) continue;
    const long double term = static_cast<long double>(a[p]) * b[p];
    sum += term;
    size += std::fabs(term);
  }
  return {static_cast<double>(sum),
          static_cast<double>(size) * static_cast<double>(count) * std::numeric_limits<double>::epsilon()};
}

TEST_P(Gram, IsTheProductOfAllPairsInDouble) {
  for (const auto& [rows, columns] : std::vector<std::pair<index_t, index_t>>{
           {1, 1}, {1, 400}, {5, 1}, {3, 385}, {61, 1031}, {130, 50}, {520, 6}, {2, 8195}}) {
    const auto x = speckle_rows(rows, columns);
    const auto device = device_matrix(exec(), x, rows, columns);
    Array<double, 2> g(exec(), {rows, rows});
    gram(exec(), device.view(), {}, g.view());
    const auto host = to_host(exec(), g.view());
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < rows; ++j) {
        const Product want =
            product(&x[static_cast<std::size_t>(i * columns)], &x[static_cast<std::size_t>(j * columns)], columns, {});
        ASSERT_NEAR(host.view()(i, j), want.value, want.bound) << rows << " x " << columns << " at " << i << ", " << j;
      }
  }
}

TEST_P(Gram, OfTwoMatricesIntoAPartOfALargerOneLeavesTheRestAlone) {
  const index_t rows = 21, cols = 34, columns = 500, stride = 40;
  const auto a = speckle_rows(rows, columns, 1), b = speckle_rows(cols, columns, 2);
  const auto da = device_matrix(exec(), a, rows, columns), db = device_matrix(exec(), b, cols, columns);
  auto g = device_matrix(exec(), std::vector<double>(static_cast<std::size_t>(rows * stride), -7.0), rows, stride);
  cross_gram(exec(), da.view(), db.view(), {}, {g.data(), {rows, cols}, {stride, 1}});
  const auto host = to_host(exec(), g.view());
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < stride; ++j) {
      if (j >= cols) {
        ASSERT_EQ(host.view()(i, j), -7.0);
        continue;
      }
      const Product want =
          product(&a[static_cast<std::size_t>(i * columns)], &b[static_cast<std::size_t>(j * columns)], columns, {});
      ASSERT_NEAR(host.view()(i, j), want.value, want.bound);
    }
}

TEST_P(Gram, OfTwoMatricesOfManyRows) {
  const index_t rows = 507, cols = 1021, columns = 7;
  const auto a = speckle_rows(rows, columns, 1), b = speckle_rows(cols, columns, 2);
  const auto da = device_matrix(exec(), a, rows, columns), db = device_matrix(exec(), b, cols, columns);
  Array<double, 2> g(exec(), {rows, cols});
  cross_gram(exec(), da.view(), db.view(), {}, g.view());
  const auto host = to_host(exec(), g.view());
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < cols; ++j) {
      const Product want =
          product(&a[static_cast<std::size_t>(i * columns)], &b[static_cast<std::size_t>(j * columns)], columns, {});
      ASSERT_NEAR(host.view()(i, j), want.value, want.bound);
    }
}

/// Beyond the 8192 columns that CUDA takes at once; flags fall on both sides of the border.
TEST_P(Gram, OfTwoMatricesOfManyColumns) {
  const index_t rows = 2, cols = 3, columns = 8195;
  auto a = speckle_rows(rows, columns, 1);
  const auto b = speckle_rows(cols, columns, 2);
  std::vector<std::uint8_t> used(static_cast<std::size_t>(columns), 1);
  for (const index_t p : {7, 8191, 8193}) {
    used[static_cast<std::size_t>(p)] = 0;
    a[static_cast<std::size_t>(p)] = kNaN;
  }
  const auto da = device_matrix(exec(), a, rows, columns), db = device_matrix(exec(), b, cols, columns);
  const auto flags = to_device(exec(), std::vector<std::uint8_t>(used));
  Array<double, 2> g(exec(), {rows, cols});
  cross_gram(exec(), da.view(), db.view(), flags.view(), g.view());
  const auto host = to_host(exec(), g.view());
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < cols; ++j) {
      const Product want =
          product(&a[static_cast<std::size_t>(i * columns)], &b[static_cast<std::size_t>(j * columns)], columns, used);
      ASSERT_NEAR(host.view()(i, j), want.value, want.bound) << i << ", " << j;
    }
}

/// So many rows that CUDA takes fewer columns at once: doubles of 128 MiB for either matrix at most.
TEST_P(Gram, OfVeryManyRowsTakesLittleScratch) {
  const index_t rows = (index_t{1} << 16) + 1, cols = 2, columns = 300;
  const auto a = speckle_rows(rows, columns, 1), b = speckle_rows(cols, columns, 2);
  const auto da = device_matrix(exec(), a, rows, columns), db = device_matrix(exec(), b, cols, columns);
  Array<double, 2> g(exec(), {rows, cols});
  const std::size_t before = exec().memory()->bytes_in_use();
  cross_gram(exec(), da.view(), db.view(), {}, g.view());
  EXPECT_LE(exec().memory()->peak_bytes() - before, std::size_t{2 * 128} << 20);
  const auto host = to_host(exec(), g.view());
  for (index_t i = 0; i < rows; i += 97)
    for (index_t j = 0; j < cols; ++j) {
      const Product want =
          product(&a[static_cast<std::size_t>(i * columns)], &b[static_cast<std::size_t>(j * columns)], columns, {});
      ASSERT_NEAR(host.view()(i, j), want.value, want.bound) << i << ", " << j;
    }
}

TEST_P(Gram, LeavesOutUnusedColumnsEvenWhereTheyAreNaN) {
  const index_t rows = 19, columns = 777;
  auto x = speckle_rows(rows, columns);
  std::vector<std::uint8_t> used(static_cast<std::size_t>(columns), 1);
  for (index_t p : {0, 5, 384, 776}) {
    used[static_cast<std::size_t>(p)] = 0;
    x[static_cast<std::size_t>(3 * columns + p)] = kNaN;
  }
  const auto device = device_matrix(exec(), x, rows, columns);
  const auto flags = to_device(exec(), std::vector<std::uint8_t>(used));
  Array<double, 2> g(exec(), {rows, rows});
  Array<double, 1> sums(exec(), {rows});
  gram(exec(), device.view(), flags.view(), g.view());
  row_sums(exec(), device.view(), flags.view(), sums.view());
  const auto host = to_host(exec(), g.view());
  const auto host_sums = to_host(exec(), sums.view());
  const std::vector<float> ones(static_cast<std::size_t>(columns), 1.0F);
  for (index_t i = 0; i < rows; ++i) {
    const float* row = &x[static_cast<std::size_t>(i * columns)];
    for (index_t j = 0; j < rows; ++j) {
      const Product want = product(row, &x[static_cast<std::size_t>(j * columns)], columns, used);
      ASSERT_NEAR(host.view()(i, j), want.value, want.bound);
    }
    const Product sum = product(row, ones.data(), columns, used);
    ASSERT_NEAR(host_sums.view()(i), sum.value, sum.bound);
  }
}

/// Sums of one, two and three chunks of 1024 columns; flags on both sides of their borders, and a NaN in the very last
/// column, which only its row sees.
TEST_P(Gram, SumsRowsOfAnyLength) {
  for (const index_t columns : {1, 1024, 1025, 2100}) {
    const index_t rows = 3;
    auto x = speckle_rows(rows, columns);
    std::vector<std::uint8_t> used(static_cast<std::size_t>(columns), 1);
    for (const index_t p : {1022, 1023, 1024, 2047, 2048})
      if (p + 1 < columns) {
        used[static_cast<std::size_t>(p)] = 0;
        x[static_cast<std::size_t>(p)] = kNaN;
      }
    x.back() = kNaN;
    const auto device = device_matrix(exec(), x, rows, columns);
    const auto flags = to_device(exec(), std::vector<std::uint8_t>(used));
    Array<double, 1> sums(exec(), {rows});
    row_sums(exec(), device.view(), flags.view(), sums.view());
    const auto host = to_host(exec(), sums.view());
    const std::vector<float> ones(static_cast<std::size_t>(columns), 1.0F);
    for (index_t t = 0; t + 1 < rows; ++t) {
      const Product want = product(&x[static_cast<std::size_t>(t * columns)], ones.data(), columns, used);
      EXPECT_NEAR(host.data()[t], want.value, want.bound) << columns << " columns, row " << t;
    }
    EXPECT_TRUE(std::isnan(host.data()[rows - 1])) << columns;
  }
}

TEST_P(Gram, ShowsANaNInItsRowAndColumnOnly) {
  const index_t rows = 20, columns = 33;
  auto x = speckle_rows(rows, columns);
  x[static_cast<std::size_t>(4 * columns + 7)] = kNaN;
  const auto device = device_matrix(exec(), x, rows, columns);
  Array<double, 2> g(exec(), {rows, rows});
  gram(exec(), device.view(), {}, g.view());
  const auto host = to_host(exec(), g.view());
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < rows; ++j) EXPECT_EQ(std::isnan(host.view()(i, j)), i == 4 || j == 4);
}

/// Widths about the 512 columns of a step on CUDA, growing, falling, and both; columns before and behind all regions
/// that are nobody's; results that lie apart. 257 rows are not multiplied together any more. Once with room for two
/// regions of 61 rows at a time.
TEST_P(Gram, OfRegionsAreThoseOfTheirColumns) {
  for (const auto& [rows, widths] : std::vector<std::pair<index_t, std::vector<index_t>>>{
           {1, {1}}, {5, {1, 3, 512, 513, 1100}}, {61, {1030, 512, 7, 1}}, {61, {5, 600, 1025, 64}}, {257, {3, 20}}}) {
    const auto regions = static_cast<index_t>(widths.size());
    std::vector<index_t> first{2};
    for (const index_t width : widths) first.push_back(first.back() + width);
    const index_t columns = first.back() + 3, apart = rows + 2;
    auto x = speckle_rows(rows, columns);
    std::vector<std::uint8_t> used(static_cast<std::size_t>(columns), 1);
    for (index_t p = 0; p < columns; p += 11)
      if (p != first.front()) {  // the first region may have one column alone
        used[static_cast<std::size_t>(p)] = 0;
        x[static_cast<std::size_t>((rows - 1) * columns + p)] = kNaN;
      }
    for (const index_t p : {index_t{0}, columns - 1}) x[static_cast<std::size_t>(p)] = kNaN;
    const auto device = device_matrix(exec(), x, rows, columns);
    const auto flags = to_device(exec(), used);
    for (const index_t room : {index_t{128} << 20, 2 * rows * index_t{512} * 8}) {
      const ScratchLimit limit(room);
      auto out = device_matrix(exec(), std::vector<double>(static_cast<std::size_t>(regions * apart * apart), -7.0),
                               regions * apart, apart);
      gram_batch(exec(), device.view(), first, flags.view(),
                 {out.data(), {regions, rows, rows}, {apart * apart, apart, 1}});
      const auto host = to_host(exec(), out.view());
      for (index_t b = 0; b < regions; ++b)
        for (index_t i = 0; i < apart; ++i)
          for (index_t j = 0; j < apart; ++j) {
            const double found = host.view()(b * apart + i, j);
            if (i >= rows || j >= rows) {
              ASSERT_EQ(found, -7.0);
              continue;
            }
            const index_t begin = first[static_cast<std::size_t>(b)], width = widths[static_cast<std::size_t>(b)];
            const std::vector<std::uint8_t> mine(used.begin() + begin, used.begin() + begin + width);
            const Product want = product(&x[static_cast<std::size_t>(i * columns + begin)],
                                         &x[static_cast<std::size_t>(j * columns + begin)], width, mine);
            ASSERT_NEAR(found, want.value, want.bound) << rows << ", region " << b << ": " << i << ", " << j;
            ASSERT_EQ(found, host.view()(b * apart + j, i));
          }
    }
  }
}

/// A NaN stays in its region, row and column; no flags. On the CPU the bits are those of gram(), whichever thread has
/// the region.
TEST_P(Gram, OfARegionDoesNotSeeTheNeighbours) {
  const index_t rows = 20, columns = 90;
  const std::vector<index_t> first{0, 13, 51, 90};
  auto x = speckle_rows(rows, columns);
  x[static_cast<std::size_t>(4 * columns + 50)] = kNaN;
  const auto device = device_matrix(exec(), x, rows, columns);
  Array<double, 3> g(exec(), {3, rows, rows});
  gram_batch(exec(), device.view(), first, {}, g.view());
  const auto host = to_host(exec(), g.view());
  for (index_t b = 0; b < 3; ++b) {
    const index_t begin = first[static_cast<std::size_t>(b)], width = first[static_cast<std::size_t>(b + 1)] - begin;
    Array<double, 2> alone(exec(), {rows, rows});
    gram(exec(), {device.data() + begin, {rows, width}, {columns, 1}}, {}, alone.view());
    const auto want = to_host(exec(), alone.view());
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < rows; ++j) {
        ASSERT_EQ(std::isnan(host.view()(b, i, j)), b == 1 && (i == 4 || j == 4)) << b << ", " << i << ", " << j;
        if (!exec().on_cuda() && !std::isnan(want.view()(i, j))) {
          ASSERT_EQ(host.view()(b, i, j), want.view()(i, j));
        }
      }
  }
}

TEST_P(Gram, OfRegionsRefusesBordersThatDoNotFit) {
  Array<float, 2> x(exec(), {3, 9});
  Array<double, 3> two(exec(), {2, 3, 3}), none(exec(), {0, 3, 3}), narrow(exec(), {2, 3, 2});
  gram_batch(exec(), x.view(), {4}, {}, none.view());
  for (const std::vector<index_t>& wrong :
       std::vector<std::vector<index_t>>{{}, {0, 9}, {0, 3, 6, 9}, {0, 4, 4}, {0, 5, 4}, {-1, 4, 9}, {0, 4, 10}})
    EXPECT_THROW(gram_batch(exec(), x.view(), wrong, {}, two.view()), InvalidInput);
  EXPECT_THROW(gram_batch(exec(), x.view(), {0, 4, 9}, {}, narrow.view()), InvalidInput);
}

TEST_P(Gram, HasTheSameBitsForAnyNumberOfThreads) {
  const index_t rows = 45, columns = 1200;
  const auto x = speckle_rows(rows, columns);
  std::vector<double> first;
  for (int threads : {1, 2, 3}) {
    auto options = GetParam().options;
    options.threads = threads;
    Exec other(options);
    const auto device = device_matrix(other, x, rows, columns);
    Array<double, 2> g(other, {rows, rows});
    gram(other, device.view(), {}, g.view());
    const auto host = to_host(other, g.view());
    const std::vector<double> values(host.data(), host.data() + host.size());
    if (first.empty()) first = values;
    EXPECT_EQ(values, first) << threads << " threads";
  }
}

TEST_P(Gram, RefusesShapesThatDoNotFit) {
  Array<float, 2> x(exec(), {3, 5}), y(exec(), {2, 4});
  Array<double, 2> g(exec(), {3, 2});
  EXPECT_THROW(gram(exec(), x.view(), {}, g.view()), InvalidInput);
  EXPECT_THROW(cross_gram(exec(), x.view(), y.view(), {}, g.view()), InvalidInput);
}

TEST_P(Gram, FindsWhatIsNotFinite) {
  std::vector<double> values(12, 1.5);
  const auto ask = [&] {
    const auto on_device = to_device(exec(), values);
    return all_finite(exec(), {on_device.data(), Extents<1>{4}, Extents<1>{3}});  // 0, 3, 6, 9
  };
  EXPECT_TRUE(ask());
  values[10] = std::numeric_limits<double>::quiet_NaN();  // between
  EXPECT_TRUE(ask());
  values[9] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(ask());
  values[9] = 1;
  values[0] = -std::numeric_limits<double>::infinity();
  EXPECT_FALSE(ask());
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Gram);

}  // namespace
}  // namespace hci::test
