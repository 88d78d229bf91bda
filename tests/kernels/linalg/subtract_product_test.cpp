// SPDX-License-Identifier: MIT
#include "kernels/linalg/subtract_product.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/core/error.hpp"
#include "kernels/core/scratch.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class SubtractProduct : public OnEveryDevice {};

std::vector<float> small(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = std::sin(static_cast<float>(7 * i + 1)) / 4;
  return values;
}

/// x - c y in double, and what float sums may differ: every product and sum rounds once, so
/// (terms + 2) eps (|x| + sum |c y|).
void expect_product(const std::vector<float>& c, const std::vector<float>& y, const std::vector<float>& x, index_t rows,
                    index_t inner, index_t pixels, const Array<float, 2>& out) {
  for (index_t t = 0; t < rows; ++t)
    for (index_t p = 0; p < pixels; ++p) {
      double want = x[static_cast<std::size_t>(t * pixels + p)], size = std::fabs(want);
      for (index_t s = 0; s < inner; ++s) {
        const double term = static_cast<double>(c[static_cast<std::size_t>(t * inner + s)]) *
                            static_cast<double>(y[static_cast<std::size_t>(s * pixels + p)]);
        want -= term;
        size += std::fabs(term);
      }
      const double bound = (static_cast<double>(inner) + 2) * std::numeric_limits<float>::epsilon() * size;
      ASSERT_NEAR(out.view()(t, p), want, bound)
          << rows << " x " << inner << " x " << pixels << " at " << t << ", " << p;
    }
}

TEST_P(SubtractProduct, IsTheFramesLessACombinationOfOthers) {
  for (const auto& [rows, inner, pixels] :
       std::vector<std::array<index_t, 3>>{{1, 1, 1}, {7, 3, 513}, {61, 61, 1100}, {2, 40, 31}}) {
    const auto c = small(static_cast<std::size_t>(rows * inner)), y = speckle_rows(inner, pixels, 2),
               x = speckle_rows(rows, pixels);
    const auto dc = device_matrix(exec(), c, rows, inner), dy = device_matrix(exec(), y, inner, pixels),
               dx = device_matrix(exec(), x, rows, pixels);
    Array<float, 2> out(exec(), {rows, pixels});
    subtract_product(exec(), dc.view(), dy.view(), dx.view(), out.view());
    expect_product(c, y, x, rows, inner, pixels, to_host(exec(), out.view()));
    const ScratchLimit least(1);  // tiles of 32 columns
    Array<float, 2> in_tiles(exec(), {rows, pixels});
    subtract_product(exec(), dc.view(), dy.view(), dx.view(), in_tiles.view());
    expect_product(c, y, x, rows, inner, pixels, to_host(exec(), in_tiles.view()));
  }
}

TEST_P(SubtractProduct, WorksInPlace) {
  const index_t rows = 33, pixels = 1300;
  const auto c = small(static_cast<std::size_t>(rows * rows)), x = speckle_rows(rows, pixels);
  const auto dc = device_matrix(exec(), c, rows, rows);
  const auto dx = device_matrix(exec(), x, rows, pixels);
  Array<float, 2> apart(exec(), {rows, pixels});
  subtract_product(exec(), dc.view(), dx.view(), dx.view(), apart.view());
  auto in_place = device_matrix(exec(), x, rows, pixels);
  subtract_product(exec(), dc.view(), in_place.view(), in_place.view(), in_place.view());
  const auto want = to_host(exec(), apart.view()), got = to_host(exec(), in_place.view());
  for (index_t i = 0; i < want.size(); ++i) ASSERT_EQ(got.data()[i], want.data()[i]);
}

TEST_P(SubtractProduct, TakesLowRankFactorsAndPartsOfLargerMatrices) {
  const index_t rows = 20, rank = 3, pixels = 700, wide = 5;
  const auto a = small(static_cast<std::size_t>(rows * wide)), b = small(static_cast<std::size_t>(rank * rows)),
             x = speckle_rows(rows, pixels);
  const auto da = device_matrix(exec(), a, rows, wide), db = device_matrix(exec(), b, rank, rows),
             dx = device_matrix(exec(), x, rows, pixels);
  const index_t first = 1;  // columns 1 .. 3 of a
  std::vector<float> c(static_cast<std::size_t>(rows * rows));
  for (index_t t = 0; t < rows; ++t)
    for (index_t s = 0; s < rows; ++s) {
      double sum = 0;
      for (index_t j = 0; j < rank; ++j) {
        const double term = static_cast<double>(a[static_cast<std::size_t>(t * wide + first + j)]) *
                            static_cast<double>(b[static_cast<std::size_t>(j * rows + s)]);
        sum += term;
      }
      c[static_cast<std::size_t>(t * rows + s)] = static_cast<float>(sum);
    }
  Array<float, 2> out(exec(), {rows, pixels});
  subtract_product(exec(), {da.data() + first, {rows, rank}, {wide, 1}}, db.view(), dx.view(), dx.view(), out.view());
  // The order of the products differs: a (b x) sums |a| |b| |x|, at most 3 / 16 of |x| for each term.
  const auto host = to_host(exec(), out.view());
  for (index_t t = 0; t < rows; ++t)
    for (index_t p = 0; p < pixels; ++p) {
      double want = x[static_cast<std::size_t>(t * pixels + p)], size = std::fabs(want);
      for (index_t s = 0; s < rows; ++s) {
        const double y = x[static_cast<std::size_t>(s * pixels + p)];
        want -= static_cast<double>(c[static_cast<std::size_t>(t * rows + s)]) * y;
        size += 3.0 / 16 * std::fabs(y);
      }
      ASSERT_NEAR(host.view()(t, p), want, (rows + rank + 3) * std::numeric_limits<float>::epsilon() * size);
    }
}

// x - a (b y) in double. In float every product and every sum rounds once, those of b y within those of a: (s + k + 4)
// eps (|x| + sum |a| |b| |y|). A NaN of y stays in its column.
TEST_P(SubtractProduct, ProjectsByTwoFactorsOfAnyShape) {
  for (const auto& [rows, rank, inner, pixels] : std::vector<std::array<index_t, 4>>{
           {1, 1, 1, 1}, {7, 3, 5, 513}, {8, 2, 64, 1}, {61, 16, 60, 1100}, {2, 40, 31, 33}, {33, 1, 1, 257}}) {
    const auto at = [](index_t row, index_t columns, index_t column) {
      return static_cast<std::size_t>(row * columns + column);
    };
    const auto a = small(at(rows, rank, 0)), b = small(at(rank, inner, 0)), x = speckle_rows(rows, pixels);
    auto y = speckle_rows(inner, pixels, 2);
    if (pixels > 1) y[at(inner - 1, pixels, pixels - 2)] = std::numeric_limits<float>::quiet_NaN();
    const auto da = device_matrix(exec(), a, rows, rank), db = device_matrix(exec(), b, rank, inner),
               dy = device_matrix(exec(), y, inner, pixels), dx = device_matrix(exec(), x, rows, pixels);
    Array<float, 2> out(exec(), {rows, pixels});
    subtract_product(exec(), da.view(), db.view(), dy.view(), dx.view(), out.view());
    const auto host = to_host(exec(), std::as_const(out).view());
    for (index_t p = 0; p < pixels; ++p) {
      std::vector<double> scores, sizes;
      for (index_t k = 0; k < rank; ++k) {
        double score = 0, size = 0;
        for (index_t s = 0; s < inner; ++s) {
          const double term = double(b[at(k, inner, s)]) * double(y[at(s, pixels, p)]);
          score += term;
          size += std::fabs(term);
        }
        scores.push_back(score);
        sizes.push_back(size);
      }
      for (index_t t = 0; t < rows; ++t) {
        double want = x[at(t, pixels, p)], size = std::fabs(want);
        for (index_t k = 0; k < rank; ++k) {
          want -= double(a[at(t, rank, k)]) * scores[static_cast<std::size_t>(k)];
          size += std::fabs(double(a[at(t, rank, k)])) * sizes[static_cast<std::size_t>(k)];
        }
        const std::string where = testing::PrintToString(std::array{rows, rank, inner, pixels, t, p});
        ASSERT_EQ(std::isnan(host.view()(t, p)), pixels > 1 && p == pixels - 2) << where;
        if (std::isnan(want)) continue;
        ASSERT_NEAR(host.view()(t, p), want,
                    static_cast<double>(inner + rank + 4) * std::numeric_limits<float>::epsilon() * size)
            << where;
      }
    }
  }
}

/// So many rows that tiles are as narrow as they get, 32 columns, and the last one is a part: x - c y, in place, and
/// the projection of x on itself, whose library one tile after the other is overwritten.
TEST_P(SubtractProduct, OfMoreThanATile) {
  const index_t rows = (index_t{1} << 16) + 1, inner = 2, pixels = 35;
  const auto x = speckle_rows(rows, pixels), c = small(static_cast<std::size_t>(rows * inner));
  const std::vector<float> y(x.begin(), x.begin() + inner * pixels);
  const auto dc = device_matrix(exec(), c, rows, inner), dy = device_matrix(exec(), y, inner, pixels);
  const auto expect_all = [&](const Array<float, 2>& out) {
    expect_product(c, y, x, rows, inner, pixels, to_host(exec(), out.view()));
  };
  auto dx = device_matrix(exec(), x, rows, pixels);
  Array<float, 2> out(exec(), {rows, pixels});
  subtract_product(exec(), dc.view(), dy.view(), dx.view(), out.view());
  expect_all(out);
  std::vector<float> first_rows(static_cast<std::size_t>(inner * rows), 0.0F);  // b x: the first rows of x
  for (index_t s = 0; s < inner; ++s) first_rows[static_cast<std::size_t>(s * rows + s)] = 1;
  const auto db = device_matrix(exec(), first_rows, inner, rows);
  auto projected = to_device(exec(), View<const float, 2>(x.data(), {rows, pixels}));
  subtract_product(exec(), dc.view(), db.view(), projected.view(), projected.view(), projected.view());
  expect_all(projected);
  subtract_product(exec(), dc.view(), dy.view(), dx.view(), dx.view());
  expect_all(dx);
}

TEST_P(SubtractProduct, OfNoFramesIsTheFramesThemselves) {
  const index_t rows = 3, pixels = 40;
  const auto x = speckle_rows(rows, pixels);
  const auto dx = device_matrix(exec(), x, rows, pixels);
  const Array<float, 2> c(exec(), {rows, 0}), y(exec(), {0, pixels}), b(exec(), {2, 0});
  Array<float, 2> out(exec(), {rows, pixels});
  subtract_product(exec(), c.view(), y.view(), dx.view(), out.view());
  expect_product({}, {}, x, rows, 0, pixels, to_host(exec(), out.view()));
  const auto ones = device_matrix(exec(), std::vector<float>(static_cast<std::size_t>(2 * rows), 1.0F), rows, 2);
  subtract_product(exec(), ones.view(), b.view(), y.view(), dx.view(), out.view());
  expect_product({}, {}, x, rows, 0, pixels, to_host(exec(), out.view()));
}

TEST_P(SubtractProduct, KeepsANaNInItsColumn) {
  const index_t rows = 8, pixels = 600;
  auto x = speckle_rows(rows, pixels);
  x[static_cast<std::size_t>(2 * pixels + 100)] = std::numeric_limits<float>::quiet_NaN();
  const auto dc = device_matrix(exec(), small(static_cast<std::size_t>(rows * rows)), rows, rows);
  const auto dx = device_matrix(exec(), x, rows, pixels);
  Array<float, 2> out(exec(), {rows, pixels});
  subtract_product(exec(), dc.view(), dx.view(), dx.view(), out.view());
  const auto host = to_host(exec(), out.view());
  for (index_t t = 0; t < rows; ++t)
    for (index_t p = 0; p < pixels; ++p) ASSERT_EQ(std::isnan(host.view()(t, p)), p == 100);
}

TEST_P(SubtractProduct, RefusesShapesThatDoNotFit) {
  Array<float, 2> c(exec(), {3, 4}), y(exec(), {5, 6}), x(exec(), {3, 6});
  EXPECT_THROW(subtract_product(exec(), c.view(), y.view(), x.view(), x.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(SubtractProduct);

}  // namespace
}  // namespace hci::test
