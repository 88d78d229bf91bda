# SPDX-License-Identifier: MIT
"""What people use today for matrices of frames and their factors, at the shapes of bench/kernels/linalg."""
from inputs import cube, rows


def vip_svd(mode, kind):
    """And the residual."""
    from vip_hci.psfsub.svd import svd_wrapper

    matrix = rows(489, 44100, kind)

    def residual():
        components = svd_wrapper(matrix, mode, 20, verbose=False)
        return matrix - (matrix @ components.T) @ components

    return residual


def libraries(frames):
    return [[i for i in range(frames) if abs(i - b % frames) > 2] for b in range(732)]


def solve_pos():
    import scipy.linalg

    x = rows(61, 900, "float64")
    gram = x @ x.T
    sets = libraries(61)
    return lambda: [scipy.linalg.solve(gram[s][:, s], gram[b % 61, s], assume_a="pos") for b, s in enumerate(sets)]


def nnls():
    import scipy.optimize

    x = rows(61, 900, "float64")
    sets = libraries(61)
    return lambda: [scipy.optimize.nnls(x[s].T, x[b % 61])[0] for b, s in enumerate(sets)]


def nmf(solver):
    import numpy as np
    from sklearn.decomposition import NMF

    x = np.maximum(rows(489, 44100), 0)
    return lambda: NMF(20, init="random", solver=solver, tol=0, max_iter=10, random_state=1).fit_transform(x)


def speckle_grams(count, order):
    """(count, order, order) float64 of a few pieces of a sequence, as in bench/kernels/linalg/eigh_bench.cpp."""
    import numpy as np

    x = rows(order + 60, 1600, "float64")
    return np.stack([x[3 * (b % 20):][:order] @ x[3 * (b % 20):][:order].T for b in range(count)])


def product(kind):
    """x x^T in float64, from float32 rows; of the same rows or of others."""
    x = rows(978, 44100)
    a, b = x[:489], x[:489] if kind == "gram" else x[489:]
    return lambda: a.astype("float64") @ b.astype("float64").T


def projection():
    import numpy as np

    x = rows(489, 44100)
    left = np.random.default_rng(1).normal(size=(489, 20)).astype("float32")
    return lambda: x - left @ (left.T @ x)


def scipy_eigh():
    import scipy.linalg

    gram = speckle_grams(1, 489)[0]
    return lambda: scipy.linalg.eigh(gram, subset_by_index=[469, 488], driver="evr")


def annuli(frames, side, count):
    """(frames, pixels) float32 of each annulus, as in bench/kernels/linalg/regions_bench.cpp."""
    import numpy as np

    y, x = np.indices((side, side)) - side // 2
    ring = (np.hypot(y, x) * count / (side // 2)).astype(int).ravel()
    frames = rows(frames, side * side)
    return [frames[:, ring == number].copy() for number in range(count)]


def product_with_itself(region):
    wide = region.astype("float64")
    return wide @ wide.T


def annulus_grams(frames, side, count):
    regions = annuli(frames, side, count)
    return lambda: [product_with_itself(region) for region in regions]


def scipy_libraries():
    import numpy as np
    import scipy.linalg

    grams = [product_with_itself(region) for region in annuli(61, 101, 12)]
    sets = [[i for i in range(61) if (i - t + 2) % 61 >= 5] for t in range(61)]
    return lambda: [scipy.linalg.eigh(gram[np.ix_(s, s)], subset_by_index=[51, 55], driver="evr")
                    for gram in grams for s in sets]


def regions(frames, side):
    """20 matrices (frames, side^2) float32 side by side, as in bench/kernels/linalg/svd_bench.cpp."""
    import numpy as np

    pixels = side * side
    frame = int(np.ceil((20 * pixels) ** 0.5))
    matrix = cube(frames, frame).reshape(frames, -1)
    return [np.ascontiguousarray(matrix[:, b * pixels:(b + 1) * pixels]) for b in range(20)]


def sklearn_regions(count, frames, side, ncomp):
    """What VIP's randsvd calls, with the power iterations and the orthonormalization of ours."""
    from sklearn.utils.extmath import randomized_svd

    some = regions(frames, side)
    return lambda: [randomized_svd(some[b % 20], ncomp, n_oversamples=10, n_iter=2, power_iteration_normalizer="QR",
                                   random_state=1) for b in range(count)]


def numpy_svd_regions(count, frames, side):
    """What VIP's lapack calls."""
    import numpy as np

    some = regions(frames, side)
    return lambda: [np.linalg.svd(some[b % 20], full_matrices=False) for b in range(count)]


def scipy_eigh_regions(count, frames, side, ncomp):
    """What VIP's eigen does, but for as many pairs as are wanted."""
    import scipy.linalg

    some = regions(frames, side)
    return lambda: [scipy.linalg.eigh(product_with_itself(some[b % 20]), subset_by_index=[frames - ncomp, frames - 1],
                                      driver="evr") for b in range(count)]


def scipy_svds(frames, pixels, k):
    import math
    from scipy.sparse.linalg import svds

    x = rows(frames, math.ceil(pixels**0.5) ** 2, "float64")[:, :pixels].copy()
    return lambda: svds(x, k)


def qr_blocks():
    import numpy as np

    blocks = np.random.default_rng(1).normal(size=(100, 489, 28))
    return lambda: np.linalg.qr(blocks)


def vip_scaling(mode):
    from vip_hci.var.shapes import matrix_scaling

    x = rows(489, 44100)
    return lambda: matrix_scaling(x.copy(), mode)


def disc_of_60():
    import numpy as np

    y, x = np.indices((210, 210)) - 105
    return np.flatnonzero(np.hypot(y, x) < 60)


def taken():
    x, disc = rows(489, 44100), disc_of_60()
    return lambda: x[:, disc]


def put():
    import numpy as np

    x, disc = rows(489, 44100), disc_of_60()
    cut, out = x[:, disc].copy(), np.zeros_like(x)

    def scatter():
        out[:, disc] = cut

    return scatter


def submatrices():
    import numpy as np

    x = rows(489, 900, "float64")
    gram = x @ x.T
    sets = [np.r_[0:b, b + 20:489] for b in range(100)]
    return lambda: np.stack([gram[np.ix_(s, s)] for s in sets])


def injected():
    """What a user of NumPy does for each fake companion: the Gram matrix again."""
    import numpy as np

    x = rows(489, 44100)
    stamp = np.random.default_rng(1).normal(size=(489, 100)).astype("float32")

    def again():
        filled = x.copy()
        filled[:, 20000:20100] += stamp
        wide = filled.astype("float64")
        return wide @ wide.T

    return again


def nmf_weights():
    import numpy as np
    from sklearn.decomposition import non_negative_factorization

    x = np.maximum(rows(489, 44100), 0)
    parts = np.abs(np.random.default_rng(1).normal(size=(20, 44100))).astype("float32")
    return lambda: non_negative_factorization(x, H=parts, n_components=20, update_H=False, solver="cd", tol=0,
                                              max_iter=100)[0]


def large_libraries(damping):
    import numpy as np
    import scipy.linalg

    x = rows(489, 900, "float64")
    gram = x @ x.T
    sets = [np.flatnonzero(np.abs(np.arange(489) - b) > 10) for b in range(489)]

    def solve():
        for b, members in enumerate(sets):
            part = gram[np.ix_(members, members)]
            part.flat[::len(members) + 1] += damping * np.trace(part) / len(members)
            scipy.linalg.solve(part, gram[b, members], assume_a="pos", overwrite_a=True)

    return solve


def matmul(shape, kind):
    import numpy as np

    products, height, inner, width = shape
    random = np.random.default_rng(1)
    a = random.normal(size=(products, height, inner)).astype(kind)
    b = random.normal(size=(products, inner, width)).astype(kind)
    return lambda: np.matmul(a, b)


def numpy_row_sums():
    x = rows(489, 44100)
    return lambda: x.sum(axis=1, dtype="float64")


def numpy_count():
    import numpy as np

    flags = np.random.default_rng(1).random((61, 210, 210)) < 0.01
    return lambda: np.count_nonzero(flags)


def scores():
    import numpy as np

    normal = np.random.default_rng(1).normal
    gram, vectors, values = normal(size=(489, 489)), normal(size=(489, 20, 489)), normal(size=(489, 20))
    return lambda: np.einsum("ti,tji->tj", gram, vectors) / values


def coefficients():
    import numpy as np

    random = np.random.default_rng(1)
    of_targets, vectors = random.normal(size=(489, 20)), random.normal(size=(489, 20, 489))
    return lambda: np.matmul(of_targets[:, None, :], vectors)[:, 0].astype("float32")


def sweep():
    import numpy as np

    random = np.random.default_rng(1)
    of_targets, vectors = random.normal(size=(489, 20)), random.normal(size=(489, 20, 489))
    return lambda: np.cumsum(of_targets[:, :, None] * vectors, axis=1).astype("float32")


def sklearn_svd():
    from sklearn.utils.extmath import randomized_svd

    x = rows(4000, 8100)
    return lambda: randomized_svd(x, 20, n_oversamples=10, n_iter=2, power_iteration_normalizer="QR", random_state=1)


CASES = [
    ("Gram, top 20, residual (489,44100)", "gram_top_residual/ncomp20/cpu/489x210x210",
     [(lambda: vip_svd("lapack", "float32"), "VIP svd_wrapper lapack", 8),
      (lambda: vip_svd("eigen", "float32"), "VIP eigen, float32", 2),
      (lambda: vip_svd("arpack", "float32"), "VIP arpack, float32", 2),
      (lambda: vip_svd("eigen", "float64"), "VIP eigen, float64", 2),
      (lambda: vip_svd("arpack", "float64"), "VIP arpack, float64", 2)]),
    ("Top 10 of 1000 matrices of order 128", "eigh_top_batch/cpu/1000x128x10",
     [("peer/dsyevr/cpu/1000x128x10", "LAPACK dsyevr, range, one each on our threads", 5)]),
    *((f"Top {k} of {count} matrices of order {order}", f"eigh_top_batch/cpu/{count}x{order}x{k}",
       [(f"peer/dsyevr/cpu/{count}x{order}x{k}", "LAPACK dsyevr, range, one each on our threads", None)])
      for count, order, k in ((4000, 32, 5), (4000, 61, 5), (100, 256, 20), (100, 489, 20))),
    ("Jacobi, 100 matrices of order 64", "jacobi_eigh/cpu/100x64x10",
     [("peer/dsyevr/cpu/100x64x10", "LAPACK dsyevr, range, one each on our threads", None)]),
    ("Iteration, top 20 of 20 matrices of order 489", "subspace_top/cpu/20x489x20",
     [("peer/dsyevr/cpu/20x489x20", "LAPACK dsyevr, range, one each on our threads", None)]),
    ("Least squares, 732 libraries of 56 frames", "solve_subsets/cpu/732x61",
     [(solve_pos, "SciPy solve, assume_a='pos', a loop", None)]),
    ("The same, non-negative", "solve_nonnegative_subsets/cpu/732x61",
     [(nnls, "SciPy nnls on 900 pixels, a loop", None)]),
    ("NMF, 10 rounds of 20 components (489,44100)", "nmf/ncomp20/10_rounds/cpu/489x210x210",
     [(lambda: nmf("cd"), "scikit-learn NMF, cd, the same start and rounds", None)]),
    ("The same by multiplication", "nmf/mu/ncomp20/10_rounds/cpu/489x210x210",
     [(lambda: nmf("mu"), "scikit-learn NMF, mu, the same start and rounds", None)]),
    ("Gram matrix (489,44100), float64", "gram/cpu/489x210x210",
     [(lambda: product("gram"), "NumPy, x x^T in float64", None)]),
    ("Products of two stacks (489,44100), float64", "cross_gram/cpu/489x489x44100",
     [(lambda: product("cross"), "NumPy, float64", None)]),
    ("Projection on 20 (489,44100)", "subtract_product/ncomp20/cpu/489x210x210",
     [(projection, "NumPy, float32", None)]),
    ("Gram matrices of 12 annuli, 61 frames", "gram_batch/cpu/12x61x101x101",
     [(lambda: annulus_grams(61, 101, 12), "NumPy, x x^T in float64, a loop", None)]),
    ("Gram matrices of 25 annuli, 489 frames", "gram_batch/cpu/25x489x210x210",
     [(lambda: annulus_grams(489, 210, 25), "NumPy, x x^T in float64, a loop", None)]),
    ("Top 5 of 732 libraries of 12 annuli", "eigh_top_subsets/ncomp5/cpu/732x61",
     [(scipy_libraries, "SciPy eigh, evr, subset, a loop", None)]),
    ("Top 20 of one matrix of order 489", "eigh_top_batch/cpu/1x489x20",
     [(scipy_eigh, "SciPy eigh, evr, subset", None)]),
    ("Top 20 singular values of (4000,8100)", "svd_top/matrix_free/cpu/4000x90x90x20",
     [(lambda: scipy_svds(4000, 8100, 20), "SciPy svds (ARPACK), float64", None)]),
    ("Top 20 singular values of (20000,2000)", "svd_top/matrix_free/cpu/20000x40x50x20",
     [(lambda: scipy_svds(20000, 2000, 20), "SciPy svds (ARPACK), float64", None)]),
    ("Top 10 singular values of (28800,1024)", "svd_top/matrix_free/cpu/28800x32x32x10",
     [(lambda: scipy_svds(28800, 1024, 10), "SciPy svds (ARPACK), float64", None)]),
    *((f"Randomized SVD, {k} of {count} regions ({frames},{side * side})",
       f"svd_randomized_batch/cpu/{count}x{frames}x{side * side}x{k}",
       [(lambda of=(count, frames, side, k): sklearn_regions(*of),
         "scikit-learn randomized_svd, float32, a loop (ours: double)", None)])
      for count, frames, side, k in ((1000, 61, 25, 5), (200, 200, 40, 10), (100, 489, 50, 20), (20, 1000, 60, 20))),
    *((f"Exact, {k} of {count} regions ({frames},{side * side})",
       f"svd_top_batch/by_gram/cpu/{count}x{frames}x{side * side}x{k}",
       [(lambda of=(count, frames, side): numpy_svd_regions(*of), "NumPy svd, float32, a loop (ours: double)", None),
        (lambda of=(count, frames, side, k): scipy_eigh_regions(*of), "SciPy eigh of x x^T in float64, evr, a loop",
         None)])
      for count, frames, side, k in ((1000, 61, 25, 5), (100, 489, 50, 20))),
    ("100 blocks of 28 x 489 made orthonormal", "orthonormalize_rows/cpu/100x28x489",
     [(qr_blocks, "NumPy qr, a stack", None)]),
    ("Columns standardized (489,44100)", "scale_rows/temp_standard/cpu/489x210x210",
     [(lambda: vip_scaling("temp-standard"), "VIP matrix_scaling", None)]),
    ("Rows standardized (489,44100)", "scale_rows/spat_standard/cpu/489x210x210",
     [(lambda: vip_scaling("spat-standard"), "VIP matrix_scaling", None)]),
    ("A disc cut out of (489,210,210)", "gather_columns/disc60/cpu/489x210x210",
     [(taken, "NumPy, index array", None)]),
    ("The disc put back", "scatter_columns/disc60/cpu/489x210x210",
     [(put, "NumPy, index array", None)]),
    ("100 submatrices of order 469", "gather_submatrices/cpu/100x469x469",
     [(submatrices, "NumPy, ix_", None)]),
    ("Gram matrix with a fake companion, 489 frames", "injected_grams/one/cpu/489x10x10",
     [(injected, "NumPy, the whole matrix again", None)]),
    ("NMF weights, 100 rounds of 20 components (489,44100)", "nmf_weights/ncomp20/100_rounds/cpu/489x210x210",
     [(nmf_weights, "scikit-learn, update_H=False", None)]),
    ("Least squares, 489 libraries of 468 frames", "solve_subsets/cpu/489x489",
     [(lambda: large_libraries(0), "SciPy solve, assume_a='pos', a loop", None)]),
    ("The same, damped", "solve_subsets/damped/cpu/489x489",
     [(lambda: large_libraries(1e-3), "SciPy solve, assume_a='pos', a loop", None)]),
    ("100 products (28,489)(489,489), float64", "gemm/f64/cpu/100x28x489x489",
     [(lambda: matmul((100, 28, 489, 489), "float64"), "NumPy matmul, a stack", None)]),
    ("A product (489,489)(489,44100), float32", "gemm/f32/cpu/1x489x489x44100",
     [(lambda: matmul((1, 489, 489, 44100), "float32"), "NumPy matmul", None)]),
    ("Sums of rows (489,44100), in float64", "row_sums/cpu/489x210x210",
     [(numpy_row_sums, "NumPy sum, dtype float64", None)]),
    ("Flags that are set (61,210,210)", "count_set/cpu/61x210x210", [(numpy_count, "NumPy count_nonzero", None)]),
    ("Scores of 489 libraries", "component_scores/cpu/489x20x489",
     [(scores, "NumPy einsum", None)]),
    ("Coefficients of 489 libraries", "component_coefficients/cpu/489x20x489",
     [(coefficients, "NumPy matmul, a stack", None)]),
    ("Coefficients of 1 to 20 components", "component_sweep/ncomp1to20/cpu/489x489",
     [(sweep, "NumPy cumsum", None)]),
    ("Randomized SVD, 20 of (4000,8100)", "svd_randomized/cpu/4000x90x90x20",
     [(sklearn_svd, "scikit-learn randomized_svd, float32 (ours: double)", None)]),
]
