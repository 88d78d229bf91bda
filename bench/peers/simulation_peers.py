# SPDX-License-Identifier: MIT
"""What people use today for random numbers and optics, at the shapes of bench/kernels/random and optics."""
from inputs import cube


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


CASES = [
    ("Uniform numbers, Philox", "random/uniform/cpu/102690x64",
     [(lambda: numpy_random("uniform"), "NumPy Philox", None)]),
    ("Normal numbers, Philox", "random/normal/cpu/102690x64",
     [(lambda: numpy_random("normal"), "NumPy Philox", None)]),
    ("Poisson numbers of mean 100, Philox", "random/poisson_100/cpu/102690x64",
     [(lambda: numpy_random("poisson"), "NumPy Philox", None)]),
    ("Photon and detector noise (61,210,210)", "expose/cpu/61x210x210",
     [(numpy_detector, "NumPy Philox", None)]),
    ("Fraunhofer propagation, 16 fields", "matrix_fourier/cpu/16x200x210",
     [(numpy_propagation, "NumPy matmul, complex64", None)]),
]
