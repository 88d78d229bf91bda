// SPDX-License-Identifier: MIT
#include "kernels/linalg/gemm.hpp"

#include <cmath>
#include <limits>
#include <random>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class GemmOn : public OnEveryDevice {
 protected:
  /// Batches with gaps between rows and between matrices. shape: rows, inner, columns.
  template <class T>
  void expect_products(Extents<3> shape, index_t batch, index_t of_a, index_t of_b, bool transposed, T alpha, T beta);
};

template <class T>
struct Batch {
  Extents<3> extents, strides;
  std::vector<T> host;
  Array<T, 1> device;
  View<T, 3> view() { return {device.data(), extents, strides}; }
  T operator()(index_t n, index_t i, index_t j) const {
    return host[static_cast<std::size_t>((extents[0] == 1 ? 0 : n) * strides[0] + i * strides[1] + j)];
  }
};

template <class T>
Batch<T> numbers(Exec& exec, index_t count, index_t rows, index_t columns, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<T> normal;
  const index_t apart = columns + 3, far = rows * apart + 5;
  std::vector<T> values(static_cast<std::size_t>(count * far));
  for (T& value : values) value = normal(generator);
  auto device = to_device(exec, values);
  return {{count, rows, columns}, {far, apart, 1}, std::move(values), std::move(device)};
}

template <class T>
void GemmOn::expect_products(Extents<3> shape, index_t batch, index_t of_a, index_t of_b, bool transposed, T alpha,
                             T beta) {
  const auto [rows, inner, columns] = shape.n;
  auto a = numbers<T>(exec(), of_a, rows, inner, 1);
  auto b = numbers<T>(exec(), of_b, transposed ? columns : inner, transposed ? inner : columns, 2);
  auto c = numbers<T>(exec(), batch, rows, columns, 3);
  if (beta == 0)  // what was there does not matter
    c.device = to_device(exec(), std::vector<T>(c.host.size(), std::numeric_limits<T>::quiet_NaN()));
  gemm(exec(), {.a = a.view(), .b = b.view(), .transposed = transposed, .alpha = alpha, .beta = beta}, c.view());
  const auto found = to_host(exec(), c.device.view());
  for (index_t n = 0; n < batch; ++n)
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < columns; ++j) {
        double sum = 0, sizes = 0;
        for (index_t s = 0; s < inner; ++s) {
          const double term = double(a(n, i, s)) * double(transposed ? b(n, j, s) : b(n, s, j));
          sum += term;
          sizes += std::fabs(term);
        }
        const double want = double(alpha) * sum + double(beta) * double(c(n, i, j));
        const double size = std::fabs(double(alpha)) * sizes + std::fabs(double(beta) * double(c(n, i, j)));
        // a rounding for each of the products and sums, in any order
        const index_t at = n * c.strides[0] + i * c.strides[1] + j;
        ASSERT_NEAR(double(found.data()[at]), want,
                    double(inner + 2) * double(std::numeric_limits<T>::epsilon()) * size)
            << rows << " x " << inner << " x " << columns << ": " << n << ", " << i << ", " << j;
      }
}

// Sizes that are multiples of a tile of 16 and 32 and that are not, odd and even; one row, one column, one term.
TEST_P(GemmOn, IsThatOfPlainLoops) {
  for (const Extents<3> shape : {Extents<3>{70, 37, 135},
                                 {64, 32, 96},
                                 {33, 130, 65},
                                 {1, 37, 135},
                                 {70, 37, 1},
                                 {70, 1, 135},
                                 {1, 300, 1},
                                 {1, 1, 1}})
    for (const bool transposed : {false, true}) {
      expect_products<double>(shape, 3, 3, 1, transposed, -2, 0.5);
      expect_products<double>(shape, 2, 1, 2, transposed, 1, 0);
      expect_products<float>(shape, 3, 1, 3, transposed, -2, 0.5);
      expect_products<float>(shape, 1, 1, 1, transposed, 1, 0);
    }
}

/// More than 1024 tiles, which are made larger: of 521 rows, halves.
TEST_P(GemmOn, OfLargeMatrices) {
  if (exec().on_cuda()) GTEST_SKIP() << "the CPU's tiles";
  expect_products<float>({521, 2, 15000}, 1, 1, 1, false, 1, 0);
  expect_products<double>({65, 3, 66000}, 1, 1, 1, false, 2, 1);
}

TEST_P(GemmOn, LetsANanReachTheRowOrTheColumnItBelongsTo) {
  const index_t rows = 37, inner = 21, columns = 43;
  const auto expect_nan = [&](auto a, auto b, auto c, bool transposed, double beta, index_t row, index_t column) {
    a.device = to_device(exec(), a.host);
    b.device = to_device(exec(), b.host);
    c.device = to_device(exec(), c.host);
    using T = typename decltype(a.host)::value_type;
    gemm(exec(), {.a = a.view(), .b = b.view(), .transposed = transposed, .beta = static_cast<T>(beta)}, c.view());
    const auto found = to_host(exec(), c.device.view());
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < columns; ++j)
        ASSERT_EQ(std::isnan(found.data()[i * c.strides[1] + j]), (row < 0 || i == row) && (column < 0 || j == column))
            << i << ", " << j;
  };
  const auto expect_all = [&]<class T>(T nan) {
    for (const bool transposed : {false, true}) {
      const auto made = [&](double beta, index_t row, index_t column) {
        auto a = numbers<T>(exec(), 1, rows, inner, 1);
        auto b = numbers<T>(exec(), 1, transposed ? columns : inner, transposed ? inner : columns, 2);
        auto c = numbers<T>(exec(), 1, rows, columns, 3);
        if (column < 0) a.host[static_cast<std::size_t>(row * a.strides[1] + 20)] = nan;
        if (row < 0) b.host[static_cast<std::size_t>(transposed ? column * b.strides[1] : column)] = nan;
        if (row >= 0 && column >= 0) c.host[static_cast<std::size_t>(row * c.strides[1] + column)] = nan;
        expect_nan(std::move(a), std::move(b), std::move(c), transposed, beta, row, column);
      };
      made(0, 36, -1);
      made(0, -1, 42);
      made(1, 5, 42);
    }
  };
  expect_all(std::numeric_limits<double>::quiet_NaN());
  expect_all(std::numeric_limits<float>::quiet_NaN());
}

TEST_P(GemmOn, MakesTheLowerTriangleWhereThatIsEnough) {
  const index_t rows = 19, inner = 40;
  auto a = numbers<double>(exec(), 1, rows, inner, 1);
  Array<double, 2> whole(exec(), {rows, rows}), half(exec(), {rows, rows});
  fill_zero(exec(), half.view());
  gemm(exec(), {.a = a.view(), .b = a.view(), .transposed = true}, batch_of_one(whole.view()));
  for (const double beta : {0.0, 1.0})
    gemm(exec(), {.a = a.view(), .b = a.view(), .transposed = true, .beta = beta, .lower_only = true},
         batch_of_one(half.view()));
  const auto want = to_host(exec(), whole.view());
  const auto found = to_host(exec(), half.view());
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j <= i; ++j)  // 2 x 40 products of size 1, whose sums are in any order
      EXPECT_NEAR(found.view()(i, j), 2 * want.view()(i, j), 1e-12);
}

TEST_P(GemmOn, RefusesWhatDoesNotFit) {
  Array<double, 3> wrong(exec(), {1, 2, 2}), right(exec(), {1, 3, 3}), wide(exec(), {1, 2, 3});
  EXPECT_THROW(gemm(exec(), {.a = wrong.view(), .b = right.view()}, wrong.view()), InvalidInput);
  EXPECT_THROW(gemm(exec(), {.a = wrong.view(), .b = wide.view(), .lower_only = true}, wide.view()), InvalidInput);
  const View<const double, 3> gaps(wide.data(), {1, 1, 2}, {0, 0, 2});
  EXPECT_THROW(gemm(exec(), {.a = gaps, .b = wrong.view()}, {wide.data(), {1, 1, 2}}), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(GemmOn);

}  // namespace
}  // namespace hci::test
