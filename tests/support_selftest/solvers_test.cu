// SPDX-License-Identifier: MIT
// cuSOLVER's calls that the benchmarks compare and kernels/ does not make.
#include <cmath>
#include <memory>

#include "tests/support_selftest/emulated_device.hpp"

namespace hci::test {
namespace {

class EmulatedSolver : public EmulatedDevice {
 protected:
  Exec exec = on_device(0);
};

TEST_F(EmulatedSolver, JacobiTakesABatch) {
  const std::vector<double> matrices{2, 1, 1, 2, 5, 0, 0, -3};
  const auto a = to_device(exec, matrices);
  Array<double, 1> w(exec, {4}), z(exec, {4 * 2});
  copy(exec, Vector<const double>(a.view()), z.view());
  syevjInfo_t made = nullptr;
  check(cusolverDnCreateSyevjInfo(&made));
  const std::unique_ptr<syevjInfo, cusolverStatus_t (*)(syevjInfo_t)> how(made, cusolverDnDestroySyevjInfo);
  const auto handle = exec.cuda().cusolver();
  const DeviceGuard guard(0);
  int size = 0;
  check(cusolverDnDsyevjBatched_bufferSize(handle, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER, 2, z.data(), 2,
                                           w.data(), &size, made, 2));
  Array<double, 1> work(exec, {size});
  Array<int, 1> info(exec, {2});
  const auto solve = [&](int given) {
    return cusolverDnDsyevjBatched(handle, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER, 2, z.data(), 2, w.data(),
                                   work.data(), given, info.data(), made, 2);
  };
  EXPECT_EQ(solve(size - 1), CUSOLVER_STATUS_INVALID_VALUE);
  EXPECT_EQ(solve(size), CUSOLVER_STATUS_SUCCESS);
  const auto values = to_host(exec, std::as_const(w).view()), vectors = to_host(exec, std::as_const(z).view());
  const double want[] = {1, 3, -3, 5};
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(values.data()[i], want[i], 1e-15);
  EXPECT_NEAR(std::fabs(vectors.data()[0]), std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(vectors.data()[0], -vectors.data()[1], 1e-15);
  EXPECT_NEAR(std::fabs(vectors.data()[7]), 0, 1e-15);  // of 5: along the first axis
}

/// Column-major 4 x 3, of rank one, with a gap between its columns: (1 2 3 4)ᵀ (2 -1 2).
TEST_F(EmulatedSolver, RandomizedFindsTheFirstSingularVectors) {
  constexpr index_t kRows = 4, kColumns = 3, kPitch = 6;
  std::vector<float> matrix;
  const float right[] = {2, -1, 2};
  for (const float column : right)
    for (index_t i = 0; i < kPitch; ++i) matrix.push_back(i < kRows ? static_cast<float>(i + 1) * column : -9.0F);
  const auto a = to_device(exec, matrix);
  Array<float, 1> s(exec, {kColumns}), u(exec, {kRows * kColumns}), v(exec, {kColumns * kColumns});
  const auto handle = exec.cuda().cusolver();
  const auto params = exec.cuda().cusolver_params();
  const DeviceGuard guard(0);
  std::size_t device = 0, host = 0;
  const auto ask = [&](index_t k, index_t p) {
    return cusolverDnXgesvdr_bufferSize(handle, params, 'S', 'S', kRows, kColumns, k, p, 2, CUDA_R_32F, a.data(),
                                        kPitch, CUDA_R_32F, s.data(), CUDA_R_32F, u.data(), kRows, CUDA_R_32F, v.data(),
                                        kColumns, CUDA_R_32F, &device, &host);
  };
  EXPECT_EQ(ask(2, 2), CUSOLVER_STATUS_INVALID_VALUE);  // more vectors than there are
  check(ask(1, 2));
  Array<std::byte, 1> work(exec, {static_cast<index_t>(device)});
  std::vector<std::byte> host_work(host);
  Array<int, 1> info(exec, {1});
  check(cusolverDnXgesvdr(handle, params, 'S', 'S', kRows, kColumns, 1, 2, 2, CUDA_R_32F, const_cast<float*>(a.data()),
                          kPitch, CUDA_R_32F, s.data(), CUDA_R_32F, u.data(), kRows, CUDA_R_32F, v.data(), kColumns,
                          CUDA_R_32F, work.data(), device, host_work.data(), host, info.data()));
  const auto values = to_host(exec, std::as_const(s).view());
  const auto left = to_host(exec, std::as_const(u).view()), of_rows = to_host(exec, std::as_const(v).view());
  const auto rest = to_host(exec, Vector<const float>(a.data(), {kPitch}));
  EXPECT_NEAR(values.data()[0], std::sqrt(30.0) * 3, 1e-5);
  const float sign = of_rows.data()[0] > 0 ? 1.0F : -1.0F;
  for (index_t i = 0; i < kColumns; ++i) EXPECT_NEAR(of_rows.data()[i], sign * right[i] / 3, 1e-6);
  for (index_t i = 0; i < kRows; ++i)
    EXPECT_NEAR(left.data()[i], sign * static_cast<float>(i + 1) / std::sqrt(30.0F), 1e-6);
  EXPECT_TRUE(std::isnan(rest.data()[0]));  // the matrix is not kept
  EXPECT_EQ(rest.data()[kRows], -9.0F);     // nor what lies between its columns touched
}

}  // namespace
}  // namespace hci::test
