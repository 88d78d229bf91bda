// SPDX-License-Identifier: MIT
// Rows that lie more than 2^31 elements apart, for every kernel that takes rows apart: the numbers are small
// whole ones wherever sums are made, so that each order of the products gives the same bits.
#include <cmath>
#include <limits>

#include "kernels/linalg/cholesky_qr.hpp"
#include "kernels/linalg/columns.hpp"
#include "kernels/linalg/components.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/gemm.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/gram_update.hpp"
#include "kernels/linalg/least_squares.hpp"
#include "kernels/linalg/nmf.hpp"
#include "kernels/linalg/scale_rows.hpp"
#include "kernels/linalg/submatrix.hpp"
#include "kernels/linalg/subtract_product.hpp"
#include "kernels/linalg/svd.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/far_rows.hpp"

namespace hci::test {
namespace {

constexpr index_t kRows = 2, kColumns = 37;

template <class T>
std::vector<T> whole_numbers(index_t count, index_t step) {
  std::vector<T> values;
  for (index_t i = 0; i < count; ++i) values.push_back(static_cast<T>(i * step % 13 - 6));
  return values;
}

template <class Values>
auto vector_of(Exec& exec, const Values& on_device) {
  const auto host = to_host(exec, on_device.view());
  return std::vector(host.data(), host.data() + host.size());
}

class FarRowsOfMatrices : public WithFarRows {
 protected:
  template <class T>
  FarRows<T> far(const std::vector<T>& dense, index_t rows = kRows, index_t columns = kColumns) {
    return FarRows<T>(exec(), dense, rows, columns);
  }
  template <class T>
  Array<T, 2> near(const std::vector<T>& dense, index_t rows = kRows, index_t columns = kColumns) {
    return device_matrix(exec(), dense, rows, columns);
  }
};

void make_grams(Exec& exec, Matrix<const float> x, Matrix<double> g, Matrix<double> cross, Vector<double> sums) {
  gram(exec, x, {}, g);
  cross_gram(exec, x, x, {}, cross);
  row_sums(exec, x, {}, sums);
}

TEST_P(FarRowsOfMatrices, GramMatrices) {
  const auto x = whole_numbers<float>(kRows * kColumns, 5);
  const std::vector<double> nothing(kRows * kRows, 0.0);
  const auto dense = near(x);
  Array<double, 2> g(exec(), {kRows, kRows}), cross(exec(), {kRows, kRows});
  Array<double, 1> sums(exec(), {kRows}), far_sums(exec(), {kRows});
  make_grams(exec(), dense.view(), g.view(), cross.view(), sums.view());
  auto apart = far(x);
  auto far_g = far(nothing, kRows, kRows), far_cross = far(nothing, kRows, kRows);
  make_grams(exec(), apart.view(), far_g.view(), far_cross.view(), far_sums.view());
  EXPECT_EQ(far_g.values(), vector_of(exec(), g));
  EXPECT_EQ(far_cross.values(), vector_of(exec(), cross));
  EXPECT_EQ(vector_of(exec(), far_sums), vector_of(exec(), sums));
  Array<double, 3> regions(exec(), {2, kRows, kRows}), far_regions(exec(), {2, kRows, kRows});
  gram_batch(exec(), dense.view(), {0, 10, kColumns}, {}, regions.view());
  gram_batch(exec(), apart.view(), {0, 10, kColumns}, {}, far_regions.view());
  EXPECT_EQ(vector_of(exec(), far_regions), vector_of(exec(), regions));
}

TEST_P(FarRowsOfMatrices, AreWhereNotFiniteNumbersAreFound) {
  for (const double value : {1.0, std::numeric_limits<double>::quiet_NaN()}) {
    auto apart = far<double>({1, value}, 2, 1);
    EXPECT_EQ(all_finite(exec(), {apart.view().data(), {2}, {apart.view().stride(0)}}), value == 1.0);
  }
}

TEST_P(FarRowsOfMatrices, InjectedGrams) {
  const auto x = whole_numbers<float>(kRows * kColumns, 5);
  const auto dense = near(x);
  const auto g = near(whole_numbers<double>(kRows * kRows, 3), kRows, kRows);
  const auto columns = near<index_t>({3, 36, 3, 7}, kRows, 2);
  const auto values = near<float>({2, -3, 4, 5}, kRows, 2);
  const View<const index_t, 3> at(columns.data(), {1, kRows, 2});
  const View<const float, 3> added(values.data(), {1, kRows, 2});
  Array<double, 3> want(exec(), {1, kRows, kRows}), found(exec(), {1, kRows, kRows});
  injected_grams(exec(), dense.view(), g.view(), at, added, want.view());
  auto apart = far(x);
  injected_grams(exec(), apart.view(), g.view(), at, added, found.view());
  EXPECT_EQ(vector_of(exec(), found), vector_of(exec(), want));
  auto far_out = far(std::vector<double>(kRows * kRows), kRows, kRows);
  auto far_g = far(vector_of(exec(), g), kRows, kRows);
  auto far_values = far<float>({2, -3, 4, 5}, kRows, 2);
  injected_grams(exec(), dense.view(), far_g.view(), at, far_values.batch(), far_out.batch());
  EXPECT_EQ(far_out.values(), vector_of(exec(), want));
}

/// Each operand alone, since each has its own row length for BLAS; then in place.
TEST_P(FarRowsOfMatrices, DifferencesFromProducts) {
  const auto c = whole_numbers<float>(kRows * kRows, 3), b = whole_numbers<float>(1 * kRows, 5),
             x = whole_numbers<float>(kRows * kColumns, 7);
  const auto near_c = near(c, kRows, kRows), near_a = near(c, kRows, 1), near_b = near(b, 1, kRows), near_x = near(x);
  Array<float, 2> out(exec(), {kRows, kColumns});
  subtract_product(exec(), near_c.view(), near_x.view(), near_x.view(), out.view());
  const auto want = vector_of(exec(), out);
  subtract_product(exec(), near_a.view(), near_b.view(), near_x.view(), near_x.view(), out.view());
  const auto want_of_factors = vector_of(exec(), out);
  auto far_c = far(c, kRows, kRows), far_x = far(x);
  subtract_product(exec(), far_c.view(), near_x.view(), near_x.view(), out.view());
  EXPECT_EQ(vector_of(exec(), out), want);
  subtract_product(exec(), near_c.view(), far_x.view(), near_x.view(), out.view());
  EXPECT_EQ(vector_of(exec(), out), want);
  subtract_product(exec(), near_c.view(), near_x.view(), far_x.view(), out.view());
  EXPECT_EQ(vector_of(exec(), out), want);
  auto far_a = far(c, kRows, 1);
  subtract_product(exec(), far_a.view(), near_b.view(), far_x.view(), near_x.view(), out.view());
  EXPECT_EQ(vector_of(exec(), out), want_of_factors);
  subtract_product(exec(), near_c.view(), far_x.view(), far_x.view(), far_x.view());
  EXPECT_EQ(far_x.values(), want);
}

TEST_P(FarRowsOfMatrices, ProductsOfBlocks) {
  const auto a = whole_numbers<double>(kRows * kRows, 3), m = whole_numbers<double>(kRows * kColumns, 5),
             c = whole_numbers<double>(kRows * kColumns, 7);
  const auto batch = [](const Array<double, 2>& one) {
    return View<const double, 3>(one.data(), {1, one.extent(0), one.extent(1)});
  };
  const auto near_a = near(a, kRows, kRows), near_m = near(m);
  auto near_c = near(c);
  const Gemm<double> what{.a = batch(near_a), .b = batch(near_m), .beta = 1};
  gemm(exec(), what, {near_c.data(), {1, kRows, kColumns}});
  const auto want = vector_of(exec(), near_c);
  Array<double, 3> transposed(exec(), {1, kRows, kRows});
  gemm(exec(), {.a = batch(near_m), .b = batch(near_m), .transposed = true}, transposed.view());
  const auto want_transposed = vector_of(exec(), transposed);
  auto far_a = far(a, kRows, kRows), far_m = far(m), far_c = far(c);
  gemm(exec(), {.a = far_a.batch(), .b = batch(near_m), .beta = 1}, far_c.batch());
  EXPECT_EQ(far_c.values(), want);
  near_c = near(c);
  gemm(exec(), {.a = batch(near_a), .b = far_m.batch(), .beta = 1}, {near_c.data(), {1, kRows, kColumns}});
  EXPECT_EQ(vector_of(exec(), near_c), want);
  gemm(exec(), {.a = batch(near_m), .b = far_m.batch(), .transposed = true}, transposed.view());
  EXPECT_EQ(vector_of(exec(), transposed), want_transposed);
}

/// One row alone, whose distance to the next one matters to nobody but has to be told to BLAS.
TEST_P(FarRowsOfMatrices, OfASingleRow) {
  constexpr index_t kApart = (index_t{1} << 31) + 5;
  const auto x = near(whole_numbers<float>(kColumns, 5), 1, kColumns), c = near<float>({2}, 1, 1);
  const Matrix<const float> apart(x.data(), {1, kColumns}, {kApart, 1});
  Array<float, 2> out(exec(), {1, kColumns});
  subtract_product(exec(), {c.data(), {1, 1}, {kApart, 1}}, apart, apart, out.view());
  const auto before = vector_of(exec(), x), after = vector_of(exec(), out);
  for (std::size_t p = 0; p < before.size(); ++p) EXPECT_EQ(after[p], -before[p]);
  auto y = near<double>({1, 2, 3}, 1, 3);
  Array<double, 2> square(exec(), {1, 1});
  const View<const double, 3> block(y.data(), {1, 1, 3}, {kApart, kApart, 1});
  gemm(exec(), {.a = block, .b = block, .transposed = true}, {square.data(), {1, 1, 1}, {1, kApart, 1}});
  EXPECT_EQ(vector_of(exec(), square), std::vector<double>{14});
}

TEST_P(FarRowsOfMatrices, OrthonormalRows) {
  const auto v = whole_numbers<double>(kRows * kColumns, 5);
  auto dense = near(v), spare = near(v);
  Array<std::uint8_t, 2> alive(exec(), {1, kRows});
  const Extents<3> shape{1, kRows, kColumns};
  orthonormalize_rows(exec(), {dense.data(), shape}, {spare.data(), shape}, alive.view());
  const auto want = vector_of(exec(), dense);
  auto rows = far(v), scratch = far(v);
  orthonormalize_rows(exec(), rows.batch(), scratch.batch(), alive.view());
  const auto found = rows.values();
  for (std::size_t i = 0; i < want.size(); ++i)  // sums of 37 products in another order, and what follows from them
    EXPECT_NEAR(found[i], want[i], 4 * kColumns * std::numeric_limits<double>::epsilon());
}

TEST_P(FarRowsOfMatrices, SingularVectors) {
  const auto x = whole_numbers<float>(kRows * kColumns, 5);
  const auto dense = near(x);
  Array<double, 1> squares(exec(), {1});
  Array<double, 2> left(exec(), {1, kRows});
  svd_top(exec(), dense.view(), {}, squares.view(), left.view());
  const auto want = vector_of(exec(), left);
  svd_randomized(exec(), dense.view(), {}, squares.view(), left.view());
  const auto want_randomized = vector_of(exec(), left);
  auto apart = far(x);
  svd_top(exec(), apart.view(), {}, squares.view(), left.view());
  EXPECT_EQ(vector_of(exec(), left), want);
  svd_randomized(exec(), apart.view(), {}, squares.view(), left.view());
  EXPECT_EQ(vector_of(exec(), left), want_randomized);
}

/// Two matrices of a row, far from each other, with flags as far.
TEST_P(FarRowsOfMatrices, SingularVectorsOfABatch) {
  const auto x = whole_numbers<float>(kRows * kColumns, 5);
  std::vector<std::uint8_t> flags(static_cast<std::size_t>(kRows * kColumns), 1);
  flags[3] = flags[kColumns + 20] = 0;
  auto apart = far(x);
  auto used = far(flags);
  const View<const float, 3> matrices(apart.view().data(), {kRows, 1, kColumns}, {kFar, kColumns, 1});
  for (const bool randomized : {false, true}) {
    Array<double, 2> squares(exec(), {kRows, 1});
    Array<double, 3> left(exec(), {kRows, 1, 1});
    if (randomized)
      svd_randomized_batch(exec(), matrices, used.view(), squares.view(), left.view());
    else
      svd_top_batch(exec(), matrices, used.view(), squares.view(), left.view());
    const auto found = vector_of(exec(), squares);
    for (index_t b = 0; b < kRows; ++b) {
      double want = 0;  // a sum of whole numbers; eps for the root, square and quotients on the way to the pair
      for (auto i = static_cast<std::size_t>(b * kColumns); i < static_cast<std::size_t>((b + 1) * kColumns); ++i)
        want += flags[i] * static_cast<double>(x[i]) * static_cast<double>(x[i]);
      EXPECT_NEAR(found[static_cast<std::size_t>(b)], want, 10 * std::numeric_limits<double>::epsilon() * want);
    }
  }
}

/// From far rows and into far rows.
TEST_P(FarRowsOfMatrices, ColumnsThatAreTakenAndPut) {
  const auto x = whole_numbers<float>(kRows * kColumns, 5);
  const auto set = to_device(exec(), std::vector<index_t>{0, 17, 36});
  Array<float, 2> cut(exec(), {kRows, 3});
  auto near_x = near(x);
  gather_columns(exec(), near_x.view(), set.view(), cut.view());
  const auto want_cut = vector_of(exec(), cut);
  fill_columns(exec(), 50, set.view(), near_x.view());
  const auto want_filled = vector_of(exec(), near_x);
  auto far_x = far(x), far_cut = far(want_filled, kRows, 3);
  gather_columns(exec(), far_x.view(), set.view(), far_cut.view());
  EXPECT_EQ(far_cut.values(), want_cut);
  fill_columns(exec(), 50, set.view(), far_x.view());
  EXPECT_EQ(far_x.values(), want_filled);
  scatter_columns(exec(), far_cut.view(), set.view(), far_x.view());
  EXPECT_EQ(far_x.values(), x);
}

TEST_P(FarRowsOfMatrices, ColumnsThatAreMasked) {
  auto x = whole_numbers<float>(kRows * kColumns, 5);
  x[kColumns + 20] = std::numeric_limits<float>::infinity();
  auto apart = far(x);
  auto used = to_device(exec(), std::vector<std::uint8_t>(kColumns, 1));
  unuse_masked_columns(exec(), apart.view(), used.view());
  mask_columns(exec(), used.view(), apart.view());
  const auto found = apart.values();
  for (index_t i = 0; i < kRows * kColumns; ++i)
    EXPECT_EQ(std::isnan(found[static_cast<std::size_t>(i)]), i % kColumns == 20) << i;
}

TEST_P(FarRowsOfMatrices, ScaledRows) {
  const auto x = whole_numbers<float>(kRows * kColumns, 5);
  for (const auto scaling :
       {Scaling::none, Scaling::temp_mean, Scaling::spat_mean, Scaling::temp_standard, Scaling::spat_standard}) {
    const auto dense = near(x);
    Array<float, 2> out(exec(), {kRows, kColumns});
    scale_rows(exec(), dense.view(), {}, scaling, out.view());
    auto apart = far(x), far_out = far(x);
    scale_rows(exec(), apart.view(), {}, scaling, far_out.view());
    EXPECT_EQ(far_out.values(), vector_of(exec(), out)) << static_cast<int>(scaling);
  }
}

TEST_P(FarRowsOfMatrices, Submatrices) {
  const auto a = whole_numbers<double>(kRows * kRows, 3);
  const auto index = index_table(exec(), {{0, 1}, {1}}, kRows);
  const auto near_a = near(a, kRows, kRows);
  Array<double, 3> sub(exec(), {2, 2, 2}), cut(exec(), {2, kRows, 2}), back(exec(), {2, kRows, kRows});
  gather_submatrices(exec(), batch_of_one<const double>(near_a.view()), {}, index.view(), sub.view());
  gather_entries(exec(), batch_of_one<const double>(near_a.view()), {}, index.view(), cut.view());
  scatter_entries(exec(), cut.view(), index.view(), back.view());
  const auto want_sub = vector_of(exec(), sub), want_cut = vector_of(exec(), cut);
  auto want_back = vector_of(exec(), back);
  want_back.resize(kRows * kRows);  // of the first problem
  auto far_a = far(a, kRows, kRows), far_back = far(a, kRows, kRows);
  gather_submatrices(exec(), far_a.batch(), {}, index.view(), sub.view());
  EXPECT_EQ(vector_of(exec(), sub), want_sub);
  gather_entries(exec(), far_a.batch(), {}, index.view(), cut.view());
  EXPECT_EQ(vector_of(exec(), cut), want_cut);
  const auto of = to_device(exec(), std::vector<index_t>{0, 1});  // each row as a matrix of its own
  Array<double, 3> from_each(exec(), {2, 1, 2});
  gather_entries(exec(), {far_a.view().data(), {kRows, 1, kRows}, {kFar, kRows, 1}}, of.view(), index.view(),
                 from_each.view());
  EXPECT_EQ(vector_of(exec(), from_each), (std::vector<double>{a[0], a[1], a[3], 0}));
  scatter_entries(exec(), slice(cut.view(), 0, 1), slice(index.view(), 0, 1), far_back.batch());
  EXPECT_EQ(far_back.values(), want_back);
}

TEST_P(FarRowsOfMatrices, Components) {
  const auto scores = near<double>({3, 1, 2, 5}, 2, 2);
  const auto v = whole_numbers<double>(2 * 2 * kColumns, 5);
  const auto vectors = to_device(exec(), View<const double, 3>(v.data(), {2, 2, kColumns}));
  const auto counts = to_device(exec(), std::vector<index_t>{1, 2});
  Array<float, 2> c(exec(), {kRows, kColumns});
  component_coefficients(exec(), scores.view(), vectors.view(), counts.view(), c.view());
  auto apart = far(std::vector<float>(kRows * kColumns, 0.0F));
  component_coefficients(exec(), scores.view(), vectors.view(), counts.view(), apart.view());
  EXPECT_EQ(apart.values(), vector_of(exec(), c));
}

TEST_P(FarRowsOfMatrices, ScoresOfComponents) {
  const auto v = whole_numbers<double>(2 * 2 * kColumns, 5), g = whole_numbers<double>(kRows * kColumns, 3);
  const std::vector<double> values{4, 2, 8, 1};
  const auto vectors = to_device(exec(), View<const double, 3>(v.data(), {2, 2, kColumns}));
  const auto near_g = near(g), near_values = near(values, 2, 2);
  Array<double, 2> scores(exec(), {kRows, 2});
  component_scores(exec(), near_g.view(), near_values.view(), vectors.view(), scores.view());
  auto far_g = far(g), far_values = far(values, 2, 2), far_scores = far(std::vector<double>(2 * kRows), kRows, 2);
  component_scores(exec(), far_g.view(), far_values.view(), vectors.view(), far_scores.view());
  EXPECT_EQ(far_scores.values(), vector_of(exec(), scores));
}

TEST_P(FarRowsOfMatrices, SweepOfComponents) {
  const std::vector<double> scores{3, 1, 2, 5};
  const auto v = whole_numbers<double>(2 * 2 * kColumns, 5);
  const auto vectors = to_device(exec(), View<const double, 3>(v.data(), {2, 2, kColumns}));
  Array<float, 3> c(exec(), {1, kRows, kColumns});
  const auto near_scores = near(scores, 2, 2);
  component_sweep(exec(), near_scores.view(), vectors.view(), {2}, c.view());
  auto far_scores = far(scores, 2, 2);
  auto far_c = far(std::vector<float>(kRows * kColumns));
  component_sweep(exec(), far_scores.view(), vectors.view(), {2}, far_c.batch());
  EXPECT_EQ(far_c.values(), vector_of(exec(), c));
}

TEST_P(FarRowsOfMatrices, ComponentsInSinglePrecision) {
  const auto from = whole_numbers<double>(kRows * kColumns, 3);
  const auto near_from = near(from);
  auto far_from = far(from);
  for (const bool by_column : {false, true}) {
    std::vector<double> exist(static_cast<std::size_t>(by_column ? kColumns : kRows), 1.0);
    exist.back() = 0;
    const auto values = to_device(exec(), exist);
    Array<float, 2> to(exec(), {kRows, kColumns});
    to_single(exec(), near_from.view(), values.view(), by_column, to.view());
    auto far_to = far(std::vector<float>(kRows * kColumns));
    to_single(exec(), far_from.view(), values.view(), by_column, far_to.view());
    EXPECT_EQ(far_to.values(), vector_of(exec(), to));
  }
}

TEST_P(FarRowsOfMatrices, AutomaticCountsOfComponents) {
  const std::vector<double> values{90, 5, 4, 80, 60, 1};
  const auto v = whole_numbers<double>(2 * 3 * 3, 5);
  const auto vectors = to_device(exec(), View<const double, 3>(v.data(), {2, 3, 3}));
  const auto sizes = to_device(exec(), std::vector<index_t>{3, 3});
  const auto sums = to_device(exec(), std::vector<double>{0, 0, 0});
  Array<index_t, 1> counts(exec(), {2});
  const auto counted = [&](Matrix<const double> w) {
    automatic_counts(exec(), w, vectors.view(), sizes.view(), sums.view(), 10, 0.2, counts.view());
    return vector_of(exec(), counts);
  };
  const auto near_values = near(values, 2, 3);
  auto far_values = far(values, 2, 3);
  const auto want = counted(near_values.view());
  EXPECT_EQ(counted(far_values.view()), want);
  EXPECT_NE(want[0], want[1]);  // the second row is looked at
}

TEST_P(FarRowsOfMatrices, RightSidesOfLeastSquares) {
  const auto matrix = near<double>({4, 1, 1, 3}, 2, 2);
  const View<const double, 3> a(matrix.data(), {1, 2, 2});
  const std::vector<double> right{1, 2, 3, 4};
  const std::vector<IndexSet> sets{{0, 1}, {0, 1}};
  const auto near_right = near(right, 2, 2);
  for (const bool nonnegative : {false, true}) {
    const auto solve = [&](Matrix<const double> rhs, Matrix<double> c) {
      if (nonnegative)
        solve_nonnegative_subsets(exec(), a, sets, rhs, c);
      else
        solve_subsets(exec(), a, sets, rhs, 0, c);
    };
    Array<double, 2> want(exec(), {2, 2});
    solve(near_right.view(), want.view());
    auto far_right = far(right, 2, 2), c = far(right, 2, 2);
    solve(far_right.view(), c.view());
    EXPECT_EQ(c.values(), vector_of(exec(), want));
  }
}

/// The products over frames are made in another order: some roundings of float32 in each of two rounds.
TEST_P(FarRowsOfMatrices, NonnegativeFactors) {
  std::vector<float> x;
  for (index_t i = 0; i < kRows * kColumns; ++i) x.push_back(static_cast<float>(1 + i * 5 % 13));
  const auto dense = near(x);
  const NmfOptions options{.max_iter = 2, .tol = 0};
  Array<float, 2> w(exec(), {kRows, 1}), h(exec(), {1, kColumns});
  nmf(exec(), dense.view(), options, w.view(), h.view());
  const auto want = vector_of(exec(), h);
  auto apart = far(x);
  nmf(exec(), apart.view(), options, w.view(), h.view());
  const auto found = vector_of(exec(), h);
  for (std::size_t p = 0; p < want.size(); ++p)
    EXPECT_NEAR(found[p], want[p], 16 * std::numeric_limits<float>::epsilon() * want[p]);

  const auto parts = near(want, 1);
  const Matrix<const float> components(parts.data(), {1, kColumns});
  const auto weights_of = [&](Matrix<const float> frames) {
    nmf_weights(exec(), frames, components, {.max_iter = 2, .tol = 0}, w.view());
    return vector_of(exec(), w);
  };
  const auto of_dense = weights_of(dense.view()), of_apart = weights_of(apart.view());
  for (std::size_t t = 0; t < of_dense.size(); ++t)  // in double, rounded once
    EXPECT_NEAR(of_apart[t], of_dense[t], std::numeric_limits<float>::epsilon() * of_dense[t]);
}

/// The start of the iteration may have rows apart; pairs that are right whatever it is.
TEST_P(FarRowsOfMatrices, StartOfEigenpairs) {
  const index_t n = 300;
  std::vector<double> a(static_cast<std::size_t>(n * n), 0.0), start(static_cast<std::size_t>(2 * n), 0.0);
  for (index_t i = 0; i < n; ++i) a[static_cast<std::size_t>(i * n + i)] = std::pow(0.5, double(i));
  start[0] = start[static_cast<std::size_t>(n + 1)] = 1;  // the eigenvectors
  const auto matrix = near(a, n, n);
  Array<double, 1> values(exec(), {2});
  Array<double, 2> vectors(exec(), {2, n});
  auto apart = far(start, 2, n);
  eigh_top(exec(), matrix.view(), 2, values.view(), vectors.view(), apart.view());
  const auto w = vector_of(exec(), values);
  EXPECT_NEAR(w[0], 1, n * std::numeric_limits<double>::epsilon());
  EXPECT_NEAR(w[1], 0.5, n * std::numeric_limits<double>::epsilon());
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(FarRowsOfMatrices);

}  // namespace
}  // namespace hci::test
