// SPDX-License-Identifier: MIT
// Library calls on a device that is not the caller's current one.
#include <gtest/gtest.h>

#include "kernels/image/fft.hpp"
#include "kernels/image/fft2.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/subtract_product.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#if HCI_HAVE_CUDA
#include "kernels/core/cuda.hpp"

namespace hci::test {
namespace {

template <class T, int N>
void append(std::vector<double>& all, Exec& exec, View<T, N> values) {
  const auto host = to_host(exec, values);
  for (index_t i = 0; i < host.size(); ++i) all.push_back(static_cast<double>(host.data()[i]));
}

/// What the kernels that call cuBLAS, cuSOLVER and cuFFT answer on an Exec.
std::vector<double> answers_on(int device) {
  Exec exec(Device{Device::Kind::cuda, device});
  const index_t frames = 12, pixels = 40, k = 5;
  const auto x = device_matrix(exec, speckle_rows(frames, pixels), frames, pixels);
  const Matrix<const float> rows = static_cast<const Array<float, 2>&>(x).view();
  std::vector<double> all;

  Array<double, 2> g(exec, {frames, frames}), cross(exec, {frames, frames - 3});
  gram(exec, rows, {}, g.view());
  cross_gram(exec, rows, slice(rows, 3, frames - 3), {}, cross.view());
  append(all, exec, g.view());
  append(all, exec, cross.view());

  Array<double, 1> values(exec, {k});
  Array<double, 2> vectors(exec, {k, frames}), each(exec, {2, k});
  Array<double, 3> each_vectors(exec, {2, k, frames});
  eigh_top(exec, g.view(), k, values.view(), vectors.view());
  eigh_top_subsets(exec, {g.data(), {1, frames, frames}}, {{0, 1, 2, 3, 4, 5, 6}, {2, 3, 5, 7, 8, 11}}, k, each.view(),
                   each_vectors.view());
  append(all, exec, values.view());
  append(all, exec, vectors.view());
  append(all, exec, each_vectors.view());

  Array<float, 2> residual(exec, {frames, pixels});
  const auto left = device_matrix(exec, std::vector<float>(12 * 12, 0.1F), frames, frames);
  const Matrix<const float> c = static_cast<const Array<float, 2>&>(left).view();
  subtract_product(exec, c, rows, rows, residual.view());
  append(all, exec, residual.view());
  subtract_product(exec, slice(c, 0, 12), slice(c, 0, 12), rows, rows, residual.view());
  append(all, exec, residual.view());

  const auto reals = to_device(exec, std::vector<double>{1, 2, 4, 8, 16, 32, 64, 128});
  Array<Complex, 2> spectrum(exec, {1, 5});
  Array<double, 2> back(exec, {1, 8});
  fft_rows(exec, {reals.data(), {1, 8}}, spectrum.view());
  inverse_fft_rows(exec, spectrum.view(), back.view());
  append(all, exec, back.view());
  const auto frame = to_device(exec, std::vector<std::complex<float>>{1, 2, 4, 8, 16, 32});
  Array<std::complex<float>, 3> plane(exec, {1, 2, 3});
  fft2(exec, {frame.data(), {1, 2, 3}}, plane.view(), FftDirection::forward);
  const auto host = to_host(exec, plane.view());
  for (index_t i = 0; i < host.size(); ++i) all.insert(all.end(), {host.data()[i].real(), host.data()[i].imag()});
  return all;
}

TEST(SecondDevice, AnswersAsTheFirstWhicheverIsCurrent) {
  if (available_devices().size() < 3) GTEST_SKIP() << "cuda:1 is not there";
  const std::vector<double> want = answers_on(0);
  for (const int current : {0, 1}) {
    const DeviceGuard guard(current);
    EXPECT_EQ(answers_on(1), want) << "device " << current << " is current";
    EXPECT_EQ(answers_on(0), want) << "device " << current << " is current";
  }
}

TEST(FftCalls, TakeTheirWorkAreaFromTheExec) {
  if (available_devices().size() < 2) GTEST_SKIP() << "cuda:0 is not there";
  Exec exec(Device{Device::Kind::cuda, 0});
  const index_t n = 134;  // 2 x 67: such lengths need room
  const FftPlan plan = exec.cuda().fft_plan(CUFFT_D2Z, static_cast<int>(n), 1000);
  ASSERT_GT(plan.work_bytes, 0u);
  Array<double, 2> rows(exec, {1000, n});
  Array<Complex, 2> spectrum(exec, {1000, n / 2 + 1});
  fill_zero(exec, rows.view());
  const std::size_t before = exec.memory()->bytes_in_use();
  fft_rows(exec, rows.view(), spectrum.view());
  EXPECT_EQ(exec.memory()->bytes_in_use(), before);
  EXPECT_EQ(exec.memory()->peak_bytes(), before + plan.work_bytes);
  EXPECT_EQ(to_host(exec, spectrum.view()).data()[5000].re, 0.0);
}

}  // namespace
}  // namespace hci::test
#endif
