# SPDX-License-Identifier: MIT
"""What people use today to filter and transform frames, and fit PSFs, at the shapes of bench/kernels/image."""
from inputs import CORES, cube, halo_cube

LARGE, SMALL = (489, 210), (61, 101)


def scipy_separable():
    import numpy as np
    from scipy.ndimage import convolve1d

    frames = cube(61, 101)
    taps = np.exp(-0.1 * (np.arange(19) - 10) ** 2)
    return lambda: convolve1d(convolve1d(frames, taps, axis=2, mode="constant"), taps, axis=1, mode="constant")


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


def scipy_rfft2_there_and_back(kind):
    from scipy import fft

    frames = cube(61, 256).astype(kind)
    return lambda: fft.irfft2(fft.rfft2(frames, workers=CORES), frames.shape[1:], workers=CORES)


def scipy_convolve():
    import numpy as np
    from scipy.signal import fftconvolve

    frames, y, x = cube(61, 101).astype(float), *np.indices((19, 19))
    kernel = (1 / (1 + np.hypot(y - 8, x - 10)) + 0.01 * y)[None]
    return lambda: fftconvolve(frames, kernel, mode="same", axes=(1, 2))


def vip_high_pass(mode, shape=SMALL, **options):
    from vip_hci.var import cube_filter_highpass

    frames = cube(*shape)
    return lambda: cube_filter_highpass(frames, mode=mode, verbose=False, **options)


def kernel_of_19():
    """That of bench/kernels/image/convolve_bench.cpp."""
    import numpy as np

    y, x = np.indices((19, 19))
    return 1 / (1 + np.hypot(y - 8, x - 10)) + 0.01 * y


def astropy_convolution():
    from astropy.convolution import convolve

    frames, weights = cube(*SMALL), kernel_of_19()
    return lambda: [convolve(frame, weights, boundary="fill", normalize_kernel=False) for frame in frames]


def opencv_convolution():
    import cv2
    import numpy as np

    frames, weights = cube(*SMALL), kernel_of_19().astype(np.float32)
    return lambda: [cv2.filter2D(frame, -1, weights, borderType=cv2.BORDER_CONSTANT) for frame in frames]


def scipy_fft2(kind):
    import numpy as np
    from scipy import fft

    frames = cube(61, 256).astype(np.complex128 if kind == "double" else np.complex64)
    return lambda: fft.fft2(frames, workers=CORES)


def filtered(shape, make):
    """A call that applies make()'s function to every frame, as users of frame functions do."""
    function, frames = make(), halo_cube(*shape)
    return lambda: [function(frame) for frame in frames]


def kernel(fwhm, size):
    from astropy.convolution import Gaussian2DKernel

    return Gaussian2DKernel(fwhm / 2.3548200450309493, x_size=size, y_size=size)


def gaussian_filter():
    from scipy import ndimage

    return lambda f: ndimage.gaussian_filter(f, 4.8 / 2.3548200450309493, mode="constant", radius=8)


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

    frames = halo_cube(*SMALL)
    return lambda: cube_filter_iuwt(frames, coeff=1)


def fits(which, count=50):
    """A loop."""
    import numpy as np
    from astropy.modeling import fitting, models
    from scipy.optimize import least_squares

    side = 19
    y, x = np.indices((side, side))
    sigma = 4.8 / 2.3548200450309493
    truth = models.Gaussian2D(100, 9.3, 8.8, sigma, sigma)(x, y)
    stamps = truth + np.random.default_rng(1).normal(0, 1, (count, side, side))

    def astropy_gauss(stamp):
        start = models.Gaussian2D(np.ptp(stamp), 9, 9, 4 / 2.3548, 4 / 2.3548)
        return fitting.LevMarLSQFitter()(start, x, y, stamp)

    def astropy_moffat(stamp):
        return fitting.LevMarLSQFitter()(models.Moffat2D(np.ptp(stamp), 9, 9, 2, 1), x, y, stamp)

    def astropy_airy(stamp):
        return fitting.LevMarLSQFitter()(models.AiryDisk2D(np.ptp(stamp), 9, 9, 5), x, y, stamp)

    def residuals(p, stamp):
        return (models.Gaussian2D.evaluate(x, y, *p) - stamp).ravel()

    def jacobian(p, stamp):
        return np.array([d.ravel() for d in models.Gaussian2D.fit_deriv(x, y, *p)]).T

    def scipy_gauss(stamp):  # MINPACK's lmder, with the derivatives in closed form
        start = [np.ptp(stamp), 9, 9, 1.7, 1.7, 0.1]
        return least_squares(residuals, start, jac=jacobian, method="lm", args=(stamp,))

    fit = {"astropy": astropy_gauss, "scipy": scipy_gauss, "moffat": astropy_moffat, "airy": astropy_airy}[which]
    return lambda: [fit(stamp) for stamp in stamps]


CASES = [
    ("Separable convolution, 19 + 19 taps (61,101,101)", "convolve_separable/19/cpu/61x101x101",
     [(scipy_separable, "SciPy convolve1d, twice", None)]),
    ("NaN replaced, box 5 (61,210,210)", "correct_nan/5/cpu/61x210x210",
     [(vip_correct_nan, "VIP cube_correct_nan", None)]),
    ("FFT of rows, there and back (12810,864)", "fft_rows/there_and_back/cpu/12810x864",
     [(scipy_fft_rows, "SciPy rfft and irfft, all cores", None)]),
    ("FFT of real frames, double (61,256,256)", "fft2_real/double/cpu/61x256x256",
     [(lambda: scipy_rfft2("float64"), "SciPy rfft2, all cores", None)]),
    ("FFT of real frames, single (61,256,256)", "fft2_real/float/cpu/61x256x256",
     [(lambda: scipy_rfft2("float32"), "SciPy rfft2, all cores", None)]),
    ("Convolution by FFT, 19 x 19 (61,101,101)", "convolve_fft/19/cpu/61x101x101",
     [(scipy_convolve, "SciPy fftconvolve", None)]),
    ("Butterworth high pass (61,101,101)", "high_pass/fourier_butter/cpu/61x101x101",
     [(lambda: vip_high_pass("fourier-butter"), "VIP cube_filter_highpass", None)]),
    ("Hann high pass (61,101,101)", "high_pass/hann/cpu/61x101x101",
     [(lambda: vip_high_pass("hann"), "VIP cube_filter_highpass", None)]),
    ("FFT, double (61,256,256)", "fft2/double/cpu/61x256x256",
     [(lambda: scipy_fft2("double"), "SciPy fft2, all cores", None)]),
    ("FFT, single (61,256,256)", "fft2/float/cpu/61x256x256",
     [(lambda: scipy_fft2("float"), "SciPy fft2, all cores", None)]),
    ("Gaussian of 17 x 17 (489,210,210)", "low_pass/gauss17/conv/cpu/489x210x210",
     [(lambda: filtered(LARGE, gaussian_filter), "SciPy gaussian_filter", None),
      (lambda: filtered(LARGE, gaussian_blur), "OpenCV GaussianBlur", None)]),
    ("Gaussian of 17 x 17 (61,101,101)", "low_pass/gauss17/conv/cpu/61x101x101",
     [(lambda: filtered(SMALL, lambda: astropy_convolve(4.8, 17)), "Astropy convolve", None),
      (lambda: filtered(SMALL, lambda: astropy_convolve_fft(4.8, 17)), "Astropy convolve_fft", None)]),
    ("Gaussian of 69 x 69 by FFT (61,101,101)", "low_pass/gauss69/convfft/cpu/61x101x101",
     [(lambda: filtered(SMALL, lambda: astropy_convolve_fft(20, 69)), "Astropy convolve_fft", None)]),
    ("PSF of 19 x 19 (61,101,101)", "low_pass/psf19/conv/cpu/61x101x101",
     [(lambda: filtered(SMALL, lambda: astropy_convolve(4.8, 19)), "Astropy convolve", None),
      (lambda: filtered(SMALL, filter_2d), "OpenCV filter2D", None)]),
    ("PSF of 19 x 19 by FFT (61,101,101)", "low_pass/psf19/convfft/cpu/61x101x101",
     [(lambda: filtered(SMALL, lambda: astropy_convolve_fft(4.8, 19)), "Astropy convolve_fft", None)]),
    ("Median of 3 x 3 (61,101,101)", "median_filter/box3/cpu/61x101x101",
     [(lambda: filtered(SMALL, lambda: scipy_median(3)), "SciPy median_filter", None)]),
    ("Median of 5 x 5 (61,101,101)", "median_filter/box5/cpu/61x101x101",
     [(lambda: filtered(SMALL, lambda: scipy_median(5)), "SciPy median_filter", None),
      (lambda: filtered(SMALL, median_blur), "OpenCV medianBlur", None)]),
    ("Median of 9 x 9 (61,101,101)", "median_filter/box9/cpu/61x101x101",
     [(lambda: filtered(SMALL, lambda: scipy_median(9)), "SciPy median_filter", None)]),
    ("Median of 21 x 21 (61,101,101)", "median_filter/box21/cpu/61x101x101",
     [(lambda: filtered(SMALL, lambda: scipy_median(21)), "SciPy median_filter", None)]),
    ("Median of a disc, radius 5 (61,101,101)", "median_filter/disc5/cpu/61x101x101",
     [(lambda: filtered(SMALL, scipy_median_of_disc), "SciPy median_filter", None)]),
    ("Laplacian of 5 x 5 (489,210,210)", "high_pass/laplacian5/cpu/489x210x210",
     [(lambda: filtered(LARGE, laplacian), "OpenCV Laplacian", None)]),
    ("Starlet, first detail (61,101,101)", "starlet/1/cpu/61x101x101",
     [(vip_starlet, "VIP cube_filter_iuwt", None)]),
    ("Gaussian fits, 50 stamps of 19 x 19", "fit_psfs/gauss/cpu/50x19x19",
     [(lambda: fits("astropy"), "Astropy LevMarLSQFitter, a loop", None),
      (lambda: fits("scipy"), "SciPy least_squares (MINPACK, derivatives given), a loop", None)]),
    ("Moffat fits, 50 stamps of 19 x 19", "fit_psfs/moff/cpu/50x19x19",
     [(lambda: fits("moffat"), "Astropy LevMarLSQFitter, a loop", None)]),
    ("Gaussian fits, 5000 stamps of 19 x 19", "fit_psfs/gauss/cpu/5000x19x19",
     [(lambda: fits("astropy", 5000), "Astropy LevMarLSQFitter, a loop", None),
      (lambda: fits("scipy", 5000), "SciPy least_squares (MINPACK, derivatives given), a loop", None)]),
    ("Airy fits, 50 stamps of 19 x 19", "fit_psfs/airy/cpu/50x19x19",
     [(lambda: fits("airy"), "Astropy LevMarLSQFitter, a loop", None)]),
    ("Convolution, 19 x 19 (61,101,101)", "convolve/19/cpu/61x101x101",
     [(astropy_convolution, "Astropy convolve", None), (opencv_convolution, "OpenCV filter2D", None)]),
    ("High pass by medians of 5 x 5 (489,210,210)", "high_pass/median_subt5/cpu/489x210x210",
     [(lambda: vip_high_pass("median-subt", LARGE, median_size=5), "VIP cube_filter_highpass", None)]),
    ("FFT of real frames and back, double (61,256,256)", "fft2_real/there_and_back/double/cpu/61x256x256",
     [(lambda: scipy_rfft2_there_and_back("float64"), "SciPy rfft2 and irfft2, all cores", None)]),
    ("FFT of real frames and back, single (61,256,256)", "fft2_real/there_and_back/float/cpu/61x256x256",
     [(lambda: scipy_rfft2_there_and_back("float32"), "SciPy rfft2 and irfft2, all cores", None)]),
]
