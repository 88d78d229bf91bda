# SPDX-License-Identifier: MIT
"""What people use today to move, resample and collapse frames, for Fourier transforms and statistics, at the shapes of
bench/kernels.

CASES and PEERS are timed by kernels.py. Libraries run as they are installed; those that take a number of threads get
all cores.
"""
import os

LARGE, SMALL, IFS = (489, 210), (61, 210), (195, 200)


def cube(shape):
    from kernels import speckles

    return speckles(*shape)


def shifts(count):
    import numpy as np

    return 1.7 * np.cos(np.arange(count)), 1.7 * np.sin(np.arange(count))


def scipy_shift():
    from scipy import ndimage

    frames, (dy, dx) = cube(LARGE), shifts(LARGE[0])
    return lambda: [ndimage.shift(frame, (y, x), order=3) for frame, y, x in zip(frames, dy, dx)]


def vip_shift():
    from vip_hci.preproc import cube_shift

    frames, (dy, dx) = cube(LARGE), shifts(LARGE[0])
    return lambda: cube_shift(frames, dy, dx, imlib="opencv", interpolation="lanczos4", border_mode="constant")


def vip_rescale():
    from vip_hci.preproc.rescaling import cube_rescaling_wavelengths
    import numpy as np

    frames = cube(IFS)
    scales = 1.7 / (1 + 0.7 * (np.arange(IFS[0]) % 39) / 38)
    return lambda: cube_rescaling_wavelengths(frames, scales, full_output=True, imlib="opencv",
                                              interpolation="lanczos4", collapse="mean", nproc=os.cpu_count())


def vip_resample(shape, scale, **options):
    from vip_hci.preproc import cube_px_resampling

    frames = cube(shape)
    return lambda: cube_px_resampling(frames, scale, keep_center=True, verbose=False, **options)


def medians(module):
    frames = cube(LARGE)
    if module == "numpy":
        import numpy as np

        return lambda: np.nanmedian(frames, axis=0)
    import bottleneck

    return lambda: bottleneck.nanmedian(frames, axis=0)


def scipy_fft2(kind):
    import numpy as np
    from scipy import fft

    frames = cube((61, 256)).astype(np.complex128 if kind == "double" else np.complex64)
    return lambda: fft.fft2(frames, workers=os.cpu_count())


def sklearn_svd():
    from sklearn.utils.extmath import randomized_svd

    rows = cube((4000, 90)).reshape(4000, -1)
    return lambda: randomized_svd(rows, 20, n_oversamples=10, n_iter=2, power_iteration_normalizer="QR", random_state=1)


def numpy_regions():
    import numpy as np

    frames = cube(SMALL)
    y, x = np.indices(frames.shape[1:]) - frames.shape[1] // 2
    radius = np.hypot(y, x).astype(int).ravel()
    bins = [np.flatnonzero(radius == r) for r in range(radius.max() + 1)]
    rows = frames.reshape(len(frames), -1)

    def statistics():
        for pixels in bins:
            values = rows[:, pixels]
            median = np.median(values, axis=1)
            values.mean(axis=1, dtype=float), values.std(axis=1, dtype=float), values.min(axis=1), values.max(axis=1)
            np.median(abs(values - median[:, None]), axis=1)

    return statistics


PEERS = {
    "shift scipy": scipy_shift,
    "shift vip": vip_shift,
    "rescale vip": vip_rescale,
    "resample vip opencv": lambda: vip_resample(LARGE, 0.5, imlib="opencv", interpolation="lanczos4"),
    "resample vip fft": lambda: vip_resample(SMALL, 0.5, imlib="vip-fft"),
    "median numpy": lambda: medians("numpy"),
    "median bottleneck": lambda: medians("bottleneck"),
    "fft2 double": lambda: scipy_fft2("double"),
    "fft2 float": lambda: scipy_fft2("float"),
    "randomized svd sklearn": sklearn_svd,
    "regions numpy": numpy_regions,
}

# As in kernels.py: name, our benchmark, [(peer, what it is, target ratio or None)]
CASES = [
    ("Shift, cubic splines (489,210,210)", "shift/spline3/cpu/489x210x210",
     [("shift scipy", "SciPy shift, order 3", None)]),
    ("Shift, Lanczos-4 (489,210,210)", "shift/lanczos4/cpu/489x210x210",
     [("shift vip", "VIP cube_shift, opencv lanczos4", None)]),
    ("Rescaling by wavelength, Lanczos-4 (195,200,200)", "rescale/lanczos4/cpu/195x200x200",
     [("rescale vip", "VIP cube_rescaling_wavelengths, opencv lanczos4, all cores", None)]),
    ("Resampling to half, Lanczos-4 (489,210,210)", "resample/lanczos4_coarser/cpu/489x210x210",
     [("resample vip opencv", "VIP cube_px_resampling, opencv lanczos4", None)]),
    ("Resampling to half by FFT (61,210,210)", "resample/fft_coarser/cpu/61x210x210",
     [("resample vip fft", "VIP cube_px_resampling, vip-fft", None)]),
    ("Median over time (489,210,210)", "collapse/median/cpu/489x210x210",
     [("median numpy", "NumPy nanmedian", None), ("median bottleneck", "bottleneck nanmedian", None)]),
    ("FFT, double (61,256,256)", "fft2/double/cpu/61x256x256",
     [("fft2 double", "SciPy fft2, all cores", None)]),
    ("FFT, single (61,256,256)", "fft2/float/cpu/61x256x256",
     [("fft2 float", "SciPy fft2, all cores", None)]),
    ("Randomized SVD, 20 of (4000,8100)", "svd_randomized/cpu/4000x90x90x20",
     [("randomized svd sklearn", "scikit-learn randomized_svd, float32 (ours: double)", None)]),
    ("Statistics by radius (61,210,210)", "region_stats/by_radius/cpu/61x210x210",
     [("regions numpy", "NumPy, a loop over rings", None)]),
]
