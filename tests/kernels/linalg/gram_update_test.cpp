// SPDX-License-Identifier: MIT
#include "kernels/linalg/gram_update.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>

#include "kernels/core/scratch.hpp"
#include "kernels/linalg/gram.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class InjectedGrams : public OnEveryDevice {};

struct Injections {
  Array<index_t, 3> columns;
  Array<float, 3> values;
};

/// Stamps of up to `most` pixels that move by a column or more from row to row, two injections alike, so that
/// neighbours overlap; every third row has one pixel less.
Injections moving_stamps(index_t count, index_t rows, index_t pixels, index_t most) {
  Injections made{host_array<index_t>(Extents<3>{count, rows, most}), host_array<float>(Extents<3>{count, rows, most})};
  for (index_t b = 0; b < count; ++b)
    for (index_t t = 0; t < rows; ++t)
      for (index_t s = 0; s < most; ++s) {
        const index_t column = 7 * b + (1 + b / 2) * t + 2 * s;
        const bool used = column < pixels && (t % 3 != 0 || s + 1 < most);
        made.columns.view()(b, t, s) = used ? column : pixels + s;
        made.values.view()(b, t, s) = used ? 3.0F + static_cast<float>(b + s) : 1e30F;
      }
  return made;
}

TEST_P(InjectedGrams, IsTheGramMatrixOfTheSum) {
  struct Shape {
    index_t injections, rows, pixels, most;
    index_t scratch = index_t{64} << 20;
  };
  // Rows come in blocks of 64: one that is not full, full ones only, both; the stamps of the last ones lie outside. One
  // block at a time, or all of an injection, or one of many injections, of which some touch as many columns and may go
  // together.
  for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{2, 9, 40, 5}, Shape{3, 33, 129, 12}, Shape{0, 4, 10, 3},
                             Shape{1, 128, 90, 3}, Shape{2, 150, 60, 4}, Shape{1, 150, 170, 4, 1}, Shape{9, 20, 150, 5},
                             Shape{7, 70, 400, 3}, Shape{6, 70, 400, 3, 300'000}, Shape{6, 20, 150, 5, 1}}) {
    const ScratchLimit limit(shape.scratch);
    const auto x = speckle_rows(shape.rows, shape.pixels);
    const auto device = device_matrix(exec(), x, shape.rows, shape.pixels);
    Array<double, 2> g(exec(), {shape.rows, shape.rows});
    gram(exec(), device.view(), {}, g.view());
    Injections added = moving_stamps(shape.injections, shape.rows, shape.pixels, shape.most);
    const auto columns = to_device(exec(), added.columns.view());
    const auto values = to_device(exec(), added.values.view());
    Array<double, 3> out(exec(), {shape.injections, shape.rows, shape.rows});
    injected_grams(exec(), device.view(), g.view(), columns.view(), values.view(), out.view());
    const auto host = to_host(exec(), out.view());
    for (index_t b = 0; b < shape.injections; ++b) {
      std::vector<double> sum(x.begin(), x.end());
      for (index_t t = 0; t < shape.rows; ++t)
        for (index_t s = 0; s < shape.most; ++s)
          if (added.columns.view()(b, t, s) < shape.pixels)
            sum[static_cast<std::size_t>(t * shape.pixels + added.columns.view()(b, t, s))] +=
                static_cast<double>(added.values.view()(b, t, s));
      for (index_t t = 0; t < shape.rows; ++t)
        for (index_t u = 0; u < shape.rows; ++u) {
          double want = 0, size = 0;
          for (index_t p = 0; p < shape.pixels; ++p) {
            const double term = sum[static_cast<std::size_t>(t * shape.pixels + p)] *
                                sum[static_cast<std::size_t>(u * shape.pixels + p)];
            want += term;
            size += std::fabs(term);
          }
          // Sums of `pixels` and of 3 `most` products, in any order, on either side.
          const double bound = static_cast<double>(2 * shape.pixels + 6 * shape.most) * DBL_EPSILON * size;
          ASSERT_NEAR(host.view()(b, t, u), want, bound) << b << ": " << t << ", " << u;
        }
    }
  }
}

/// The same bits on the CPU; cuBLAS may add up in another order for another number of products.
TEST_P(InjectedGrams, AreTheSameAloneAndTogether) {
  const index_t injections = 7, rows = 70, pixels = 400, most = 9;
  const auto device = device_matrix(exec(), speckle_rows(rows, pixels), rows, pixels);
  Array<double, 2> g(exec(), {rows, rows});
  gram(exec(), device.view(), {}, g.view());
  const Injections added = moving_stamps(injections, rows, pixels, most);
  const auto columns = to_device(exec(), added.columns.view());
  const auto values = to_device(exec(), added.values.view());
  Array<double, 3> together(exec(), {injections, rows, rows}), alone(exec(), {1, rows, rows});
  injected_grams(exec(), device.view(), g.view(), columns.view(), values.view(), together.view());
  const auto before = to_host(exec(), g.view());
  const auto all = to_host(exec(), together.view());
  for (index_t b = 0; b < injections; ++b) {
    injected_grams(exec(), device.view(), g.view(), slice(columns.view(), b, 1), slice(values.view(), b, 1),
                   alone.view());
    const auto one = to_host(exec(), alone.view());
    // Both add p and its transpose to g, p = a (x + a/2)ᵀ = (x' - x) (x' + x)ᵀ / 2 of rows whose squares are at most
    // `largest`: sums of `pixels` products at most, whose sizes add up to 2 `largest` at most; then two sums more.
    double largest = 0;
    for (index_t t = 0; t < rows; ++t) largest = std::max({largest, before.view()(t, t), one.view()(0, t, t)});
    const double bound = exec().on_cuda() ? 8 * static_cast<double>(pixels + 2) * DBL_EPSILON * largest : 0;
    for (index_t t = 0; t < rows; ++t)
      for (index_t u = 0; u < rows; ++u)
        ASSERT_NEAR(one.view()(0, t, u), all.view()(b, t, u), bound) << b << ": " << t << ", " << u;
  }
}

TEST_P(InjectedGrams, LetsNanStayInItsRow) {
  auto x = speckle_rows(3, 8);
  const auto device = device_matrix(exec(), x, 3, 8);
  Array<double, 2> g(exec(), {3, 3});
  gram(exec(), device.view(), {}, g.view());
  Injections added = moving_stamps(1, 3, 8, 2);
  added.values.view()(0, 1, 0) = std::numeric_limits<float>::quiet_NaN();
  const auto columns = to_device(exec(), added.columns.view());
  const auto values = to_device(exec(), added.values.view());
  Array<double, 3> out(exec(), {1, 3, 3});
  injected_grams(exec(), device.view(), g.view(), columns.view(), values.view(), out.view());
  const auto host = to_host(exec(), out.view());
  for (index_t t = 0; t < 3; ++t)
    for (index_t u = 0; u < 3; ++u) EXPECT_EQ(std::isnan(host.view()(0, t, u)), t == 1 || u == 1) << t << ", " << u;
}

TEST_P(InjectedGrams, RefusesWhatDoesNotFit) {
  Array<float, 2> x(exec(), {3, 8});
  Array<double, 2> g(exec(), {3, 3}), small(exec(), {2, 2});
  Array<index_t, 3> columns(exec(), {1, 3, 2});
  Array<float, 3> values(exec(), {1, 3, 2}), narrow(exec(), {1, 3, 1});
  Array<double, 3> out(exec(), {1, 3, 3}), two(exec(), {2, 3, 3});
  EXPECT_THROW(injected_grams(exec(), x.view(), small.view(), columns.view(), values.view(), out.view()), InvalidInput);
  EXPECT_THROW(injected_grams(exec(), x.view(), g.view(), columns.view(), narrow.view(), out.view()), InvalidInput);
  EXPECT_THROW(injected_grams(exec(), x.view(), g.view(), columns.view(), values.view(), two.view()), InvalidInput);
  for (const auto& [first, second] : {std::pair<index_t, index_t>{-1, 3}, {3, 3}, {4, 3}}) {
    const auto bad = to_device(exec(), std::vector<index_t>{0, 1, 2, 5, first, second});
    const View<const index_t, 3> rows(bad.data(), {1, 3, 2});
    try {
      injected_grams(exec(), x.view(), g.view(), rows, values.view(), out.view());
      ADD_FAILURE() << "took the columns " << first << ", " << second;
    } catch (const InvalidInput& refusal) {
      EXPECT_STREQ(refusal.what(), "injected_grams: the columns of row 2 of injection 0 are negative or do not ascend");
    }
  }
  const auto good = to_device(exec(), std::vector<index_t>{0, 1, 2, 9, 8, 8});  // unused ones may be as they like
  EXPECT_NO_THROW(injected_grams(exec(), x.view(), g.view(), {good.data(), {1, 3, 2}}, values.view(), out.view()));
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(InjectedGrams);

}  // namespace
}  // namespace hci::test
