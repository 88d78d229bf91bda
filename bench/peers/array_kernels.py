# SPDX-License-Identifier: MIT
"""What people use today for the kernels that are one call, or a short loop, of NumPy, SciPy, OpenCV or VIP.

CASES and PEERS are timed by kernels.py, at the shapes of bench/kernels. Libraries run as they are installed; those that
take a number of threads get all cores. Precision is the peer's usual one for the job: float32 frames, float64 matrices.
"""
import os

CORES = os.cpu_count()


def cube(frames, side):
    from kernels import speckles

    return speckles(frames, side)


def rows(frames, pixels, kind="float32"):
    side = int(pixels**0.5)
    return cube(frames, side).reshape(frames, -1).astype(kind)


def speckle_grams(count, order):
    """(count, order, order) float64 of a few pieces of a sequence, as in bench/kernels/linalg/eigh_bench.cpp."""
    import numpy as np

    x = rows(order + 60, 1600, "float64")
    return np.stack([x[3 * (b % 20):][:order] @ x[3 * (b % 20):][:order].T for b in range(count)])


# Geometry

def opencv_rotation(flag):
    import cv2
    from kernels import warps
    import numpy as np

    frames = cube(489, 210)
    return min(warps(frames, np.linspace(0, 90, 489), getattr(cv2, flag)), key=lambda call: seconds_of(call))


def seconds_of(call):
    import time

    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def ndimage_rotation():
    import numpy as np
    from scipy import ndimage

    frames, angles = cube(489, 210), np.linspace(0, 90, 489)
    return lambda: [ndimage.rotate(frame, angle, reshape=False, order=3) for frame, angle in zip(frames, angles)]


def vip_blended_rotation():
    import numpy as np
    from vip_hci.preproc import frame_rotate

    frames, angles = cube(61, 210).copy(), np.linspace(0, 90, 61)
    frames[:, 20:26, 30:36] = np.nan
    return lambda: [frame_rotate(frame, angle, imlib="opencv", interpolation="bilinear", edge_blend="interp",
                                 interp_zeros=False, ker=4) for frame, angle in zip(frames, angles)]


def vip_fft_shift(frames, size):
    import numpy as np
    from vip_hci.preproc import cube_shift

    frames, t = cube(frames, size), np.arange(frames)
    return lambda: cube_shift(frames, 1.7 * np.sin(t), 1.7 * np.cos(t), imlib="vip-fft", nproc=CORES)


def vip_rescaling(frames, sides, inverse, imlib):
    """Channels from 1 to 1.7 times the shortest wavelength; inverse: of frames that were magnified, back."""
    import numpy as np
    from vip_hci.preproc.rescaling import cube_rescaling_wavelengths

    scales = 1.7 / (1 + 0.7 * (np.arange(frames) % 39) / 38)
    wide = cube(frames, int(np.ceil(sides * 1.7))) if inverse else cube(frames, sides)
    return lambda: cube_rescaling_wavelengths(wide, scales, full_output=True, inverse=inverse, y_in=sides, x_in=sides,
                                              imlib=imlib, interpolation=None if imlib == "vip-fft" else "lanczos4",
                                              collapse="mean", nproc=CORES)


def opencv_turned_patches(flag):
    """Frames turned whole, since windows overlap, and all windows of 11 x 11 about a square of 54 copied out."""
    import cv2
    import numpy as np

    stack, angles = cube(20, 101), np.linspace(0, 80, 20)

    def extract():
        turned = np.stack([cv2.warpAffine(frame, cv2.getRotationMatrix2D((50, 50), angle, 1), (101, 101), flags=flag)
                           for frame, angle in zip(stack, angles)])
        windows = np.lib.stride_tricks.sliding_window_view(turned, (11, 11), axis=(1, 2))
        first = 50 - 54 // 2 - 5
        return np.ascontiguousarray(windows[:, first:first + 54, first:first + 54].transpose(1, 2, 0, 3, 4))

    return extract


def vip_scales():
    import numpy as np
    from vip_hci.preproc import find_scal_vector

    frames, waves = cube(39, 200), np.linspace(1, 1.7, 39)
    return lambda: find_scal_vector(frames, waves, np.ones(39), nfp=2, fm="stddev", imlib="opencv",
                                    interpolation="lanczos4", debug=False)


def padded():
    import numpy as np

    frames = cube(489, 210)
    return lambda: np.pad(frames, ((0, 0), (53, 53), (53, 53)))


def vip_subsample():
    from vip_hci.preproc import cube_subsample

    frames = cube(489, 210)
    return lambda: cube_subsample(frames, 10, mode="median", verbose=False)


def vip_annuli():
    import numpy as np
    from vip_hci.var import get_annulus_segments

    frame = np.zeros((1024, 1024))
    return lambda: [get_annulus_segments(frame, inner, 4, 1) for inner in range(0, 508, 4)]


def opencv_augment(mirrors=False):
    """Patches mirrored, turned and moved, one by one."""
    import cv2
    import numpy as np

    random = np.random.default_rng(1)
    stack = random.normal(size=(3000, 20, 11, 11)).astype("float32")
    angles, moves = random.uniform(0, 360, 3000), random.uniform(-1, 1, (3000, 2))

    def augment():
        cv2.setNumThreads(1)
        out = np.empty_like(stack)
        for b, patch in enumerate(stack):
            if mirrors:
                patch = np.ascontiguousarray(patch[:, ::1 - 2 * (b % 2), ::1 - b % 4 // 2 * 2])
            matrix = cv2.getRotationMatrix2D((5, 5), angles[b], 1)
            matrix[:, 2] += moves[b]
            for t, one in enumerate(patch):
                out[b, t] = cv2.warpAffine(one, matrix, (11, 11), flags=cv2.INTER_LINEAR)
        return out

    return augment


def averaged():
    import numpy as np

    random = np.random.default_rng(1)
    stack = random.normal(size=(3000, 20, 11, 11)).astype("float32")
    first, second = random.integers(0, 3000, (2, 3000))
    return lambda: (stack[first] + stack[second]) / 2


# Linear algebra

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


def scaled_patches(axes):
    import numpy as np

    patches = np.random.default_rng(1).normal(size=(2916, 20, 11, 11)).astype("float32")

    def scale():
        low, high = patches.min(axis=axes, keepdims=True), patches.max(axis=axes, keepdims=True)
        return (patches - low) / (high - low)

    return scale


def scores():
    import numpy as np

    random = np.random.default_rng(1)
    gram, vectors, values = random.normal(size=(489, 489)), random.normal(size=(489, 20, 489)), random.normal(size=(489, 20))
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


# Statistics and images

def vip_map():
    from vip_hci.metrics import snrmap

    frame = cube(1, 210)[0]
    return lambda: snrmap(frame, 4.8, nproc=CORES, verbose=False)


def astropy_clipped(over_time):
    import numpy as np
    from astropy.stats import sigma_clipped_stats

    frames = cube(489 if over_time else 61, 210).copy()
    if over_time:
        frames.ravel()[::101] += 1e4
    return lambda: sigma_clipped_stats(frames, axis=0 if over_time else (1, 2))


def numpy_temporal_quantiles():
    import numpy as np

    frames = cube(489, 210)
    return lambda: np.nanquantile(frames, [0.05, 0.5, 0.95], axis=0)


def photutils_cube():
    import numpy as np
    from photutils.aperture import CircularAperture

    frames = cube(61, 210)
    apertures = CircularAperture(np.random.default_rng(1).uniform(4, 205, (2000, 2)), 2.4)
    return lambda: [apertures.do_photometry(frame, method="exact") for frame in frames]

def vip_quick_map():
    from vip_hci.metrics import snrmap

    frame = cube(1, 210)[0]
    return lambda: snrmap(frame, 4.8, approximated=True, nproc=CORES, verbose=False)


def neighbour_medians(count):
    import numpy as np

    x = rows(61, 10201)
    starts = np.clip(np.arange(61) - count // 2, 0, 61 - count)
    return lambda: [np.median(x[first:first + count], axis=0) for first in starts]


def minus_row():
    x = rows(489, 44100)
    return lambda: x - x[0]


def numpy_profile():
    import numpy as np

    frames = cube(61, 210).reshape(61, -1)
    y, x = np.indices((210, 210)) - 105
    ring = np.hypot(y, x).astype(int).ravel()
    return lambda: [np.bincount(ring, weights=frame) / np.bincount(ring) for frame in frames]


def numpy_quantiles():
    import numpy as np

    frames = cube(61, 210).reshape(61, -1)
    y, x = np.indices((210, 210)) - 105
    ring = np.hypot(y, x).astype(int).ravel()
    bins = [np.flatnonzero(ring == r) for r in range(ring.max() + 1)]
    return lambda: [np.quantile(frames[:, pixels], [0.05, 0.5, 0.95], axis=1) for pixels in bins]


def numpy_moments():
    import numpy as np

    frames = cube(489, 210)
    return lambda: (np.nanmean(frames, axis=0, dtype="float64"), np.nanstd(frames, axis=0, dtype="float64"))


def vip_collapse(mode):
    import numpy as np
    from vip_hci.preproc import cube_collapse

    frames = cube(489, 210)
    weights = np.arange(1, 490) / np.arange(1, 490).sum() if mode == "wmean" else None
    return lambda: cube_collapse(frames, mode, w=weights)


def scipy_separable():
    import numpy as np
    from scipy.ndimage import convolve1d

    frames = cube(61, 101)
    taps = np.exp(-0.1 * (np.arange(19) - 10) ** 2)
    return lambda: convolve1d(convolve1d(frames, taps, axis=2, mode="constant"), taps, axis=1, mode="constant")


def scipy_mad():
    from scipy.stats import median_abs_deviation

    frames = cube(489, 210)
    return lambda: median_abs_deviation(frames, axis=0, nan_policy="propagate")


def vip_correct_nan():
    import numpy as np
    from vip_hci.preproc import cube_correct_nan

    frames = cube(61, 210).copy()
    frames[:, np.random.default_rng(1).random((210, 210)) < 0.01] = np.nan
    return lambda: cube_correct_nan(frames, neighbor_box=5, min_neighbors=3, verbose=False, half_res_y=False)


def scipy_fft_rows():
    import numpy as np
    from scipy import fft

    x = np.random.default_rng(1).normal(size=(12810, 864))
    return lambda: fft.irfft(fft.rfft(x, workers=CORES), 864, workers=CORES)


def scipy_rfft2(kind):
    from scipy import fft

    frames = cube(61, 256).astype(kind)
    return lambda: fft.rfft2(frames, workers=CORES)


def scipy_convolve():
    import numpy as np
    from scipy.signal import fftconvolve

    frames, y, x = cube(61, 101).astype(float), *np.indices((19, 19))
    kernel = (1 / (1 + np.hypot(y - 8, x - 10)) + 0.01 * y)[None]
    return lambda: fftconvolve(frames, kernel, mode="same", axes=(1, 2))


def vip_high_pass(mode):
    from vip_hci.var import cube_filter_highpass

    frames = cube(61, 101)
    return lambda: cube_filter_highpass(frames, mode=mode, verbose=False)


# Random numbers and optics

def numpy_random(kind):
    import numpy as np

    random, size = np.random.Generator(np.random.Philox(1)), 102690 * 64
    draws = {"uniform": lambda: random.random(size), "normal": lambda: random.standard_normal(size),
             "poisson": lambda: random.poisson(100, size)}
    return lambda: draws[kind]().astype("float32")


def numpy_detector():
    import numpy as np

    random, mean = np.random.Generator(np.random.Philox(1)), np.abs(cube(61, 210)).astype("float64")
    return lambda: (random.poisson(mean) + random.normal(0, 10, mean.shape)).astype("float32")


def numpy_propagation():
    """Two matrix products for each field of 200 x 200, onto 210 x 210 pixels."""
    import numpy as np

    random = np.random.default_rng(1)
    fields = (random.normal(size=(16, 200, 200)) + 1j).astype("complex64")
    phase = np.exp(-2j * np.pi * np.outer(np.arange(210) - 105, np.arange(200) - 100) / 400).astype("complex64")
    return lambda: phase @ fields @ phase.T


PEERS = {
    "rotate bicubic": lambda: opencv_rotation("INTER_CUBIC"),
    "rotate bilinear": lambda: opencv_rotation("INTER_LINEAR"),
    "rotate nearest": lambda: opencv_rotation("INTER_NEAREST"),
    "rotate spline": ndimage_rotation,
    "rotate blended": vip_blended_rotation,
    "scales vip": vip_scales,
    "pad numpy": padded,
    "subsample vip": vip_subsample,
    "annuli vip": vip_annuli,
    "augment opencv": opencv_augment,
    "augment mirrored opencv": lambda: opencv_augment(mirrors=True),
    "shift fft vip": lambda: vip_fft_shift(489, 210),
    "shift fft vip small": lambda: vip_fft_shift(61, 101),
    "rescale fft vip": lambda: vip_rescaling(39, 200, False, "vip-fft"),
    "rescale back vip": lambda: vip_rescaling(195, 200, True, "opencv"),
    "turned bilinear opencv": lambda: opencv_turned_patches(1),
    "turned lanczos4 opencv": lambda: opencv_turned_patches(4),
    "average numpy": averaged,
    "gram numpy": lambda: product("gram"),
    "cross numpy": lambda: product("cross"),
    "projection numpy": projection,
    "annuli numpy 61": lambda: annulus_grams(61, 101, 12),
    "annuli numpy 489": lambda: annulus_grams(489, 210, 25),
    "libraries scipy": scipy_libraries,
    "eigh scipy": scipy_eigh,
    "scipy svds": lambda: scipy_svds(4000, 8100, 20),
    "scipy svds 20000": lambda: scipy_svds(20000, 2000, 20),
    "scipy svds 28800": lambda: scipy_svds(28800, 1024, 10),
    "qr numpy": qr_blocks,
    "scaling temp": lambda: vip_scaling("temp-standard"),
    "scaling spat": lambda: vip_scaling("spat-standard"),
    "take numpy": taken,
    "put numpy": put,
    "submatrices numpy": submatrices,
    "injected numpy": injected,
    "nmf weights": nmf_weights,
    "large libraries": lambda: large_libraries(0),
    "large libraries damped": lambda: large_libraries(1e-3),
    "matmul f64": lambda: matmul((100, 28, 489, 489), "float64"),
    "matmul f32": lambda: matmul((1, 489, 489, 44100), "float32"),
    "row sums numpy": numpy_row_sums,
    "scale slices numpy": lambda: scaled_patches((2, 3)),
    "scale samples numpy": lambda: scaled_patches((1, 2, 3)),
    "scores numpy": scores,
    "coefficients numpy": coefficients,
    "sweep numpy": sweep,
    "map vip": vip_map,
    "quick map vip": vip_quick_map,
    "clipped frames astropy": lambda: astropy_clipped(False),
    "clipped over time astropy": lambda: astropy_clipped(True),
    "temporal quantiles numpy": numpy_temporal_quantiles,
    "cube photutils": photutils_cube,
    "medians 4 numpy": lambda: neighbour_medians(4),
    "medians 48 numpy": lambda: neighbour_medians(48),
    "minus numpy": minus_row,
    "profile numpy": numpy_profile,
    "quantiles numpy": numpy_quantiles,
    "moments numpy": numpy_moments,
    "sum vip": lambda: vip_collapse("sum"),
    "max vip": lambda: vip_collapse("max"),
    "absmean vip": lambda: vip_collapse("absmean"),
    "wmean vip": lambda: vip_collapse("wmean"),
    "separable scipy": scipy_separable,
    "mad scipy": scipy_mad,
    "nan vip": vip_correct_nan,
    "fft rows scipy": scipy_fft_rows,
    "rfft2 double": lambda: scipy_rfft2("float64"),
    "rfft2 float": lambda: scipy_rfft2("float32"),
    "convolve scipy": scipy_convolve,
    "butterworth vip": lambda: vip_high_pass("fourier-butter"),
    "hann vip": lambda: vip_high_pass("hann"),
    "uniform numpy": lambda: numpy_random("uniform"),
    "normal numpy": lambda: numpy_random("normal"),
    "poisson numpy": lambda: numpy_random("poisson"),
    "detector numpy": numpy_detector,
    "propagation numpy": numpy_propagation,
}

_TABLE = """
Rotation, bicubic (489,210,210) | rotate/bicubic/cpu/489x210x210 | rotate bicubic | OpenCV warpAffine
Rotation, bilinear (489,210,210) | rotate/bilinear/cpu/489x210x210 | rotate bilinear | OpenCV warpAffine
Rotation, nearest (489,210,210) | rotate/nearest/cpu/489x210x210 | rotate nearest | OpenCV warpAffine
Rotation, cubic splines (489,210,210) | rotate/spline3/cpu/489x210x210 | rotate spline | SciPy rotate, order 3
Rotation with filled margins (61,210,210) | rotate_blended/interp/cpu/61x210x210 | rotate blended | VIP frame_rotate, edge_blend interp
Scales of 39 channels (39,200,200) | find_scales/lanczos4/cpu/39x200x200 | scales vip | VIP find_scal_vector, opencv lanczos4
Padding (489,210,210) to 316 | pad/constant/cpu/489x210x316 | pad numpy | NumPy pad
Groups of 10 frames, median (489,210,210) | subsample/median/cpu/489x210x210x10 | subsample vip | VIP cube_subsample
All annuli of 4 px (1024,1024) | annulus_segments/1/cpu/1024x1024 | annuli vip | VIP get_annulus_segments
Augmentation of 3000 samples, bilinear | patches/augment_bilinear/cpu/3000x20x11x11 | augment opencv | OpenCV warpAffine, a loop
Augmentation with mirrors, bilinear | patches/augment_bilinear_mirrored/cpu/3000x20x11x11 | augment mirrored opencv | OpenCV warpAffine, a loop
Shift by FFT (489,210,210) | shift/fft/cpu/489x210x210 | shift fft vip | VIP cube_shift, vip-fft, all cores
Rescaling by wavelength, FFT (39,200,200) | rescale/fft/cpu/39x200x200 | rescale fft vip | VIP cube_rescaling_wavelengths, vip-fft, all cores
Rescaling back, Lanczos-4 (195,200,200) | rescale/inverse_lanczos4/cpu/195x200x200 | rescale back vip | VIP cube_rescaling_wavelengths, opencv lanczos4, all cores
Patches 11 x 11 of 20 frames, turned, bilinear | patches/turned_bilinear/cpu/2916x20x101x11 | turned bilinear opencv | OpenCV warpAffine of frames, NumPy windows
Patches 11 x 11 of 20 frames, turned, Lanczos-4 | patches/turned_lanczos4/cpu/2916x20x101x11 | turned lanczos4 opencv | OpenCV warpAffine of frames, NumPy windows
Means of two of 3000 samples | patches/average_2/cpu/3000x20x11x11 | average numpy | NumPy
Gram matrix (489,44100), float64 | gram/cpu/489x210x210 | gram numpy | NumPy, x x^T in float64
Products of two stacks (489,44100), float64 | cross_gram/cpu/489x489x44100 | cross numpy | NumPy, float64
Projection on 20 (489,44100) | subtract_product/ncomp20/cpu/489x210x210 | projection numpy | NumPy, float32
Gram matrices of 12 annuli, 61 frames | gram_batch/cpu/12x61x101x101 | annuli numpy 61 | NumPy, x x^T in float64, a loop
Gram matrices of 25 annuli, 489 frames | gram_batch/cpu/25x489x210x210 | annuli numpy 489 | NumPy, x x^T in float64, a loop
Top 5 of 732 libraries of 12 annuli | eigh_top_subsets/ncomp5/cpu/732x61 | libraries scipy | SciPy eigh, evr, subset, a loop
Top 20 of one matrix of order 489 | eigh_top_batch/cpu/1x489x20 | eigh scipy | SciPy eigh, evr, subset
Top 20 singular values of (4000,8100) | svd_top/matrix_free/cpu/4000x90x90x20 | scipy svds | SciPy svds (ARPACK), float64
Top 20 singular values of (20000,2000) | svd_top/matrix_free/cpu/20000x40x50x20 | scipy svds 20000 | SciPy svds (ARPACK), float64
Top 10 singular values of (28800,1024) | svd_top/matrix_free/cpu/28800x32x32x10 | scipy svds 28800 | SciPy svds (ARPACK), float64
100 blocks of 28 x 489 made orthonormal | orthonormalize_rows/cpu/100x28x489 | qr numpy | NumPy qr, a stack
Columns standardized (489,44100) | scale_rows/temp_standard/cpu/489x210x210 | scaling temp | VIP matrix_scaling
Rows standardized (489,44100) | scale_rows/spat_standard/cpu/489x210x210 | scaling spat | VIP matrix_scaling
A disc cut out of (489,210,210) | gather_columns/disc60/cpu/489x210x210 | take numpy | NumPy, index array
The disc put back | scatter_columns/disc60/cpu/489x210x210 | put numpy | NumPy, index array
100 submatrices of order 469 | gather_submatrices/cpu/100x469x469 | submatrices numpy | NumPy, ix_
Gram matrix with a fake companion, 489 frames | injected_grams/one/cpu/489x10x10 | injected numpy | NumPy, the whole matrix again
NMF weights, 100 rounds of 20 components (489,44100) | nmf_weights/ncomp20/100_rounds/cpu/489x210x210 | nmf weights | scikit-learn, update_H=False
Least squares, 489 libraries of 468 frames | solve_subsets/cpu/489x489 | large libraries | SciPy solve, assume_a='pos', a loop
The same, damped | solve_subsets/damped/cpu/489x489 | large libraries damped | SciPy solve, assume_a='pos', a loop
100 products (28,489)(489,489), float64 | gemm/f64/cpu/100x28x489x489 | matmul f64 | NumPy matmul, a stack
A product (489,489)(489,44100), float32 | gemm/f32/cpu/1x489x489x44100 | matmul f32 | NumPy matmul
Sums of rows (489,44100), in float64 | row_sums/cpu/489x210x210 | row sums numpy | NumPy sum, dtype float64
Patches scaled, slice by slice | scale_patches/slice/cpu/2916x20x11x11 | scale slices numpy | NumPy min, max
Patches scaled, sample by sample | scale_patches/sample/cpu/2916x20x11x11 | scale samples numpy | NumPy min, max
Scores of 489 libraries | component_scores/cpu/489x20x489 | scores numpy | NumPy einsum
Coefficients of 489 libraries | component_coefficients/cpu/489x20x489 | coefficients numpy | NumPy matmul, a stack
Coefficients of 1 to 20 components | component_sweep/ncomp1to20/cpu/489x489 | sweep numpy | NumPy cumsum
S/N map, exact (210,210) | snr_map/exact/cpu/210x210 | map vip | VIP snrmap, all cores
S/N map, approximated (210,210) | snr_map/approximated/cpu/210x210 | quick map vip | VIP snrmap, approximated
Medians of 4 neighbours (61,10201) | row_medians/4/cpu/61x101x101 | medians 4 numpy | NumPy median
Medians of 48 neighbours (61,10201) | row_medians/48/cpu/61x101x101 | medians 48 numpy | NumPy median
A frame off all others (489,44100) | subtract_rows/cpu/489x210x210 | minus numpy | NumPy
Radial profiles (61,210,210) | radial_profile/cpu/61x210x210 | profile numpy | NumPy bincount
Quantiles by radius (61,210,210) | region_quantiles/by_radius/cpu/61x210x210 | quantiles numpy | NumPy quantile, a loop over rings
Mean and deviation over time (489,210,210) | temporal_moments/cpu/489x210x210 | moments numpy | NumPy nanmean, nanstd
Sum of frames (489,210,210) | collapse/sum/cpu/489x210x210 | sum vip | VIP cube_collapse
Maximum of frames (489,210,210) | collapse/max/cpu/489x210x210 | max vip | VIP cube_collapse
Mean of absolute values (489,210,210) | collapse/absmean/cpu/489x210x210 | absmean vip | VIP cube_collapse
Weighted mean (489,210,210) | collapse/wmean/cpu/489x210x210 | wmean vip | VIP cube_collapse
Separable convolution, 19 + 19 taps (61,101,101) | convolve_separable/19/cpu/61x101x101 | separable scipy | SciPy convolve1d, twice
Quantiles over time (489,210,210) | temporal_quantiles/cpu/489x210x210 | temporal quantiles numpy | NumPy nanquantile
Clipped statistics of frames (61,210,210) | clipped_stats/frames/cpu/61x210x210 | clipped frames astropy | astropy sigma_clipped_stats
Clipped statistics over time (489,210,210) | clipped_stats/over_time/cpu/489x210x210 | clipped over time astropy | astropy sigma_clipped_stats
2000 exact apertures in 61 frames (210,210) | aperture_sums/of_61_frames/cpu/2000x210x210 | cube photutils | photutils, exact, a loop
MAD over time (489,210,210) | temporal_mad/cpu/489x210x210 | mad scipy | SciPy median_abs_deviation
NaN replaced, box 5 (61,210,210) | correct_nan/5/cpu/61x210x210 | nan vip | VIP cube_correct_nan
FFT of rows, there and back (12810,864) | fft_rows/there_and_back/cpu/12810x864 | fft rows scipy | SciPy rfft and irfft, all cores
FFT of real frames, double (61,256,256) | fft2_real/double/cpu/61x256x256 | rfft2 double | SciPy rfft2, all cores
FFT of real frames, single (61,256,256) | fft2_real/float/cpu/61x256x256 | rfft2 float | SciPy rfft2, all cores
Convolution by FFT, 19 x 19 (61,101,101) | convolve_fft/19/cpu/61x101x101 | convolve scipy | SciPy fftconvolve
Butterworth high pass (61,101,101) | high_pass/fourier_butter/cpu/61x101x101 | butterworth vip | VIP cube_filter_highpass
Hann high pass (61,101,101) | high_pass/hann/cpu/61x101x101 | hann vip | VIP cube_filter_highpass
Shift by FFT (61,101,101) | shift/fft/cpu/61x101x101 | shift fft vip small | VIP cube_shift, vip-fft, all cores
Uniform numbers, Philox | random/uniform/cpu/102690x64 | uniform numpy | NumPy Philox
Normal numbers, Philox | random/normal/cpu/102690x64 | normal numpy | NumPy Philox
Poisson numbers of mean 100, Philox | random/poisson_100/cpu/102690x64 | poisson numpy | NumPy Philox
Photon and detector noise (61,210,210) | expose/cpu/61x210x210 | detector numpy | NumPy Philox
Fraunhofer propagation, 16 fields | matrix_fourier/cpu/16x200x210 | propagation numpy | NumPy matmul, complex64
"""

# As in kernels.py: name, our benchmark, [(peer, what it is, target ratio or None)]
CASES = [(name, ours, [(peer, what, None)])
         for name, ours, peer, what in (map(str.strip, line.split("|")) for line in _TABLE.strip().splitlines())]
