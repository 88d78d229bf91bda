// SPDX-License-Identifier: MIT
#include "kernels/linalg/subspace.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/linalg/cholesky_qr.hpp"
#include "kernels/linalg/eigh_crossover.hpp"
#include "kernels/linalg/eigh_dense.hpp"
#include "kernels/linalg/gemm.hpp"
#include "kernels/linalg/jacobi.hpp"
#include "kernels/linalg/sum_in_parts.hpp"
#include "kernels/random/philox.hpp"

// Floors for n = 489 and blocks of r = 28 vectors: a block costs 2 n^2 r flops of products (13 MFLOP) and about 16 n u
// r of orthonormality and residuals for a space of u vectors (20 MFLOP), on matrices of 1.9 and 0.7 MB that stay in the
// cache: 1 us on an H200 (34 TFLOP/s in double), 0.12 ms on a GTX 1080 (0.28 TFLOP/s). Its 30 launches and calls take
// 0.15 ms on either, and each look a wait of 20 us: one problem is bound by latency, which a batch hides.
// Shape: the functors have a thread for each number of a block, neighbours along a row; sums along rows are cut into
// chunks of 128 (four for n = 489), added up on the host with what comes down for the decision anyway.

namespace hci {
namespace {

using crossover::kOversampling;
constexpr index_t kResidualChunk = 128;  // elements of a residual that one thread adds up
constexpr std::uint32_t kPurpose = 0x5B5;

/// How large the space grows, how many of its Ritz vectors survive a restart (a space of few blocks needs more of
/// them), and how often they are looked at.
struct Shape {
  index_t wanted, block, capacity, kept, blocks_for_each_look;
};
Shape shape_for(Exec& exec, index_t n, index_t k, index_t space_blocks = 0) {
  const index_t block = std::min(k + kOversampling, n);
  if (space_blocks > 0) return {k, block, space_blocks * block, block, 2};
  if (!exec.on_cuda()) return {k, block, crossover::kSubspaceBlocksCpu * block, block, 2};
  // Three blocks that Jacobi can diagonalize on this device are faster than more of them by cuSOLVER.
  if (exec.tuned() && 3 * block <= jacobi_most_rows(exec)) return {k, block, 3 * block, 2 * block, 1};
  return {k, block, crossover::kSubspaceBlocksCuda * block, block, 2};
}

/// v(b, r, i): the given start, then random numbers that depend on (seed, r, i) alone. Only rows that are
/// not alive, where that is said.
struct Begin {
  View<const double, 3> start;
  Matrix<const std::uint8_t> member, alive;
  std::uint64_t seed;
  std::uint32_t purpose;
  View<double, 3> v;
  HCI_HD void operator()(index_t b, index_t r, index_t i) const {
    if (alive.size() > 0 && alive(b, r) != 0) return;
    const bool given = alive.size() == 0 && start.size() > 0 && r < start.extent(1);
    double value = 0;
    if (given)
      value = start(start.extent(0) == 1 ? 0 : b, r, i);
    else
      value = RandomStream(seed, purpose, static_cast<std::uint64_t>(r * v.extent(2) + i)).normal();
    v(b, r, i) = member.size() > 0 && member(b, i) == 0 ? 0 : value;
  }
};

/// The new rows and columns of the projected matrix, from products(b, i, j) = q_i . w_(first + j).
struct StoreProjected {
  View<const double, 3> products;
  index_t first;
  View<double, 3> h;
  HCI_HD void operator()(index_t b, index_t i, index_t j) const {
    const index_t column = first + j;
    const double value = i < first ? products(b, i, j) : 0.5 * (products(b, i, j) + products(b, column, i - first));
    h(b, i, column) = value;
    if (i < first) h(b, column, i) = value;  // among the new ones, (column, i) is a pair of its own
  }
};

/// The projected matrix, dense. Dead rows get a negative eigenvalue, below the rounding of the positive
/// ones and of 0: zero vectors must not be taken for eigenvectors.
struct TakeProjected {
  View<const double, 3> h;
  Matrix<const std::uint8_t> alive;
  View<double, 3> out;
  HCI_HD void operator()(index_t b, index_t i, index_t j) const {
    double value = h(b, i, j);
    if (alive(b, i) == 0 || alive(b, j) == 0) {
      value = 0;
      if (i == j) {
        double most = 0;
        for (index_t d = 0; d < out.extent(1); ++d) {
          const double size = alive(b, d) != 0 ? std::fabs(h(b, d, d)) : 0;
          most = size > most ? size : most;
        }
        value = most > 0 ? -0.125 * most : -1;
      }
    }
    out(b, i, j) = value;
  }
};

/// r <- r - w u, and the sums of its squares over chunks.
struct Residual {
  View<const double, 3> u;
  Matrix<const double> values;
  View<double, 3> r, squares;
  HCI_HD void operator()(index_t b, index_t j, index_t chunk) const {
    const auto [first, last] = chunk_of(r.extent(2), chunk, kResidualChunk);
    double sum = 0;
    for (index_t i = first; i < last; ++i) {
      const double value = r(b, j, i) - values(b, j) * u(b, j, i);
      r(b, j, i) = value;
      sum += value * value;
    }
    squares(b, j, chunk) = sum;
  }
};

/// The results of problems that have just converged.
struct TakeResults {
  Vector<const std::uint8_t> wanted;
  Matrix<const double> found;
  View<const double, 3> u;
  Matrix<double> values;
  View<double, 3> vectors;
  HCI_HD void operator()(index_t b, index_t j, index_t i) const {
    if (wanted(b) == 0) return;
    vectors(b, j, i) = u(b, j, i);
    if (i == 0) values(b, j) = found(b, j);
  }
};

/// Residuals number from(b, r) at unit length; a zero row for -1.
struct TakeResiduals {
  View<const double, 3> residuals;
  Matrix<const index_t> from;
  Matrix<const double> factors;
  View<double, 3> out;
  HCI_HD void operator()(index_t b, index_t r, index_t i) const {
    const index_t j = from(b, r);
    out(b, r, i) = j < 0 ? 0 : residuals(b, j, i) * factors(b, r);
  }
};

struct CopyRows {
  View<const double, 3> from;
  View<double, 3> to;
  HCI_HD void operator()(index_t b, index_t r, index_t i) const { to(b, r, i) = from(b, r, i); }
};

/// After a restart: the Ritz values on the diagonal.
struct StoreDiagonal {
  Matrix<const double> values;
  View<double, 3> h;
  HCI_HD void operator()(index_t b, index_t i, index_t j) const { h(b, i, j) = i == j ? values(b, i) : 0; }
};

/// A Ritz vector is alive when it is made of rows that are.
struct StillAlive {
  View<const double, 3> s;
  Matrix<const std::uint8_t> before;
  Matrix<std::uint8_t> after;
  HCI_HD void operator()(index_t b, index_t j) const {
    double share = 0;
    for (index_t d = 0; d < s.extent(2); ++d)
      if (before(b, d) != 0) share += s(b, j, d) * s(b, j, d);
    after(b, j) = share > 0.5 ? 1 : 0;
  }
};

struct StoreAlive {
  Matrix<const std::uint8_t> from;
  index_t first;
  Matrix<std::uint8_t> to;
  HCI_HD void operator()(index_t b, index_t r) const { to(b, first + r) = from(b, r); }
};

/// Rows first .. first + count of every problem.
View<double, 3> rows_of(const View<double, 3>& v, index_t first, index_t count) {
  return {v.data() + first * v.stride(1), {v.extent(0), count, v.extent(2)}, v.strides()};
}

class Iteration {
 public:
  Iteration(Exec& exec, const SymmetricOperator& a, Matrix<double> values, View<double, 3> vectors,
            const SubspaceOptions& options)
      : exec_(exec),
        a_(a),
        values_(values),
        vectors_(vectors),
        options_(options),
        batch_(a.batch()),
        n_(a.order()),
        shape_(shape_for(exec, n_, values.extent(1), options.space_blocks)),
        tolerance_(options.tolerance > 0 ? options.tolerance
                                         : 2 * DBL_EPSILON * static_cast<double>(std::max<index_t>(n_, 64))),
        q_(exec, {batch_, shape_.capacity, n_}),
        w_(exec, {batch_, shape_.capacity, n_}),
        spare_(exec, {batch_, shape_.capacity, n_}),
        residuals_(exec, {batch_, shape_.block, n_}),
        h_(exec, {batch_, shape_.capacity, shape_.capacity}),
        alive_(exec, {batch_, shape_.capacity}) {
    report_.converged.assign(static_cast<std::size_t>(batch_), 0);
    given_up_ = report_.converged;
    former_excess_.assign(report_.converged.size(), 1);
  }

  SubspaceReport run() {
    begin();
    for (;;) {
      const index_t fresh = look();
      if (fresh == 0) return report_;
      if (used_ + fresh * shape_.blocks_for_each_look > shape_.capacity) restart();
      for (index_t step = 0; step < shape_.blocks_for_each_look; ++step) expand(fresh, step == 0);
    }
  }

 private:
  void begin() {
    const auto v = rows_of(q_.view(), 0, shape_.block);
    const auto scratch = rows_of(spare_.view(), 0, shape_.block);
    Array<std::uint8_t, 2> alive(exec_, {batch_, shape_.block});
    for_each(exec_, v.extents(), Begin{options_.start, options_.member, {}, options_.seed, kPurpose, v});
    orthonormalize_rows(exec_, v, scratch, alive.view());
    if (options_.start.size() > 0) {  // which may have been short of independent rows
      for_each(exec_, v.extents(), Begin{{}, options_.member, alive.view(), options_.seed, kPurpose + 1, v});
      orthonormalize_rows(exec_, v, scratch, alive.view());
    }
    add(shape_.block, alive);
  }

  /// The block that lies behind the used rows joins them: multiplied, projected.
  void add(index_t fresh, const Array<std::uint8_t, 2>& alive) {
    const auto block = rows_of(q_.view(), used_, fresh);
    a_.apply(exec_, block, rows_of(w_.view(), used_, fresh));
    report_.products += fresh;
    Array<double, 3> products(exec_, {batch_, used_ + fresh, fresh});
    gemm(exec_, {.a = rows_of(q_.view(), 0, used_ + fresh), .b = rows_of(w_.view(), used_, fresh), .transposed = true},
         products.view());
    for_each(exec_, products.extents(), StoreProjected{products.view(), used_, h_.view()});
    for_each(exec_, alive.extents(), StoreAlive{alive.view(), used_, alive_.view()});
    used_ += fresh;
  }

  /// Ritz pairs and their residuals; takes the results of problems that have converged. How many rows
  /// the others want to go on with at most.
  index_t look() {
    const index_t keep = std::min(shape_.kept, used_);
    Array<double, 3> projected(exec_, {batch_, used_, used_});
    for_each(exec_, projected.extents(), TakeProjected{h_.view(), alive_.view(), projected.view()});
    ritz_values_ = Array<double, 2>(exec_, {batch_, keep});
    ritz_vectors_ = Array<double, 3>(exec_, {batch_, keep, used_});
    eigh_dense(exec_, projected.view(), ritz_values_.view(), ritz_vectors_.view());
    const auto best = rows_of(ritz_vectors_.view(), 0, shape_.block);
    const auto u = rows_of(spare_.view(), 0, shape_.block);
    gemm(exec_, {.a = best, .b = rows_of(q_.view(), 0, used_)}, u);
    gemm(exec_, {.a = best, .b = rows_of(w_.view(), 0, used_)}, residuals_.view());
    Array<double, 3> squares(exec_, {batch_, shape_.block, chunks_of(n_, kResidualChunk)});
    for_each(exec_, squares.extents(), Residual{u, ritz_values_.view(), residuals_.view(), squares.view()});
    return judge(to_host(exec_, ritz_values_.view()), to_host(exec_, squares.view()), u);
  }

  /// Whether a problem is going to take more blocks than allowed. The residuals fall ever faster, so that what they
  /// did since the last look promises too little: half of the rest is forgiven.
  /// excess: largest residual / what it may be.
  bool is_hopeless(double former_excess, double excess) const {
    const double most = static_cast<double>(options_.most_blocks * shape_.block);
    const double done = static_cast<double>(report_.products);
    const double fell = std::log(former_excess / excess), step = done - former_products_;
    const double left = fell > 0 ? step * std::log(excess) / fell : most;
    return done >= most || (former_products_ > 0 && done + 0.5 * left > most);
  }

  index_t judge(const Array<double, 2>& ritz, const Array<double, 3>& squares, View<const double, 3> u) {
    std::vector<std::uint8_t> now(static_cast<std::size_t>(batch_), 0);
    std::vector<std::vector<index_t>> open(static_cast<std::size_t>(batch_));
    lengths_.assign(static_cast<std::size_t>(batch_ * shape_.block), 0);
    index_t fresh = 0;
    for (index_t b = 0; b < batch_; ++b) {
      const auto item = static_cast<std::size_t>(b);
      if (report_.converged[item] != 0 || given_up_[item] != 0) continue;
      double excess = 1;
      const double limit = tolerance_ * std::fabs(ritz.view()(b, 0));
      bool found = true, finite = true;
      for (index_t j = 0; j < shape_.block; ++j) {
        double square = 0;
        for (index_t c = 0; c < squares.extent(2); ++c) square += squares.view()(b, j, c);
        finite = finite && std::isfinite(square);
        const double length = std::sqrt(square);
        lengths_[static_cast<std::size_t>(b * shape_.block + j)] = length;
        if (j < shape_.wanted && ritz.view()(b, j) < -limit) found = false;  // indefinite: or a dead row
        if (length <= limit) continue;
        open[item].push_back(j);
        if (j >= shape_.wanted) continue;
        found = false;
        excess = std::max(excess, length / limit);
      }
      found = found && finite;
      now[item] = report_.converged[item] = found ? 1 : 0;
      given_up_[item] = !finite || (!found && is_hopeless(former_excess_[item], excess)) ? 1 : 0;
      former_excess_[item] = excess;
      if (found || given_up_[item] != 0) open[item].clear();
      fresh = std::max(fresh, static_cast<index_t>(open[item].size()));
    }
    former_products_ = static_cast<double>(report_.products);
    if (exec_.on_cuda() && fresh > 0) fresh = shape_.block;  // whatever the neighbours need: see the contract
    if (std::find(now.begin(), now.end(), 1) != now.end()) {
      const auto wanted = to_device(exec_, now);
      for_each(exec_, vectors_.extents(), TakeResults{wanted.view(), ritz_values_.view(), u, values_, vectors_});
    }
    choose(open, fresh);
    return fresh;
  }

  /// Which residuals make the next block, and what brings them to unit length.
  void choose(const std::vector<std::vector<index_t>>& open, index_t fresh) {
    std::vector<index_t> from(static_cast<std::size_t>(batch_ * fresh), -1);
    std::vector<double> factors(from.size(), 0);
    for (index_t b = 0; b < batch_; ++b)
      for (std::size_t r = 0; r < open[static_cast<std::size_t>(b)].size(); ++r) {
        const index_t j = open[static_cast<std::size_t>(b)][r];
        from[static_cast<std::size_t>(b * fresh) + r] = j;
        factors[static_cast<std::size_t>(b * fresh) + r] = 1 / lengths_[static_cast<std::size_t>(b * shape_.block + j)];
      }
    from_ = to_device(exec_, std::move(from));
    factors_ = to_device(exec_, std::move(factors));
  }

  void restart() {
    const index_t keep = ritz_values_.extent(1);
    for (Array<double, 3>* block : {&q_, &w_}) {
      gemm(exec_, {.a = ritz_vectors_.view(), .b = rows_of(block->view(), 0, used_)}, rows_of(spare_.view(), 0, keep));
      block->swap(spare_);
    }
    for_each(exec_, Extents<3>{batch_, keep, keep}, StoreDiagonal{ritz_values_.view(), h_.view()});
    Array<std::uint8_t, 2> alive(exec_, {batch_, shape_.capacity});
    for_each(exec_, Extents<2>{batch_, keep}, StillAlive{ritz_vectors_.view(), alive_.view(), alive.view()});
    alive_.swap(alive);
    used_ = keep;
  }

  /// One more block: the residuals, or the products of the last block; orthogonal to all before.
  void expand(index_t fresh, bool by_residuals) {
    const auto block = rows_of(q_.view(), used_, fresh), scratch = rows_of(spare_.view(), 0, fresh);
    if (by_residuals)
      for_each(
          exec_, block.extents(),
          TakeResiduals{residuals_.view(), {from_.data(), {batch_, fresh}}, {factors_.data(), {batch_, fresh}}, block});
    else
      for_each(exec_, block.extents(), CopyRows{rows_of(w_.view(), used_ - fresh, fresh), block});
    Array<std::uint8_t, 2> alive(exec_, {batch_, fresh});
    project_out(block);
    orthonormalize_once(exec_, block, kOfAnyRows, scratch, alive.view());
    project_out(scratch);
    orthonormalize_once(exec_, scratch, kOfGoodRows, block, alive.view());
    add(fresh, alive);
  }

  /// v <- v - (v qᵀ) q
  void project_out(View<double, 3> v) {
    const auto q = rows_of(q_.view(), 0, used_);
    Array<double, 3> shares(exec_, {batch_, v.extent(1), used_});
    gemm(exec_, {.a = v, .b = q, .transposed = true}, shares.view());
    gemm(exec_, {.a = shares.view(), .b = q, .alpha = -1, .beta = 1}, v);
  }

  Exec& exec_;
  const SymmetricOperator& a_;
  Matrix<double> values_;
  View<double, 3> vectors_;
  const SubspaceOptions& options_;
  index_t batch_, n_;
  Shape shape_;
  double tolerance_;
  Array<double, 3> q_, w_;      ///< the space, orthonormal rows, and their products
  Array<double, 3> spare_;      ///< as large
  Array<double, 3> residuals_;  ///< of the best Ritz pairs
  Array<double, 3> h_;          ///< q wᵀ
  Array<std::uint8_t, 2> alive_;
  index_t used_ = 0;
  Array<double, 2> ritz_values_;
  Array<double, 3> ritz_vectors_;
  std::vector<double> lengths_;
  std::vector<std::uint8_t> given_up_;
  std::vector<double> former_excess_;  ///< at the last look
  double former_products_ = 0;         ///< at that
  Array<index_t, 1> from_;
  Array<double, 1> factors_;
  SubspaceReport report_;
};

}  // namespace

bool SubspaceReport::all_converged() const {
  return std::all_of(converged.begin(), converged.end(), [](std::uint8_t flag) { return flag != 0; });
}

void DenseOperator::apply(Exec& exec, View<const double, 3> v, View<double, 3> w) const {
  gemm(exec, {.a = v, .b = a_}, w);
}

SubspaceReport subspace_top(Exec& exec, const SymmetricOperator& a, Matrix<double> values, View<double, 3> vectors,
                            const SubspaceOptions& options) {
  const index_t batch = a.batch(), n = a.order(), k = values.extent(1);
  require(k >= 1 && k <= n, "subspace_top: ", k, " eigenpairs of matrices of order ", n);
  require(values.extent(0) == batch && vectors.extents() == Extents<3>{batch, k, n},
          "subspace_top: the results do not fit ", k, " pairs of ", batch, " matrices of order ", n);
  require(options.start.size() == 0 ||
              (options.start.extent(2) == n && (options.start.extent(0) == 1 || options.start.extent(0) == batch)),
          "subspace_top: the start has vectors of length ", options.start.extent(2), ", the matrices order ", n);
  require(options.member.size() == 0 || options.member.extents() == Extents<2>{batch, n},
          "subspace_top: the members do not fit");
  require(options.tolerance >= 0 && options.most_blocks > 0, "subspace_top: the tolerance is ", options.tolerance,
          ", the blocks ", options.most_blocks, "; neither may be negative, and one block is needed");
  require(options.space_blocks == 0 || options.space_blocks >= 3, "subspace_top: a space of ", options.space_blocks,
          " blocks; three are the least");
  if (batch == 0) return {};
  return Iteration(exec, a, values, vectors, options).run();
}

std::size_t subspace_bytes(Exec& exec, index_t n, index_t k, index_t space_blocks) {
  const Shape shape = shape_for(exec, n, k, space_blocks);
  return static_cast<std::size_t>((3 * shape.capacity + 2 * shape.block) * n + 4 * shape.capacity * shape.capacity) *
         sizeof(double);
}

}  // namespace hci
