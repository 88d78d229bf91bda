# SPDX-License-Identifier: MIT
"""Times single kernels against what a person would use instead, in turns, on all cores of the CPU.

  kernels.py [--bench build/bench/bin/kernels_bench] [--rounds N] [--only REGEX] [-o FOLDER]

Ours is kernels_bench (google-benchmark), a peer is a process of its own; both run without
OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE on arrays of the same shape and the same kind: a halo, 30 patterns
that change slowly, noise. A time is the least of all rounds. The image filters and fits are those of
image_kernels.py, shifts, rescaling, transforms and statistics those of geometry_kernels.py. A peer whose first call
takes more than 20 s is called once, in one round; --slow gives it all rounds. Results go to bench/results/<date>-<machine>-kernels.{json,md}.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import geometry_kernels
import image_kernels

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CORES = os.cpu_count()
ENOUGH_SECONDS = 3  # a call this long is not repeated in the same round
SLOW_SECONDS = 20

# name, our benchmark, [(peer, what it is, target ratio or None)]
CASES = [
    ("Lanczos-4 rotation (489,210,210)", "rotate/lanczos4/cpu/489x210x210",
     [("warp", "OpenCV warpAffine, the faster of its threads and ours over frames", 2)]),
    ("Derotate + median (489,210,210)", "derotate_collapse/lanczos4_median/cpu/489x210x210",
     [("warp_median", "OpenCV warpAffine, NumPy median", 6)]),
    ("FFT rotation (61,210,210)", "rotate/fft/cpu/61x210x210", [("vip_fft", "VIP vip-fft, all cores", 40)]),
    ("Gram, top 20, residual (489,44100)", "gram_top_residual/ncomp20/cpu/489x210x210",
     [("svd lapack float32", "VIP svd_wrapper lapack", 8), ("svd eigen float32", "VIP eigen, float32", 2),
      ("svd arpack float32", "VIP arpack, float32", 2), ("svd eigen float64", "VIP eigen, float64", 2),
      ("svd arpack float64", "VIP arpack, float64", 2)]),
    ("Top 10 of 1000 matrices of order 128", "eigh_top_batch/cpu/1000x128x10",
     [("bench peer/dsyevr/cpu/1000x128x10", "LAPACK dsyevr, range, one each on our threads", 5)]),
    ("20000 exact apertures (210,210)", "aperture_sums/cpu/20000x210x210", [("photutils", "photutils, exact", 200)]),
    ("Patches 11 x 11 of 20 frames, copied", "patches/copy/cpu/2916x20x101x11",
     [("patches", "NumPy, copy of a strided view", None)]),
    ("Least squares, 732 libraries of 56 frames", "solve_subsets/cpu/732x61",
     [("solve pos", "SciPy solve, assume_a='pos', a loop", None)]),
    ("The same, non-negative", "solve_nonnegative_subsets/cpu/732x61", [("nnls", "SciPy nnls on 900 pixels, a loop", None)]),
    ("NMF, 10 rounds of 20 components (489,44100)", "nmf/ncomp20/10_rounds/cpu/489x210x210",
     [("nmf", "scikit-learn NMF, cd, the same start and rounds", None)]),
    ("Sigma clipping 5 x 5, MAD (61,210,210)", "sigma_clip/5_mad/cpu/61x210x210",
     [("clip_array", "VIP clip_array (numba)", None)]),
    *image_kernels.CASES,
    *geometry_kernels.CASES,
]


def speckles(frames, size):
    """(t, y, x) float32."""
    import numpy as np

    random = np.random.default_rng(1)
    y, x = np.indices((size, size)) - size // 2
    halo = (1000 / (4 + np.hypot(y, x))).astype("float32").ravel()
    patterns = halo * random.standard_normal((30, size * size), dtype="float32") / np.arange(1, 31)[:, None]
    phases = np.cos(np.pi * np.arange(1, 31) * np.arange(frames)[:, None] / frames)
    cube = halo + (phases @ patterns).astype("float32") + 0.3 * random.standard_normal((frames, size * size), "float32")
    return np.ascontiguousarray(cube.astype("float32").reshape(frames, size, size))


def warps(cube, angles):
    """The frames turned by OpenCV: within frames on its threads, or frame by frame on ours."""
    import cv2
    import numpy as np

    size = cube.shape[1]
    centre = (size / 2, size / 2) if size % 2 == 0 else (size / 2 - 0.5, size / 2 - 0.5)
    out = np.empty_like(cube)

    def turn(t):
        matrix = cv2.getRotationMatrix2D(centre, angles[t], 1)
        out[t] = cv2.warpAffine(cube[t], matrix, (size, size), flags=cv2.INTER_LANCZOS4)

    def on_its_threads():
        cv2.setNumThreads(CORES)
        for t in range(len(cube)):
            turn(t)
        return out

    def on_ours():
        cv2.setNumThreads(1)
        with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
            list(pool.map(turn, range(len(cube))))
        return out

    return [on_its_threads, on_ours]


def svd(mode, kind):
    from vip_hci.psfsub.svd import svd_wrapper

    matrix = speckles(489, 210).reshape(489, -1).astype(kind)

    def residual():
        components = svd_wrapper(matrix, mode, 20, verbose=False)
        return matrix - (matrix @ components.T) @ components

    return [residual]


def photutils_sums():
    import numpy as np
    from photutils.aperture import CircularAperture

    frame = speckles(1, 210)[0]
    apertures = CircularAperture(np.random.default_rng(1).uniform(10, 200, (20000, 2)), 2.4)
    return lambda: apertures.do_photometry(frame, method="exact")


def patches():
    import numpy as np

    stack = speckles(20, 101)[:, 18:82, 18:82]  # 54 x 54 places about the centre of frames of 101 x 101, as ours
    return lambda: np.ascontiguousarray(
        np.lib.stride_tricks.sliding_window_view(stack, (11, 11), axis=(1, 2)).transpose(1, 2, 0, 3, 4))


def libraries(frames):
    return [[i for i in range(frames) if abs(i - b % frames) > 2] for b in range(732)]


def solve_pos():
    import scipy.linalg

    rows = speckles(61, 30).reshape(61, -1).astype("float64")
    gram = rows @ rows.T
    sets = libraries(61)
    return lambda: [scipy.linalg.solve(gram[s][:, s], gram[b % 61, s], assume_a="pos") for b, s in enumerate(sets)]


def nnls():
    import scipy.optimize

    rows = speckles(61, 30).reshape(61, -1).astype("float64")
    sets = libraries(61)
    return lambda: [scipy.optimize.nnls(rows[s].T, rows[b % 61])[0] for b, s in enumerate(sets)]


def nmf():
    import numpy as np
    from sklearn.decomposition import NMF

    rows = np.maximum(speckles(489, 210).reshape(489, -1), 0)
    return lambda: NMF(20, init="random", solver="cd", tol=0, max_iter=10, random_state=1).fit_transform(rows)


def clip_array():
    from vip_hci.stats import clip_array as clip

    cube = speckles(61, 210)
    return lambda: [clip(frame, 5, 5, neighbor=True, num_neighbor=5, mad=True) for frame in cube]


OTHERS = {"photutils": photutils_sums, "patches": patches, "solve pos": solve_pos, "nnls": nnls, "nmf": nmf,
          "clip_array": clip_array, **image_kernels.PEERS, **geometry_kernels.PEERS}


def peer_calls(peer):
    """What is timed: functions without arguments; the fastest counts."""
    import numpy as np

    if peer.startswith("svd"):
        return svd(*peer.split()[1:])
    if peer in OTHERS:
        return [OTHERS[peer]()]
    cube = speckles(61 if peer == "vip_fft" else 489, 210)
    angles = np.linspace(0, 90, len(cube))
    if peer == "vip_fft":
        from vip_hci.preproc import cube_derotate

        return [lambda: cube_derotate(cube, angles, imlib="vip-fft", nproc=CORES)]
    turns = warps(cube, angles)
    return turns if peer == "warp" else [lambda turn=turn: np.median(turn(), axis=0) for turn in turns]


def time_here(peer, repeats):
    least = {}
    for number, call in enumerate(peer_calls(peer)):
        for _ in range(repeats):
            start = time.perf_counter()
            call()
            least[number] = min(least.get(number, float("inf")), time.perf_counter() - start)
            if least[number] > ENOUGH_SECONDS:
                break
    print(json.dumps({"seconds": min(least.values())}))


def environment():
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    env["PYTHONWARNINGS"] = "ignore"
    return env


def run(command):
    done = subprocess.run([str(word) for word in command], env=environment(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def time_ours(program, name):
    """The least seconds of five repetitions, and the counters of that one."""
    told = json.loads(run([program, f"--benchmark_filter=^{name}/", "--benchmark_repetitions=5",
                           "--benchmark_min_time=0.3", "--benchmark_format=json"]))
    best = min((b for b in told["benchmarks"] if b["run_type"] == "iteration"), key=lambda b: b["real_time"])
    counters = {k: v for k, v in best.items() if k in ("GB/s", "%_of_copy", "Gflop/s", "%_of_gemm")}
    return {"seconds": best["real_time"] * 1e-3, **counters}


def least(samples):
    return min(samples, key=lambda sample: sample["seconds"])


def compare(case, options):
    name, bench, peers = case
    ours, theirs = [], {peer: [] for peer, _, _ in peers}
    for _ in range(options.rounds):
        ours.append(time_ours(options.bench, bench))
        for peer, _, _ in peers:
            if theirs[peer] and least(theirs[peer])["seconds"] > SLOW_SECONDS and not options.slow:
                continue
            theirs[peer].append(
                time_ours(options.bench, peer.removeprefix("bench ")) if peer.startswith("bench ")
                else json.loads(run([sys.executable, __file__, "--peer", peer]).splitlines()[-1]))
    best = least(ours)
    return {"case": name, "cuhci": best, "peers": [
        {"peer": what, "seconds": least(theirs[peer])["seconds"], "target": target,
         "ratio": least(theirs[peer])["seconds"] / best["seconds"]} for peer, what, target in peers]}


def table(context, results):
    lines = [f"{context['machine']}, {context['cores']} cores, {context['date'][:10]}, commit {context['commit']}, "
             f"load {context['load_average']:.1f}. Seconds are the least of {context['rounds']} rounds.", "",
             "| kernel | cuHCI | share of the machine's ceiling | peer | peer's time | ratio | target |",
             "|---|---|---|---|---|---|---|"]
    for result in results:
        ours = result["cuhci"]
        share = [f"{ours[key]:.0f} % of {what}" for key, what in (("%_of_copy", "copy"), ("%_of_gemm", "GEMM"))
                 if key in ours]
        for peer in result["peers"]:
            target = f">= {peer['target']}" if peer["target"] else ""
            lines.append(f"| {result['case']} | {ours['seconds']:.4f} s | {', '.join(share)} | {peer['peer']} | "
                         f"{peer['seconds']:.3f} s | {peer['ratio']:.1f} | {target} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=ROOT / "build/bench/bin/kernels_bench", type=pathlib.Path)
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--only", default="", help="regular expression on the name of a case")
    parser.add_argument("--device", default="cpu", choices=["cpu"])
    parser.add_argument("--slow", action="store_true", help="all rounds for peers that take more than 20 s, too")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=pathlib.Path, default=ROOT / "bench/results")
    options = parser.parse_args()
    if options.peer:
        return time_here(options.peer, 1 if options.peer in ("vip_fft", "svd lapack float32", "clip_array", "nmf") else 3)
    from compare import context

    options.cuhci = options.bench.parent / "cuhci"
    told = context(options)
    cases = [case for case in CASES if re.search(options.only, case[0])]
    if not cases:
        return print(f"no kernel's case is named like {options.only!r}", file=sys.stderr)
    results = [compare(case, options) for case in cases]
    machine = re.sub(r"[^a-z0-9]+", "-", f"{told['machine']} {told['cores']} cores".lower()).strip("-")
    options.output.mkdir(parents=True, exist_ok=True)
    name = options.output / f"{told['date'][:10]}-{machine}-kernels"
    name.with_suffix(".json").write_text(json.dumps({"context": told, "cases": results}, indent=1) + "\n")
    name.with_suffix(".md").write_text(table(told, results))
    print(table(told, results), end="")


if __name__ == "__main__":
    main()
