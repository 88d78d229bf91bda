# SPDX-License-Identifier: MIT
"""Times what people use today for the image filters and PSF fits, at the shapes of bench/kernels/image.

image_kernels.py [NAME...] prints one line of JSON for each case whose name contains a NAME (all, if
none is given): the best of the repeats in seconds, and the time for one pixel or one fit. Libraries
run as they are installed, with all the threads that they take. Compare with
kernels_bench --benchmark_filter='low_pass|high_pass|median_filter|starlet|fit_psfs' of the same machine.
"""
import json
import sys
import time
import warnings

import numpy as np

REPEATS = 3
warnings.filterwarnings("ignore")


def best(work):
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def cube(frames, side):
    y, x = np.indices((side, side)) - side / 2
    halo = 1000 / (1 + np.hypot(y, x))
    return (halo + np.random.default_rng(1).normal(0, 3, (frames, side, side))).astype(np.float32)


def each(function):
    """Applies the function to every frame, as users of frame functions do."""
    return lambda frames: [function(frame) for frame in frames]


def filters():
    import cv2
    from astropy.convolution import Gaussian2DKernel, convolve, convolve_fft
    from scipy import ndimage
    from skimage.morphology import disk
    from vip_hci.var.filters import cube_filter_iuwt

    sigma = 4.8 / 2.3548200450309493
    narrow = Gaussian2DKernel(sigma, x_size=17, y_size=17)
    wide = Gaussian2DKernel(20 / 2.3548200450309493, x_size=69, y_size=69)
    psf = Gaussian2DKernel(sigma, x_size=19, y_size=19).array
    large, small = (489, 210), (61, 101)
    return {
        # SciPy's, with the same 17 taps along each axis
        "low_pass/gauss17/scipy.ndimage.gaussian_filter": (
            large, each(lambda f: ndimage.gaussian_filter(f, sigma, mode="constant", radius=8))),
        "low_pass/gauss17/cv2.GaussianBlur": (
            large, each(lambda f: cv2.GaussianBlur(f, (17, 17), sigma, borderType=cv2.BORDER_CONSTANT))),
        "low_pass/gauss17/astropy.convolve": (small, each(lambda f: convolve(f, narrow))),
        "low_pass/gauss17/astropy.convolve_fft": (small, each(lambda f: convolve_fft(f, narrow))),
        "low_pass/gauss69/astropy.convolve_fft": (small, each(lambda f: convolve_fft(f, wide))),
        "low_pass/psf19/astropy.convolve": (small, each(lambda f: convolve(f, psf))),
        "low_pass/psf19/astropy.convolve_fft": (small, each(lambda f: convolve_fft(f, psf))),
        "low_pass/psf19/cv2.filter2D": (small, each(lambda f: cv2.filter2D(f, -1, psf.astype(np.float32)))),
        "median_filter/box3/scipy": (small, each(lambda f: ndimage.median_filter(f, 3, mode="nearest"))),
        "median_filter/box5/scipy": (small, each(lambda f: ndimage.median_filter(f, 5, mode="nearest"))),
        "median_filter/box5/cv2.medianBlur": (small, each(lambda f: cv2.medianBlur(f, 5))),
        "median_filter/box9/scipy": (small, each(lambda f: ndimage.median_filter(f, 9, mode="nearest"))),
        "median_filter/box21/scipy": (small, each(lambda f: ndimage.median_filter(f, 21, mode="nearest"))),
        "median_filter/disc5/scipy": (
            small, each(lambda f: ndimage.median_filter(f, footprint=disk(5), mode="nearest"))),
        "high_pass/laplacian5/cv2.Laplacian": (large, each(lambda f: cv2.Laplacian(-f, cv2.CV_32F, ksize=5))),
        "starlet/1/vip.cube_filter_iuwt": (small, lambda frames: cube_filter_iuwt(frames, coeff=1)),
    }


def fits():
    from astropy.modeling import fitting, models
    from scipy.optimize import least_squares

    side, count = 19, 50
    y, x = np.indices((side, side))
    sigma = 4.8 / 2.3548200450309493
    truth = models.Gaussian2D(100, 9.3, 8.8, sigma, sigma)(x, y)
    stamps = truth + np.random.default_rng(1).normal(0, 1, (count, side, side))

    def astropy_gauss(stamp):
        start = models.Gaussian2D(np.ptp(stamp), 9, 9, 4 / 2.3548, 4 / 2.3548)
        return fitting.LevMarLSQFitter()(start, x, y, stamp)

    def astropy_moffat(stamp):
        return fitting.LevMarLSQFitter()(models.Moffat2D(np.ptp(stamp), 9, 9, 2, 1), x, y, stamp)

    def residuals(p, stamp):
        return (models.Gaussian2D.evaluate(x, y, *p) - stamp).ravel()

    def jacobian(p, stamp):
        return np.array([d.ravel() for d in models.Gaussian2D.fit_deriv(x, y, *p)]).T

    def scipy_gauss(stamp):  # MINPACK's lmder, with the derivatives in closed form
        start = [np.ptp(stamp), 9, 9, 1.7, 1.7, 0.1]
        return least_squares(residuals, start, jac=jacobian, method="lm", args=(stamp,))

    return {
        "fit_psfs/gauss/astropy.LevMarLSQFitter": (stamps, astropy_gauss),
        "fit_psfs/gauss/scipy.least_squares(lm, jac)": (stamps, scipy_gauss),
        "fit_psfs/moff/astropy.LevMarLSQFitter": (stamps, astropy_moffat),
    }


def main():
    names = sys.argv[1:]
    wanted = lambda name: not names or any(part in name for part in names)
    for name, (shape, function) in filters().items():
        if not wanted(name):
            continue
        frames = cube(*shape[:1], shape[1])
        seconds = best(lambda: function(frames))
        print(json.dumps({"case": name, "shape": list(frames.shape), "seconds": round(seconds, 5),
                          "ns_per_pixel": round(seconds / frames.size * 1e9, 3)}), flush=True)
    for name, (stamps, function) in fits().items():
        if not wanted(name):
            continue
        seconds = best(lambda: [function(stamp) for stamp in stamps])
        print(json.dumps({"case": name, "shape": list(stamps.shape), "seconds": round(seconds, 5),
                          "us_per_fit": round(seconds / len(stamps) * 1e6, 1)}), flush=True)


if __name__ == "__main__":
    main()
