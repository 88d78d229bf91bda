# SPDX-License-Identifier: MIT
"""What people use today to move, resample and cut frames, at the shapes of bench/kernels/geometry."""
import concurrent.futures

from inputs import CORES, cube, seconds_of

LARGE, SMALL, IFS = (489, 210), (61, 210), (195, 200)


def on_threads(frames, matrix, flag, border=0):
    """The frames by OpenCV's warpAffine and the matrix of each: within frames on its threads, or frame by frame on ours."""
    import cv2
    import numpy as np

    out = np.empty_like(frames)

    def turn(t):
        out[t] = cv2.warpAffine(frames[t], matrix(t), frames.shape[:0:-1], flags=flag, borderMode=border)

    def on_its_threads():
        cv2.setNumThreads(CORES)
        for t in range(len(frames)):
            turn(t)
        return out

    def on_ours():
        cv2.setNumThreads(1)
        with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
            list(pool.map(turn, range(len(frames))))
        return out

    return [on_its_threads, on_ours]


def warps(frames, angles, flag=None, border=0):
    """The frames turned."""
    import cv2

    size = frames.shape[1]
    centre = (size / 2, size / 2) if size % 2 == 0 else (size / 2 - 0.5, size / 2 - 0.5)
    return on_threads(frames, lambda t: cv2.getRotationMatrix2D(centre, angles[t], 1),
                      cv2.INTER_LANCZOS4 if flag is None else flag, border)


def opencv_lanczos4(border=0):
    import numpy as np

    return warps(cube(*LARGE), np.linspace(0, 90, LARGE[0]), border=border)


def opencv_lanczos4_collapsed(collapse):
    import numpy as np

    return [lambda turn=turn: getattr(np, collapse)(turn(), axis=0) for turn in opencv_lanczos4()]


def vip_fft_rotation():
    import numpy as np
    from vip_hci.preproc import cube_derotate

    frames, angles = cube(*SMALL), np.linspace(0, 90, SMALL[0])
    return lambda: cube_derotate(frames, angles, imlib="vip-fft", nproc=CORES)


def numpy_windows():
    import numpy as np

    stack = cube(20, 101)[:, 18:82, 18:82]  # 54 x 54 places about the centre of frames of 101 x 101, as ours
    return lambda: np.ascontiguousarray(
        np.lib.stride_tricks.sliding_window_view(stack, (11, 11), axis=(1, 2)).transpose(1, 2, 0, 3, 4))


def opencv_rotation(flag):
    import cv2
    import numpy as np

    frames = cube(489, 210)
    return min(warps(frames, np.linspace(0, 90, 489), getattr(cv2, flag)), key=seconds_of)


def ndimage_rotation(order):
    import numpy as np
    from scipy import ndimage

    frames, angles = cube(489, 210), np.linspace(0, 90, 489)
    return lambda: [ndimage.rotate(frame, angle, reshape=False, order=order) for frame, angle in zip(frames, angles)]


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


def vip_rescaling(frames, sides, inverse, imlib, interpolation=None):
    """Channels from 1 to 1.7 times the shortest wavelength; inverse: of frames that were magnified, back."""
    import numpy as np
    from vip_hci.preproc.rescaling import cube_rescaling_wavelengths

    scales = 1.7 / (1 + 0.7 * (np.arange(frames) % 39) / 38)
    wide = cube(frames, int(np.ceil(sides * 1.7))) if inverse else cube(frames, sides)
    return lambda: cube_rescaling_wavelengths(wide, scales, full_output=True, inverse=inverse, y_in=sides, x_in=sides,
                                              imlib=imlib, interpolation=interpolation,
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


def vip_scales(imlib, interpolation=None):
    import numpy as np
    from vip_hci.preproc import find_scal_vector

    frames, waves = cube(39, 200), np.linspace(1, 1.7, 39)
    return lambda: find_scal_vector(frames, waves, np.ones(39), nfp=2, fm="stddev", imlib=imlib,
                                    interpolation=interpolation, debug=False)


def padded():
    import numpy as np

    frames = cube(489, 210)
    return lambda: np.pad(frames, ((0, 0), (53, 53), (53, 53)))


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


def scaled_patches(axes):
    import numpy as np

    patches = np.random.default_rng(1).normal(size=(2916, 20, 11, 11)).astype("float32")

    def scale():
        low, high = patches.min(axis=axes, keepdims=True), patches.max(axis=axes, keepdims=True)
        return (patches - low) / (high - low)

    return scale


def shifts(count):
    import numpy as np

    return 1.7 * np.cos(np.arange(count)), 1.7 * np.sin(np.arange(count))


def scipy_shift():
    from scipy import ndimage

    frames, (dy, dx) = cube(*LARGE), shifts(LARGE[0])
    return lambda: [ndimage.shift(frame, (y, x), order=3) for frame, y, x in zip(frames, dy, dx)]


def opencv_shift(flag):
    import cv2
    import numpy as np

    frames, (dy, dx) = cube(*LARGE), shifts(LARGE[0])

    return on_threads(frames, lambda t: np.array([[1, 0, dx[t]], [0, 1, dy[t]]]), getattr(cv2, flag))


def vip_shift():
    from vip_hci.preproc import cube_shift

    frames, (dy, dx) = cube(*LARGE), shifts(LARGE[0])
    return lambda: cube_shift(frames, dy, dx, imlib="opencv", interpolation="lanczos4", border_mode="constant")


def vip_rescale():
    from vip_hci.preproc.rescaling import cube_rescaling_wavelengths
    import numpy as np

    frames = cube(*IFS)
    scales = 1.7 / (1 + 0.7 * (np.arange(IFS[0]) % 39) / 38)
    return lambda: cube_rescaling_wavelengths(frames, scales, full_output=True, imlib="opencv",
                                              interpolation="lanczos4", collapse="mean", nproc=CORES)


def vip_resample(shape, scale, **options):
    from vip_hci.preproc import cube_px_resampling

    frames = cube(*shape)
    return lambda: cube_px_resampling(frames, scale, keep_center=True, verbose=False, **options)


CASES = [
    ("Lanczos-4 rotation (489,210,210)", "rotate/lanczos4/cpu/489x210x210",
     [(opencv_lanczos4, "OpenCV warpAffine, the faster of its threads and ours over frames", 2)]),
    ("Derotate + median (489,210,210)", "derotate_collapse/lanczos4_median/cpu/489x210x210",
     [(lambda: opencv_lanczos4_collapsed("median"), "OpenCV warpAffine, NumPy median", 6)]),
    ("FFT rotation (61,210,210)", "rotate/fft/cpu/61x210x210",
     [(vip_fft_rotation, "VIP vip-fft, all cores", 40)]),
    ("Patches 11 x 11 of 20 frames, copied", "patches/copy/cpu/2916x20x101x11",
     [(numpy_windows, "NumPy, copy of a strided view", None)]),
    ("Rotation, bicubic (489,210,210)", "rotate/bicubic/cpu/489x210x210",
     [(lambda: opencv_rotation("INTER_CUBIC"), "OpenCV warpAffine", None)]),
    ("Rotation, bilinear (489,210,210)", "rotate/bilinear/cpu/489x210x210",
     [(lambda: opencv_rotation("INTER_LINEAR"), "OpenCV warpAffine", None)]),
    ("Rotation, nearest (489,210,210)", "rotate/nearest/cpu/489x210x210",
     [(lambda: opencv_rotation("INTER_NEAREST"), "OpenCV warpAffine", None)]),
    ("Rotation, cubic splines (489,210,210)", "rotate/spline3/cpu/489x210x210",
     [(lambda: ndimage_rotation(3), "SciPy rotate, order 3", None)]),
    ("Rotation with filled margins (61,210,210)", "rotate_blended/interp/cpu/61x210x210",
     [(vip_blended_rotation, "VIP frame_rotate, edge_blend interp", None)]),
    ("Scales of 39 channels (39,200,200)", "find_scales/lanczos4/cpu/39x200x200",
     [(lambda: vip_scales("opencv", "lanczos4"), "VIP find_scal_vector, opencv lanczos4", None)]),
    ("Padding (489,210,210) to 316", "pad/constant/cpu/489x210x316",
     [(padded, "NumPy pad", None)]),
    ("All annuli of 4 px (1024,1024)", "annulus_segments/1/cpu/1024x1024",
     [(vip_annuli, "VIP get_annulus_segments", None)]),
    ("Augmentation of 3000 samples, bilinear", "patches/augment_bilinear/cpu/3000x20x11x11",
     [(opencv_augment, "OpenCV warpAffine, a loop", None)]),
    ("Augmentation with mirrors, bilinear", "patches/augment_bilinear_mirrored/cpu/3000x20x11x11",
     [(lambda: opencv_augment(mirrors=True), "OpenCV warpAffine, a loop", None)]),
    ("Shift by FFT (489,210,210)", "shift/fft/cpu/489x210x210",
     [(lambda: vip_fft_shift(489, 210), "VIP cube_shift, vip-fft, all cores", None)]),
    ("Rescaling by wavelength, FFT (39,200,200)", "rescale/fft/cpu/39x200x200",
     [(lambda: vip_rescaling(39, 200, False, "vip-fft"), "VIP cube_rescaling_wavelengths, vip-fft, all cores", None)]),
    ("Rescaling back, Lanczos-4 (195,200,200)", "rescale/inverse_lanczos4/cpu/195x200x200",
     [(lambda: vip_rescaling(195, 200, True, "opencv", "lanczos4"),
       "VIP cube_rescaling_wavelengths, opencv lanczos4, all cores", None)]),
    ("Patches 11 x 11 of 20 frames, turned, bilinear", "patches/turned_bilinear/cpu/2916x20x101x11",
     [(lambda: opencv_turned_patches(1), "OpenCV warpAffine of frames, NumPy windows", None)]),
    ("Patches 11 x 11 of 20 frames, turned, Lanczos-4", "patches/turned_lanczos4/cpu/2916x20x101x11",
     [(lambda: opencv_turned_patches(4), "OpenCV warpAffine of frames, NumPy windows", None)]),
    ("Means of two of 3000 samples", "patches/average_2/cpu/3000x20x11x11",
     [(averaged, "NumPy", None)]),
    ("Patches scaled, slice by slice", "scale_patches/slice/cpu/2916x20x11x11",
     [(lambda: scaled_patches((2, 3)), "NumPy min, max", None)]),
    ("Patches scaled, sample by sample", "scale_patches/sample/cpu/2916x20x11x11",
     [(lambda: scaled_patches((1, 2, 3)), "NumPy min, max", None)]),
    ("Shift by FFT (61,101,101)", "shift/fft/cpu/61x101x101",
     [(lambda: vip_fft_shift(61, 101), "VIP cube_shift, vip-fft, all cores", None)]),
    ("Shift, cubic splines (489,210,210)", "shift/spline3/cpu/489x210x210",
     [(scipy_shift, "SciPy shift, order 3", None)]),
    ("Shift, Lanczos-4 (489,210,210)", "shift/lanczos4/cpu/489x210x210",
     [(vip_shift, "VIP cube_shift, opencv lanczos4", None)]),
    ("Rescaling by wavelength, Lanczos-4 (195,200,200)", "rescale/lanczos4/cpu/195x200x200",
     [(vip_rescale, "VIP cube_rescaling_wavelengths, opencv lanczos4, all cores", None)]),
    ("Resampling to half, Lanczos-4 (489,210,210)", "resample/lanczos4_coarser/cpu/489x210x210",
     [(lambda: vip_resample(LARGE, 0.5, imlib="opencv", interpolation="lanczos4"),
       "VIP cube_px_resampling, opencv lanczos4", None)]),
    ("Resampling to half by FFT (61,210,210)", "resample/fft_coarser/cpu/61x210x210",
     [(lambda: vip_resample(SMALL, 0.5, imlib="vip-fft"), "VIP cube_px_resampling, vip-fft", None)]),
    ("Derotate + mean (489,210,210)", "derotate_collapse/lanczos4_mean/cpu/489x210x210",
     [(lambda: opencv_lanczos4_collapsed("mean"), "OpenCV warpAffine, NumPy mean", None)]),
    ("Derotate + maximum (489,210,210)", "derotate_collapse/lanczos4_max/cpu/489x210x210",
     [(lambda: opencv_lanczos4_collapsed("max"), "OpenCV warpAffine, NumPy max", None)]),
    ("Rotation, Lanczos-4, edge (489,210,210)", "rotate/lanczos4_edge/cpu/489x210x210",
     [(lambda: opencv_lanczos4(border=1), "OpenCV warpAffine, BORDER_REPLICATE", None)]),
    ("Rotation, Lanczos-4, reflect (489,210,210)", "rotate/lanczos4_reflect/cpu/489x210x210",
     [(lambda: opencv_lanczos4(border=4), "OpenCV warpAffine, BORDER_REFLECT_101", None)]),
    *((f"Rotation, splines of order {order} (489,210,210)", f"rotate/spline{order}/cpu/489x210x210",
       [(lambda order=order: ndimage_rotation(order), f"SciPy rotate, order {order}", None)]) for order in (2, 4, 5)),
    *((f"Shift, {word} (489,210,210)", f"shift/{word}/cpu/489x210x210",
       [(lambda flag=flag: opencv_shift(flag), "OpenCV warpAffine, a loop", None)])
      for word, flag in (("bicubic", "INTER_CUBIC"), ("bilinear", "INTER_LINEAR"), ("nearest", "INTER_NEAREST"))),
    ("Rescaling by wavelength, cubic splines (195,200,200)", "rescale/spline3/cpu/195x200x200",
     [(lambda: vip_rescaling(195, 200, False, "ndimage", "bicubic"),
       "VIP cube_rescaling_wavelengths, ndimage bicubic, all cores", None)]),
    ("Rescaling back, FFT (39,200,200)", "rescale/inverse_fft/cpu/39x200x200",
     [(lambda: vip_rescaling(39, 200, True, "vip-fft"), "VIP cube_rescaling_wavelengths, vip-fft, all cores", None)]),
    ("Scales of 39 channels by FFT (39,200,200)", "find_scales/fft/cpu/39x200x200",
     [(lambda: vip_scales("vip-fft"), "VIP find_scal_vector, vip-fft", None)]),
]
