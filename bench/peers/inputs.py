# SPDX-License-Identifier: MIT
"""What peers work on: arrays of the shapes and kinds of bench/kernels, and the machine's number of cores.

A module *_peers.py holds CASES: (name, our benchmark, [(peer, what it is, target ratio or None), ...]). A peer is a
function that prepares its input and gives what is timed, a function without arguments (or a list of ways of which the
fastest counts), or the name of another benchmark of ours. Libraries run as they are installed; those that take a number
of threads get all cores. Precision is the peer's usual one for the job: float32 frames, float64 matrices.
"""
import os
import time

CORES = os.cpu_count()


def cube(frames, side):
    """(t, y, x) float32: a halo with noise, and 30 patterns that change slowly."""
    import numpy as np

    random = np.random.default_rng(1)
    y, x = np.indices((side, side)) - side // 2
    halo = (1000 / (4 + np.hypot(y, x))).astype("float32").ravel()
    patterns = halo * random.standard_normal((30, side * side), dtype="float32") / np.arange(1, 31)[:, None]
    phases = np.cos(np.pi * np.arange(1, 31) * np.arange(frames)[:, None] / frames)
    values = halo + (phases @ patterns).astype("float32") + 0.3 * random.standard_normal((frames, side * side), "float32")
    return np.ascontiguousarray(values.astype("float32").reshape(frames, side, side))


def halo_cube(frames, side):
    """The same without patterns."""
    import numpy as np

    y, x = np.indices((side, side)) - side / 2
    halo = 1000 / (1 + np.hypot(y, x))
    return (halo + np.random.default_rng(1).normal(0, 3, (frames, side, side))).astype(np.float32)


def rows(frames, pixels, kind="float32"):
    side = int(pixels**0.5)
    return cube(frames, side).reshape(frames, -1).astype(kind)


def seconds_of(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
