# SPDX-License-Identifier: MIT
"""What people use today to collapse frames, clip, and measure on them, at the shapes of bench/kernels/stats."""
from inputs import CORES, cube, rows

LARGE, SMALL = (489, 210), (61, 210)


def photutils_sums():
    import numpy as np
    from photutils.aperture import CircularAperture

    frame = cube(1, 210)[0]
    apertures = CircularAperture(np.random.default_rng(1).uniform(10, 200, (20000, 2)), 2.4)
    return lambda: apertures.do_photometry(frame, method="exact")


def clip_array():
    from vip_hci.stats import clip_array as clip

    frames = cube(61, 210)
    return lambda: [clip(frame, 5, 5, neighbor=True, num_neighbor=5, mad=True) for frame in frames]


def vip_subsample():
    from vip_hci.preproc import cube_subsample

    frames = cube(489, 210)
    return lambda: cube_subsample(frames, 10, mode="median", verbose=False)


def vip_map():
    from vip_hci.metrics import snrmap

    frame = cube(1, 210)[0]
    return lambda: snrmap(frame, 4.8, nproc=CORES, verbose=False)


def by_radius(side):
    import numpy as np

    y, x = np.indices((side, side)) - side // 2
    ring = np.hypot(y, x).astype(int).ravel()
    return [np.flatnonzero(ring == r) for r in range(ring.max() + 1)]


def astropy_clipped_rings():
    from astropy.stats import sigma_clipped_stats

    frames, rings = cube(61, 210).reshape(61, -1), by_radius(210)
    return lambda: [sigma_clipped_stats(frames[:, ring], axis=1) for ring in rings]


def astropy_clipped(over_time):
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

    frames, bins = cube(61, 210).reshape(61, -1), by_radius(210)
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


def numpy_mean():
    import numpy as np

    frames = cube(489, 210)
    return lambda: np.nanmean(frames, axis=0, dtype="float64")


def scipy_mad():
    from scipy.stats import median_abs_deviation

    frames = cube(489, 210)
    return lambda: median_abs_deviation(frames, axis=0, nan_policy="propagate")


def medians(module):
    frames = cube(*LARGE)
    if module == "numpy":
        import numpy as np

        return lambda: np.nanmedian(frames, axis=0)
    import bottleneck

    return lambda: bottleneck.nanmedian(frames, axis=0)


def numpy_regions():
    import numpy as np

    frames = cube(*SMALL)
    bins, rows = by_radius(210), frames.reshape(len(frames), -1)

    def statistics():
        for pixels in bins:
            values = rows[:, pixels]
            median = np.median(values, axis=1)
            values.mean(axis=1, dtype=float), values.std(axis=1, dtype=float), values.min(axis=1), values.max(axis=1)
            np.median(abs(values - median[:, None]), axis=1)

    return statistics


CASES = [
    ("20000 exact apertures (210,210)", "aperture_sums/cpu/20000x210x210",
     [(photutils_sums, "photutils, exact", 200)]),
    ("Sigma clipping 5 x 5, MAD (61,210,210)", "sigma_clip/5_mad/cpu/61x210x210",
     [(clip_array, "VIP clip_array (numba)", None)]),
    ("Groups of 10 frames, median (489,210,210)", "subsample/median/cpu/489x210x210x10",
     [(vip_subsample, "VIP cube_subsample", None)]),
    ("S/N map, exact (210,210)", "snr_map/exact/cpu/210x210",
     [(vip_map, "VIP snrmap, all cores", None)]),
    ("S/N map, approximated (210,210)", "snr_map/approximated/cpu/210x210",
     [(vip_quick_map, "VIP snrmap, approximated", None)]),
    ("Medians of 4 neighbours (61,10201)", "row_medians/4/cpu/61x101x101",
     [(lambda: neighbour_medians(4), "NumPy median", None)]),
    ("Medians of 48 neighbours (61,10201)", "row_medians/48/cpu/61x101x101",
     [(lambda: neighbour_medians(48), "NumPy median", None)]),
    ("A frame off all others (489,44100)", "subtract_rows/cpu/489x210x210",
     [(minus_row, "NumPy", None)]),
    ("Radial profiles (61,210,210)", "radial_profile/cpu/61x210x210",
     [(numpy_profile, "NumPy bincount", None)]),
    ("Quantiles by radius (61,210,210)", "region_quantiles/by_radius/cpu/61x210x210",
     [(numpy_quantiles, "NumPy quantile, a loop over rings", None)]),
    ("Mean and deviation over time (489,210,210)", "temporal_moments/cpu/489x210x210",
     [(numpy_moments, "NumPy nanmean, nanstd", None)]),
    ("Sum of frames (489,210,210)", "collapse/sum/cpu/489x210x210",
     [(lambda: vip_collapse("sum"), "VIP cube_collapse", None)]),
    ("Maximum of frames (489,210,210)", "collapse/max/cpu/489x210x210",
     [(lambda: vip_collapse("max"), "VIP cube_collapse", None)]),
    ("Mean of absolute values (489,210,210)", "collapse/absmean/cpu/489x210x210",
     [(lambda: vip_collapse("absmean"), "VIP cube_collapse", None)]),
    ("Weighted mean (489,210,210)", "collapse/wmean/cpu/489x210x210",
     [(lambda: vip_collapse("wmean"), "VIP cube_collapse", None)]),
    ("Quantiles over time (489,210,210)", "temporal_quantiles/cpu/489x210x210",
     [(numpy_temporal_quantiles, "NumPy nanquantile", None)]),
    ("Clipped statistics of frames (61,210,210)", "clipped_stats/frames/cpu/61x210x210",
     [(lambda: astropy_clipped(False), "astropy sigma_clipped_stats", None)]),
    ("Clipped statistics over time (489,210,210)", "clipped_stats/over_time/cpu/489x210x210",
     [(lambda: astropy_clipped(True), "astropy sigma_clipped_stats", None)]),
    ("2000 exact apertures in 61 frames (210,210)", "aperture_sums/of_61_frames/cpu/2000x210x210",
     [(photutils_cube, "photutils, exact, a loop", None)]),
    ("MAD over time (489,210,210)", "temporal_mad/cpu/489x210x210",
     [(scipy_mad, "SciPy median_abs_deviation", None)]),
    ("Median over time (489,210,210)", "collapse/median/cpu/489x210x210",
     [(lambda: medians("numpy"), "NumPy nanmedian", None),
      (lambda: medians("bottleneck"), "bottleneck nanmedian", None)]),
    ("Statistics by radius (61,210,210)", "region_stats/by_radius/cpu/61x210x210",
     [(numpy_regions, "NumPy, a loop over rings", None)]),
    ("Clipped statistics by radius (61,210,210)", "clipped_stats/by_radius/cpu/61x210x210",
     [(astropy_clipped_rings, "astropy sigma_clipped_stats, a loop over rings", None)]),
    ("Mean over time (489,210,210)", "collapse/mean/cpu/489x210x210",
     [(numpy_mean, "NumPy nanmean, in float64", None), (lambda: vip_collapse("mean"), "VIP cube_collapse", None)]),
    ("Trimmed mean over time (489,210,210)", "collapse/trimmean/cpu/489x210x210",
     [(lambda: vip_collapse("trimmean"), "VIP cube_collapse", None)]),
]
