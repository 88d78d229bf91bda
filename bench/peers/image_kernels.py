# SPDX-License-Identifier: MIT
"""What people use today for the image filters and PSF fits, at the shapes of bench/kernels/image.

CASES and PEERS are timed by kernels.py. Libraries run as they are installed, with all the threads that they take.
"""
LARGE, SMALL = (489, 210), (61, 101)


def cube(frames, side):
    import numpy as np

    y, x = np.indices((side, side)) - side / 2
    halo = 1000 / (1 + np.hypot(y, x))
    return (halo + np.random.default_rng(1).normal(0, 3, (frames, side, side))).astype(np.float32)


def filtered(shape, make):
    """A call that applies make()'s function to every frame, as users of frame functions do."""
    function, frames = make(), cube(*shape)
    return lambda: [function(frame) for frame in frames]


def kernel(fwhm, size):
    from astropy.convolution import Gaussian2DKernel

    return Gaussian2DKernel(fwhm / 2.3548200450309493, x_size=size, y_size=size)


def gaussian_filter():
    from scipy import ndimage

    return lambda f: ndimage.gaussian_filter(f, 4.8 / 2.3548200450309493, mode="constant", radius=8)  # the same 17 taps


def gaussian_blur():
    import cv2

    return lambda f: cv2.GaussianBlur(f, (17, 17), 4.8 / 2.3548200450309493, borderType=cv2.BORDER_CONSTANT)


def astropy_convolve(fwhm, size):
    from astropy.convolution import convolve

    weights = kernel(fwhm, size)
    return lambda f: convolve(f, weights)


def astropy_convolve_fft(fwhm, size):
    from astropy.convolution import convolve_fft

    weights = kernel(fwhm, size)
    return lambda f: convolve_fft(f, weights)


def filter_2d():
    import cv2
    import numpy as np

    psf = kernel(4.8, 19).array.astype(np.float32)
    return lambda f: cv2.filter2D(f, -1, psf)


def scipy_median(size):
    from scipy import ndimage

    return lambda f: ndimage.median_filter(f, size, mode="nearest")


def scipy_median_of_disc():
    from scipy import ndimage
    from skimage.morphology import disk

    return lambda f: ndimage.median_filter(f, footprint=disk(5), mode="nearest")


def median_blur():
    import cv2

    return lambda f: cv2.medianBlur(f, 5)


def laplacian():
    import cv2

    return lambda f: cv2.Laplacian(-f, cv2.CV_32F, ksize=5)


def vip_starlet():
    from vip_hci.var.filters import cube_filter_iuwt

    frames = cube(*SMALL)
    return lambda: cube_filter_iuwt(frames, coeff=1)


def fits(which):
    """50 stamps, a loop."""
    import numpy as np
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

    fit = {"astropy": astropy_gauss, "scipy": scipy_gauss, "moffat": astropy_moffat}[which]
    return lambda: [fit(stamp) for stamp in stamps]


PEERS = {
    "gauss17 scipy": lambda: filtered(LARGE, gaussian_filter),
    "gauss17 cv2": lambda: filtered(LARGE, gaussian_blur),
    "gauss17 astropy": lambda: filtered(SMALL, lambda: astropy_convolve(4.8, 17)),
    "gauss17 astropy fft": lambda: filtered(SMALL, lambda: astropy_convolve_fft(4.8, 17)),
    "gauss69 astropy fft": lambda: filtered(SMALL, lambda: astropy_convolve_fft(20, 69)),
    "psf19 astropy": lambda: filtered(SMALL, lambda: astropy_convolve(4.8, 19)),
    "psf19 astropy fft": lambda: filtered(SMALL, lambda: astropy_convolve_fft(4.8, 19)),
    "psf19 cv2": lambda: filtered(SMALL, filter_2d),
    "median3 scipy": lambda: filtered(SMALL, lambda: scipy_median(3)),
    "median5 scipy": lambda: filtered(SMALL, lambda: scipy_median(5)),
    "median5 cv2": lambda: filtered(SMALL, median_blur),
    "median9 scipy": lambda: filtered(SMALL, lambda: scipy_median(9)),
    "median21 scipy": lambda: filtered(SMALL, lambda: scipy_median(21)),
    "median disc5 scipy": lambda: filtered(SMALL, scipy_median_of_disc),
    "laplacian cv2": lambda: filtered(LARGE, laplacian),
    "starlet vip": vip_starlet,
    "fit gauss astropy": lambda: fits("astropy"),
    "fit gauss scipy": lambda: fits("scipy"),
    "fit moff astropy": lambda: fits("moffat"),
}

# As in kernels.py: name, our benchmark, [(peer, what it is, target ratio or None)]
CASES = [
    ("Gaussian of 17 x 17 (489,210,210)", "low_pass/gauss17/conv/cpu/489x210x210",
     [("gauss17 scipy", "SciPy gaussian_filter", None), ("gauss17 cv2", "OpenCV GaussianBlur", None)]),
    ("Gaussian of 17 x 17 (61,101,101)", "low_pass/gauss17/conv/cpu/61x101x101",
     [("gauss17 astropy", "Astropy convolve", None), ("gauss17 astropy fft", "Astropy convolve_fft", None)]),
    ("Gaussian of 69 x 69 by FFT (61,101,101)", "low_pass/gauss69/convfft/cpu/61x101x101",
     [("gauss69 astropy fft", "Astropy convolve_fft", None)]),
    ("PSF of 19 x 19 (61,101,101)", "low_pass/psf19/conv/cpu/61x101x101",
     [("psf19 astropy", "Astropy convolve", None), ("psf19 cv2", "OpenCV filter2D", None)]),
    ("PSF of 19 x 19 by FFT (61,101,101)", "low_pass/psf19/convfft/cpu/61x101x101",
     [("psf19 astropy fft", "Astropy convolve_fft", None)]),
    ("Median of 3 x 3 (61,101,101)", "median_filter/box3/cpu/61x101x101",
     [("median3 scipy", "SciPy median_filter", None)]),
    ("Median of 5 x 5 (61,101,101)", "median_filter/box5/cpu/61x101x101",
     [("median5 scipy", "SciPy median_filter", None), ("median5 cv2", "OpenCV medianBlur", None)]),
    ("Median of 9 x 9 (61,101,101)", "median_filter/box9/cpu/61x101x101",
     [("median9 scipy", "SciPy median_filter", None)]),
    ("Median of 21 x 21 (61,101,101)", "median_filter/box21/cpu/61x101x101",
     [("median21 scipy", "SciPy median_filter", None)]),
    ("Median of a disc, radius 5 (61,101,101)", "median_filter/disc5/cpu/61x101x101",
     [("median disc5 scipy", "SciPy median_filter", None)]),
    ("Laplacian of 5 x 5 (489,210,210)", "high_pass/laplacian5/cpu/489x210x210",
     [("laplacian cv2", "OpenCV Laplacian", None)]),
    ("Starlet, first detail (61,101,101)", "starlet/1/cpu/61x101x101", [("starlet vip", "VIP cube_filter_iuwt", None)]),
    ("Gaussian fits, 50 stamps of 19 x 19", "fit_psfs/gauss/cpu/50x19x19",
     [("fit gauss astropy", "Astropy LevMarLSQFitter, a loop", None),
      ("fit gauss scipy", "SciPy least_squares (MINPACK, derivatives given), a loop", None)]),
    ("Moffat fits, 50 stamps of 19 x 19", "fit_psfs/moff/cpu/50x19x19",
     [("fit moff astropy", "Astropy LevMarLSQFitter, a loop", None)]),
]
