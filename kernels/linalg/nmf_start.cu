// SPDX-License-Identifier: MIT
#include "kernels/linalg/nmf_start.hpp"

#include <cmath>
#include <vector>

#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/subtract_product.hpp"
#include "kernels/linalg/sum_in_parts.hpp"
#include "kernels/random/philox.hpp"

// Once for each factorisation. Floors for (489, 44100), k = 20, H200 (4.3 TB/s; 67 and 34 TFLOP/s) and GTX 1080 (0.32
// TB/s; 8.9 and 0.28 TFLOP/s):
//   the Gram matrix, 10.6 GFLOP in double: 0.3 and 38 ms (gram.cu), and its pairs (eigh_top.cu), which are all that
//     counts;
//   v = uᵀ x, 2 k t p = 0.9 GFLOP in float on 86 MB: 20 us, bound by memory, and 0.27 ms;
//   squares by sign: 4 bytes and 2 flops in double a number of v, 3.5 MB: 1 and 11 us; a thread has 1024 columns, so
//   that
//     900 threads add up 1024 numbers one after the other, some 10 us on either;
//   the choice: 8 bytes and 3 flops a number, 7 MB: 2 and 22 us.
//   Random factors: 0.9 M numbers of some 100 integer operations and 60 flops in double each: 2 us and 0.2 ms.
// Blocks of 32 x 8 threads of for_each(), neighbours along a row.

namespace hci {
namespace {

constexpr std::uint32_t kPurposeW = 0x4E4D4657, kPurposeH = 0x4E4D4648;  // "NMFW", "NMFH"

template <class T>
struct FillRandom {
  std::uint64_t seed;
  std::uint32_t purpose;
  double scale;
  Matrix<T> out;
  HCI_HD void operator()(index_t i, index_t j) const {
    RandomStream stream(seed, purpose, static_cast<std::uint64_t>(i * out.extent(1) + j));
    out(i, j) = static_cast<T>(std::fabs(stream.normal()) * scale);
  }
};

/// c(j, t) = - u(j, t) / singular(j), 0 where the component does not exist.
struct MinusOverSingular {
  Matrix<const double> u;
  Vector<const double> values;
  double least;
  Matrix<float> c;
  HCI_HD void operator()(index_t j, index_t t) const {
    c(j, t) = values(j) > least ? static_cast<float>(-u(j, t) / std::sqrt(values(j))) : 0.0F;
  }
};

/// Sums of squares, over a chunk of a row, of the positive and of the negative numbers.
struct SquaresBySign {
  Matrix<const float> v;
  View<double, 3> sums;  // (row, chunk, sign)
  HCI_HD void operator()(index_t j, index_t chunk) const {
    const auto [first, last] = chunk_of(v.extent(1), chunk);
    double squares[2] = {0, 0};
    for (index_t p = first; p < last; ++p) {
      const double value = static_cast<double>(v(j, p));
      squares[value < 0 ? 1 : 0] += value * value;
    }
    sums(j, chunk, 0) = squares[0];
    sums(j, chunk, 1) = squares[1];
  }
};

/// What becomes of row j of V or column j of U: the part of one sign (0: the absolute value), scaled;
/// what is below kSmall is `instead`.
struct Choice {
  double sign, scale;
};
constexpr double kSmall = 1e-6;
HCI_HD double chosen(const Choice& choice, double value, double instead) {
  const double part = choice.sign == 0 ? std::fabs(value) : std::fmax(choice.sign * value, 0.0);
  return part * choice.scale < kSmall ? instead : part * choice.scale;
}
struct ChooseH {
  Vector<const Choice> choices;
  double instead;
  Matrix<float> h;
  HCI_HD void operator()(index_t j, index_t p) const {
    h(j, p) = static_cast<float>(chosen(choices(j), static_cast<double>(h(j, p)), instead));
  }
};
struct ChooseW {
  Vector<const Choice> choices;
  Matrix<const double> u;  // (component, t)
  double instead;
  Matrix<double> w;
  HCI_HD void operator()(index_t t, index_t j) const { w(t, j) = chosen(choices(j), u(j, t), instead); }
};

/// Which sign of each singular pair holds more, and the factors that give both sides the same weight.
void choose(const Array<double, 2>& u, const Array<double, 1>& values, const Array<double, 3>& squares,
            std::vector<Choice>& of_w, std::vector<Choice>& of_h) {
  for (index_t j = 0; j < u.extent(0); ++j) {
    const double root = std::sqrt(std::sqrt(std::fmax(values.view()(j), 0.0)));  // of the singular value
    if (j == 0) {
      of_w.push_back({0, root});
      of_h.push_back({0, root});
      continue;
    }
    double of_u[2] = {0, 0}, of_v[2] = {0, 0};
    for (index_t t = 0; t < u.extent(1); ++t) of_u[u.view()(j, t) < 0 ? 1 : 0] += std::pow(u.view()(j, t), 2);
    for (index_t c = 0; c < squares.extent(1); ++c)
      for (index_t sign = 0; sign < 2; ++sign) of_v[sign] += squares.view()(j, c, sign);
    const int sign = of_u[0] * of_v[0] > of_u[1] * of_v[1] ? 0 : 1;
    const double norm_u = std::sqrt(of_u[sign]), norm_v = std::sqrt(of_v[sign]), scale = std::sqrt(norm_u * norm_v);
    const bool exists = norm_u > 0 && norm_v > 0;
    of_w.push_back({sign == 0 ? 1.0 : -1.0, exists ? root * scale / norm_u : 0});
    of_h.push_back({sign == 0 ? 1.0 : -1.0, exists ? root * scale / norm_v : 0});
  }
}

void start_from_svd(Exec& exec, Matrix<const float> x, double instead, Matrix<double> w, Matrix<float> h) {
  const index_t rows = x.extent(0), components = w.extent(1);
  Array<double, 2> g(exec, {rows, rows}), u(exec, {components, rows});
  Array<double, 1> values(exec, {components});
  gram(exec, x, {}, g.view());
  eigh_top(exec, g.view(), components, values.view(), u.view());
  const auto host_values = to_host(exec, values.view());
  const auto host_u = to_host(exec, u.view());
  const double least = static_cast<double>(rows) * 2.3e-16 * host_values.view()(0);
  Array<float, 2> c(exec, {components, rows});
  for_each(exec, c.extents(), MinusOverSingular{u.view(), values.view(), least, c.view()});
  fill_zero(exec, h);
  subtract_product(exec, c.view(), x, h, h);
  Array<double, 3> squares(exec, {components, chunks_of(h.extent(1)), 2});
  for_each(exec, Extents<2>{components, squares.extent(1)}, SquaresBySign{h, squares.view()});
  std::vector<Choice> of_w, of_h;
  choose(host_u, host_values, to_host(exec, squares.view()), of_w, of_h);
  const auto choices_w = to_device(exec, std::move(of_w));
  const auto choices_h = to_device(exec, std::move(of_h));
  for_each(exec, h.extents(), ChooseH{choices_h.view(), instead, h});
  for_each(exec, w.extents(), ChooseW{choices_w.view(), u.view(), instead, w});
}

}  // namespace

double mean_of(Exec& exec, Matrix<const float> x) {
  Array<double, 1> sums(exec, {x.extent(0)});
  row_sums(exec, x, {}, sums.view());
  const auto host = to_host(exec, sums.view());
  double sum = 0;
  for (index_t t = 0; t < host.size(); ++t) sum += host.data()[t];
  return sum / static_cast<double>(x.size());
}

void nmf_start(Exec& exec, Matrix<const float> x, NmfStart start, std::uint64_t seed, Matrix<double> w,
               Matrix<float> h) {
  if (start == NmfStart::nndsvd) return start_from_svd(exec, x, 0, w, h);
  const double mean = mean_of(exec, x);
  if (start == NmfStart::nndsvda) return start_from_svd(exec, x, mean, w, h);
  const double scale = std::sqrt(mean / static_cast<double>(w.extent(1)));
  for_each(exec, w.extents(), FillRandom<double>{seed, kPurposeW, scale, w});
  for_each(exec, h.extents(), FillRandom<float>{seed, kPurposeH, scale, h});
}

}  // namespace hci
