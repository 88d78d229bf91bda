// SPDX-License-Identifier: MIT
#include "kernels/linalg/eigh_lanes_cpu.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hci::cpu {
namespace {

using Lanes = EighLanes::Lanes;
constexpr int kLanes = EighLanes::kLanes;
constexpr double kEps = std::numeric_limits<double>::epsilon();

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

// By reference, since passing wide registers by value is another ABI on each CPU.
inline void root(const Lanes& x, Lanes& out) {
  for (int lane = 0; lane < kLanes; ++lane) out[lane] = std::sqrt(x[lane]);
}
inline void absolute(const Lanes& x, Lanes& out) { out = x < 0 ? -x : x; }
inline void larger(const Lanes& x, Lanes& out) { out = x > out ? x : out; }
/// Keeps a pivot away from 0, as bisection and factorizations need it.
inline void keep_away(Lanes& pivot, const Lanes& least) {
  const Lanes size = pivot < 0 ? -pivot : pivot;
  pivot = size < least ? -least : pivot;
}

}  // namespace

void EighLanes::resize(index_t rows, index_t pairs) {
  n_ = rows;
  k_ = pairs;
  row_ = n_ | 1;
  a_.resize(at(n_ * row_));
  reflectors_.resize(at(n_ * n_));
  for (auto* vector : {&d_, &e_, &e2_, &tau_, &p_, &q_, &forward_, &backward_}) vector->resize(at(n_));
  for (auto* vector : {&values_, &low_, &high_}) vector->resize(at(k_));
  z_.resize(at(k_ * n_));
}

/// a -= u qᵀ + q uᵀ, then p += a v, for the rows and columns from `first` on, of which the lower triangle is there:
/// in one pass, since the matrix comes from the second-level cache. Some rows at a time, as many as the registers hold,
/// so that an element of the vectors is loaded once for all of them.
void EighLanes::update_and_multiply(index_t first, const Lanes* u, const Lanes* q, const Lanes* v, Lanes* p) {
  constexpr int kTogether = 2;
  index_t i = first;
  for (; i + kTogether <= n_; i += kTogether) {
    Lanes* row[kTogether];
    Lanes sum[kTogether], ui[kTogether], qi[kTogether], vi[kTogether];
    for (int r = 0; r < kTogether; ++r) {
      row[r] = &a_[at((i + r) * row_)];
      ui[r] = u[i + r];
      qi[r] = q[i + r];
      vi[r] = v[i + r];
      sum[r] = Lanes{};
    }
    for (index_t c = first; c < i; ++c) {
      const Lanes uc = u[c], qc = q[c], vc = v[c];
      Lanes pc = p[c];
      for (int r = 0; r < kTogether; ++r) {
        const Lanes x = row[r][c] - ui[r] * qc - qi[r] * uc;
        row[r][c] = x;
        sum[r] += x * vc;
        pc += x * vi[r];
      }
      p[c] = pc;
    }
    for (int r = 0; r < kTogether; ++r) {
      for (int c = 0; c <= r; ++c) {
        const Lanes x = row[r][i + c] - ui[r] * qi[c] - qi[r] * ui[c];
        row[r][i + c] = x;
        sum[r] += x * vi[c];
        if (c < r) sum[c] += x * vi[r];
      }
    }
    for (int r = 0; r < kTogether; ++r) p[i + r] += sum[r];
  }
  for (; i < n_; ++i) {
    Lanes* const row = &a_[at(i * row_)];
    const Lanes ui = u[i], qi = q[i], vi = v[i];
    Lanes sum{};
    for (index_t c = first; c < i; ++c) {
      row[c] -= ui * q[c] + qi * u[c];
      sum += row[c] * v[c];
      p[c] += row[c] * vi;
    }
    row[i] -= 2 * ui * qi;
    p[i] += sum + row[i] * vi;
  }
}

/// d, e: the tridiagonal matrix; reflectors_ row j: v of H_j = 1 - tau v vᵀ, from index j + 1. What H_j does to the
/// rest, a - u qᵀ - q uᵀ, is done to the next column at once, to what is behind it when that is multiplied.
void EighLanes::tridiagonalize() {
  std::fill(p_.begin(), p_.end(), Lanes{});
  std::fill(q_.begin(), q_.end(), Lanes{});
  const Lanes* u = q_.data();  // nothing to be done before the first
  for (index_t j = 0; j < n_; ++j) {
    for (index_t i = j; i < n_; ++i) lower(i, j) -= u[i] * q_[at(j)] + q_[at(i)] * u[j];
    d_[at(j)] = lower(j, j);
    if (j + 1 == n_) break;
    Lanes* const v = &reflectors_[at(j * n_)];
    Lanes rest{};
    for (index_t i = j + 2; i < n_; ++i) rest += lower(i, j) * lower(i, j);
    const Lanes alpha = lower(j + 1, j);
    Lanes length;
    root(alpha * alpha + rest, length);
    const auto done = rest == 0;  // nothing to be reflected
    const Lanes beta = done ? alpha : (alpha > 0 ? -length : length);
    const Lanes nowhere{}, one = nowhere + 1;
    const Lanes tau = done ? nowhere : (beta - alpha) / (done ? one : beta);
    const Lanes scale = done ? nowhere : 1 / (done ? one : alpha - beta);
    e_[at(j)] = beta;
    tau_[at(j)] = tau;
    v[j + 1] = one;
    for (index_t i = j + 2; i < n_; ++i) v[i] = lower(i, j) * scale;
    if (j + 2 >= n_) continue;

    Lanes* const p = p_.data();
    for (index_t i = j + 1; i < n_; ++i) p[i] = nowhere;
    update_and_multiply(j + 1, u, q_.data(), v, p);
    Lanes product{};
    for (index_t i = j + 1; i < n_; ++i) {
      p[i] *= tau;
      product += p[i] * v[i];
    }
    const Lanes half = 0.5 * tau * product;
    for (index_t i = j + 1; i < n_; ++i) p[i] -= half * v[i];
    p_.swap(q_);
    u = v;
  }
}

/// Intervals of 2^-32 of the first around each wanted eigenvalue, by counting those above a point.
void EighLanes::bisect() {
  Lanes least{}, most{};
  norm_ = least;
  for (index_t i = 0; i < n_; ++i) {
    Lanes radius{}, side;
    if (i > 0) absolute(e_[at(i - 1)], side), radius += side;
    if (i + 1 < n_) {
      absolute(e_[at(i)], side), radius += side;
      e2_[at(i)] = e_[at(i)] * e_[at(i)];
    }
    const Lanes below = d_[at(i)] - radius, above = d_[at(i)] + radius;
    least = i == 0 ? below : (below < least ? below : least);
    most = i == 0 ? above : (above > most ? above : most);
  }
  Lanes size;
  absolute(least, size), larger(size, norm_);
  absolute(most, size), larger(size, norm_);
  // A pivot of exactly 0 counts as above, then: the next one is minus infinity, since no coupling is 0.
  for (index_t i = 0; i + 1 < n_; ++i) larger(Lanes{} + std::numeric_limits<double>::min(), e2_[at(i)]);
  const Lanes margin = norm_ * (2 * kEps * static_cast<double>(n_));
  const Lanes low = least - margin, high = most + margin;
  for (index_t first = 0; first < k_;) {
    const index_t left = k_ - first, count = left > 5 || left == 4 ? 4 : left > 2 ? 3 : left;
    if (count == 4) bisect_together<4>(first, low, high);
    if (count == 3) bisect_together<3>(first, low, high);
    if (count == 2) bisect_together<2>(first, low, high);
    if (count == 1) bisect_together<1>(first, low, high);
    first += count;
  }
}

/// Several eigenvalues at a time, so that their divisions overlap.
template <int kTogether>
void EighLanes::bisect_together(index_t first, const Lanes& least, const Lanes& most) {
  Lanes low[kTogether], high[kTogether], x[kTogether], q[kTogether], above[kTogether];
  const Lanes nothing{}, one = nothing + 1;
  for (int t = 0; t < kTogether; ++t) low[t] = least, high[t] = most;
  for (int step = 0; step < 32; ++step) {
    for (int t = 0; t < kTogether; ++t) {
      x[t] = 0.5 * (low[t] + high[t]);
      q[t] = d_[0] - x[t];
      above[t] = q[t] >= 0 ? one : nothing;
    }
    for (index_t i = 1; i < n_; ++i)
      for (int t = 0; t < kTogether; ++t) {
        q[t] = d_[at(i)] - x[t] - e2_[at(i - 1)] / q[t];
        above[t] += q[t] >= 0 ? one : nothing;
      }
    for (int t = 0; t < kTogether; ++t) {
      const auto enough = above[t] > static_cast<double>(first + t);
      low[t] = enough ? x[t] : low[t];
      high[t] = enough ? high[t] : x[t];
    }
  }
  for (int t = 0; t < kTogether; ++t) low_[at(first + t)] = low[t], high_[at(first + t)] = high[t];
}

/// T - s from the top and from the bottom; they meet where the vector is largest. The vector of the
/// meeting point and its Rayleigh quotient converge cubically: two or three steps do, and all lanes take as many.
void EighLanes::iterate(index_t pair) {
  Lanes* const z = &z_[at(pair * n_)];
  Lanes s = 0.5 * (low_[at(pair)] + high_[at(pair)]);
  const Lanes nothing{}, one = nothing + 1;
  const Lanes tiny = norm_ * kEps * kEps + std::numeric_limits<double>::min(), rounding = norm_ * kEps;
  for (int step = 0; step < 4; ++step) {
    Lanes pivot = d_[0] - s;  // only their inverses are kept: divisions take longest here
    keep_away(pivot, tiny);
    forward_[0] = 1 / pivot;
    for (index_t i = 1; i < n_; ++i) {
      pivot = d_[at(i)] - s - e2_[at(i - 1)] * forward_[at(i - 1)];
      keep_away(pivot, tiny);
      forward_[at(i)] = 1 / pivot;
    }
    Lanes meet = pivot, smallest, place = nothing + static_cast<double>(n_ - 1);
    absolute(meet, smallest);
    pivot = d_[at(n_ - 1)] - s;
    keep_away(pivot, tiny);
    backward_[at(n_ - 1)] = 1 / pivot;
    for (index_t i = n_ - 2; i >= 0; --i) {
      const Lanes coupling = e2_[at(i)] * backward_[at(i + 1)];
      pivot = d_[at(i)] - s - coupling;
      keep_away(pivot, tiny);
      backward_[at(i)] = 1 / pivot;
      const Lanes from_top = i > 0 ? e2_[at(i - 1)] * forward_[at(i - 1)] : nothing;
      const Lanes gamma = d_[at(i)] - s - from_top - coupling;
      Lanes size;
      absolute(gamma, size);
      const auto better = size < smallest;
      smallest = better ? size : smallest;
      meet = better ? gamma : meet;
      place = better ? nothing + static_cast<double>(i) : place;
    }
    z[n_ - 1] = place == static_cast<double>(n_ - 1) ? one : nothing;
    for (index_t i = n_ - 2; i >= 0; --i) {
      const Lanes up = -e_[at(i)] * forward_[at(i)] * z[i + 1];
      const double here = static_cast<double>(i);
      z[i] = place == here ? one : (place > here ? up : nothing);
    }
    Lanes squares = z[0] * z[0];
    for (index_t i = 1; i < n_; ++i) {
      const Lanes down = -e_[at(i - 1)] * backward_[at(i)] * z[i - 1];
      z[i] = place < static_cast<double>(i) ? down : z[i];
      squares += z[i] * z[i];
    }
    s += meet / squares;
    Lanes length;
    root(squares, length);
    const Lanes factor = 1 / length;
    for (index_t i = 0; i < n_; ++i) z[i] *= factor;
    const auto open =
        smallest * factor > rounding;  // the residual of z; of what has converged the next one is as large
    bool any = false;
    for (int lane = 0; lane < kLanes; ++lane) any = any || open[lane] != 0;
    if (!any) break;
  }
  values_[at(pair)] = s;
}

void EighLanes::orthogonalize(index_t pair) {
  Lanes* const z = &z_[at(pair * n_)];
  for (index_t before = 0; before < pair; ++before) {
    const Lanes* const other = &z_[at(before * n_)];
    Lanes product{};
    for (index_t i = 0; i < n_; ++i) product += z[i] * other[i];
    for (index_t i = 0; i < n_; ++i) z[i] -= product * other[i];
    Lanes size;
    absolute(product, size);
    good_ = size < 1e-3 ? good_ : Lanes{};  // the same vector twice
  }
  Lanes squares{}, length;
  for (index_t i = 0; i < n_; ++i) squares += z[i] * z[i];
  root(squares, length);
  const Lanes factor = 1 / length;
  for (index_t i = 0; i < n_; ++i) z[i] *= factor;
}

/// An eigenpair of T it is where T z = s z at the level of rounding, and the wanted one where s lies
/// in the interval of the bisection.
void EighLanes::check(index_t pair) {
  const Lanes* const z = &z_[at(pair * n_)];
  const Lanes s = values_[at(pair)];
  Lanes squares{};
  for (index_t i = 0; i < n_; ++i) {
    Lanes r = (d_[at(i)] - s) * z[i];
    if (i > 0) r += e_[at(i - 1)] * z[i - 1];
    if (i + 1 < n_) r += e_[at(i)] * z[i + 1];
    squares += r * r;
  }
  const Lanes bound = norm_ * (2 * kEps * static_cast<double>(n_));
  const Lanes nothing{};
  good_ = squares <= bound * bound ? good_ : nothing;  // NaN is not good
  good_ = s >= low_[at(pair)] - bound ? good_ : nothing;
  good_ = s <= high_[at(pair)] + bound ? good_ : nothing;
}

/// Some vectors at a time, so that the reflectors are loaded once for all of them.
template <int kTogether>
void EighLanes::transform_back(index_t first) {
  Lanes* z[kTogether];
  for (int t = 0; t < kTogether; ++t) z[t] = &z_[at((first + t) * n_)];
  for (index_t j = n_ - 3; j >= 0; --j) {
    const Lanes* const v = &reflectors_[at(j * n_)];
    Lanes product[kTogether]{};
    for (index_t i = j + 1; i < n_; ++i)
      for (int t = 0; t < kTogether; ++t) product[t] += v[i] * z[t][i];
    for (int t = 0; t < kTogether; ++t) product[t] *= tau_[at(j)];
    for (index_t i = j + 1; i < n_; ++i)
      for (int t = 0; t < kTogether; ++t) z[t][i] -= product[t] * v[i];
  }
}

unsigned EighLanes::solve() {
  good_ = Lanes{} + 1;
  tridiagonalize();
  bisect();
  for (index_t pair = 0; pair < k_; ++pair) {
    iterate(pair);
    orthogonalize(pair);
    check(pair);
  }
  index_t pair = 0;
  for (; pair + 4 <= k_; pair += 4) transform_back<4>(pair);
  for (; pair + 2 <= k_; pair += 2) transform_back<2>(pair);
  if (pair < k_) transform_back<1>(pair);
  unsigned right = 0;
  for (int lane = 0; lane < kLanes; ++lane)
    if (good_[lane] == 1) right |= 1U << lane;
  return right;
}

}  // namespace hci::cpu
