# SPDX-License-Identifier: MIT
"""Times one call of VIP in a process of its own; run by bench/peers/compare.py.

vip.py CASE VARIANT REPEATS CUBE ANGLES FRAME_OUT prints one line of JSON: the seconds of each call
and the peak memory of the process. The last result is written to FRAME_OUT for the comparison.
"""
import importlib.util
import json
import resource
import sys
import time

# What is timed, as VIP's users write it. "installed": pip install vip_hci opencv, default SVD;
# "tuned": the fastest settings we found by hand; "default": nothing but ncomp given.
PCA = {
    "installed": dict(imlib="opencv", interpolation="lanczos4"),
    "tuned": dict(imlib="opencv", interpolation="lanczos4", svd_mode="eigen"),
    "default": {},
}
ANNULAR = {
    "installed": dict(imlib="opencv", interpolation="lanczos4"),
    "tuned": dict(imlib="opencv", interpolation="lanczos4", svd_mode="eigen"),
}
FWHM = 4.8


def call(case, variant):
    """The function of (cube, angles) that is timed."""
    if case == "snr":
        from vip_hci.metrics import snrmap

        return lambda frame, angles: snrmap(frame, FWHM, nproc=2, verbose=False)
    if case == "annular":
        from vip_hci.psfsub import pca_annular

        return lambda cube, angles: pca_annular(
            cube, angles, fwhm=FWHM, ncomp=5, asize=4, delta_rot=(0.1, 1), verbose=False, **ANNULAR[variant])
    from vip_hci.psfsub import pca

    return lambda cube, angles: pca(cube, angles, ncomp=20, verbose=False, **PCA[variant])


def main():
    case, variant, repeats, cube_path, angles_path, out = sys.argv[1:]
    if variant != "tuned":
        sys.modules["bottleneck"] = None  # VIP does not ask for it; it takes it where it finds it
    elif importlib.util.find_spec("bottleneck") is None:
        sys.exit("vip.py: bottleneck is not installed: run bench/peers/setup")
    from astropy.io import fits

    cube = fits.getdata(cube_path).astype("float32")
    angles = fits.getdata(angles_path).astype("float64").ravel()
    work = call(case, variant)
    seconds = []
    for _ in range(int(repeats)):
        start = time.perf_counter()
        frame = work(cube, angles)
        seconds.append(time.perf_counter() - start)
    fits.writeto(out, frame.astype("float32"), overwrite=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak_bytes": peak}))


if __name__ == "__main__":
    main()
