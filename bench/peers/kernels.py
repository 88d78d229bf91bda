# SPDX-License-Identifier: MIT
"""Times single kernels, those with a peer in turns with what a person would use instead, on all cores of the CPU.

  kernels.py [--bench build/bench/bin/kernels_bench] [--rounds N] [--only REGEX] [--brief] [--device cpu|cuda:0] [-o FOLDER]

Ours is kernels_bench (google-benchmark), a peer is a process of its own; both run without
OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE on arrays of the same shape and the same kind: a halo with noise, and 30
patterns that change slowly where the time depends on the values. A time is the least of all rounds, of warm calls;
of a peer that takes more than 20 s, of one cold call, and then the table says so. The image filters and fits are those
of image_kernels.py, shifts, rescaling, transforms and statistics those of geometry_kernels.py, the rest of array_kernels.py. The machine's ceilings
are measured at the start, hold for all processes, and are measured again at the end: where they drifted, somebody else
was using the machine, and the table says so. Without --only, the benchmarks of kernels_bench and models_bench that have
no peer are run once and kept, too. Results go to bench/results/<date>-<machine>-kernels.{json,md}; bench/kernels_table reads them.
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

import array_kernels
import geometry_kernels
import image_kernels

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CORES = os.cpu_count()
ENOUGH_SECONDS = 3  # a call this long is not repeated in the same round
SLOW_SECONDS = 20
MOST_DRIFT = 1.15  # of a ceiling from the start to the end of a quiet run

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
    *((f"Top {k} of {count} matrices of order {order}", f"eigh_top_batch/cpu/{count}x{order}x{k}",
       [(f"bench peer/dsyevr/cpu/{count}x{order}x{k}", "LAPACK dsyevr, range, one each on our threads", None)])
      for count, order, k in ((4000, 32, 5), (4000, 61, 5), (100, 256, 20), (100, 489, 20))),
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
    *array_kernels.CASES,
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


def warps(cube, angles, flag=None):
    """The frames turned by OpenCV: within frames on its threads, or frame by frame on ours."""
    import cv2
    import numpy as np

    size = cube.shape[1]
    centre = (size / 2, size / 2) if size % 2 == 0 else (size / 2 - 0.5, size / 2 - 0.5)
    out = np.empty_like(cube)

    def turn(t):
        matrix = cv2.getRotationMatrix2D(centre, angles[t], 1)
        out[t] = cv2.warpAffine(cube[t], matrix, (size, size), flags=cv2.INTER_LANCZOS4 if flag is None else flag)

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
          "clip_array": clip_array, **image_kernels.PEERS, **geometry_kernels.PEERS,
          **array_kernels.PEERS}


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


def seconds_of(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def time_here(peer, repeats):
    """Of each way to call it: once to warm up, then up to `repeats` times. Slow ones have the one cold call only."""
    best = None
    for call in peer_calls(peer):
        first = seconds_of(call)
        cold = first > SLOW_SECONDS
        seconds = first if cold else float("inf")
        for _ in range(0 if cold else repeats):
            seconds = min(seconds, seconds_of(call))
            if seconds > ENOUGH_SECONDS:
                break
        best = min(best or (seconds, cold), (seconds, cold))
    print(json.dumps({"seconds": best[0], "cold": best[1]}))


def run(command, ceilings=None):
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    env["PYTHONWARNINGS"] = "ignore"
    if ceilings:
        env["HCI_BENCH_CEILINGS"] = ceilings
    done = subprocess.run([str(word) for word in command], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)
    if done.returncode != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def measured(program, filter, repetitions, least_seconds, ceilings):
    """The benchmarks of these names: of each the fastest repetition, as seconds and counters."""
    told = json.loads(run([program, f"--benchmark_filter={filter}", f"--benchmark_repetitions={repetitions}",
                           f"--benchmark_min_time={least_seconds}", "--benchmark_format=json"], ceilings))
    best = {}
    for one in told["benchmarks"]:
        name = one["name"].removesuffix("/real_time")
        if one["run_type"] != "iteration":
            continue
        if one.get("error_occurred"):
            best[name] = {"name": name, "failed": one["error_message"]}
            continue
        seconds = one["real_time"] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}[one["time_unit"]]
        if name not in best or seconds < best[name].get("seconds", 0):
            counters = ("GB/s", "%_of_copy", "Gflop/s", "%_of_gemm", "Gvalue/s", "peak_MiB")
            best[name] = {"name": name, "seconds": seconds, **{k: one[k] for k in counters if k in one}}
    return list(best.values())


def time_ours(options, name):
    repetitions, seconds = (3, 0.1) if options.brief else (5, 0.3)
    found = measured(options.bench, f"^{name.replace('/cpu/', f'/{options.device}/')}/", repetitions, seconds,
                     options.ceilings)
    if len(found) != 1 or "failed" in found[0]:
        sys.exit(f"no time of benchmark {name}: {found}")
    return found[0]


def least(samples):
    return min(samples, key=lambda sample: sample["seconds"])


def compare(case, options):
    name, bench, peers = case
    ours, theirs = [], {peer: [] for peer, _, _ in peers}
    for _ in range(options.rounds):
        ours.append(time_ours(options, bench))
        for peer, _, _ in peers:
            if theirs[peer] and theirs[peer][0].get("cold"):
                continue
            theirs[peer].append(
                time_ours(options, peer.removeprefix("bench ")) if peer.startswith("bench ")
                else json.loads(run([sys.executable, __file__, "--peer", peer, *(["--brief"] if options.brief else [])]
                               ).splitlines()[-1]))
    best = least(ours)
    return {"case": name, "cuhci": best, "peers": [
        {"peer": what + (", one cold call" if least(theirs[peer]).get("cold") else ""),
         "seconds": least(theirs[peer])["seconds"], "target": target,
         "ratio": least(theirs[peer])["seconds"] / best["seconds"]} for peer, what, target in peers]}


def the_others(options, known):
    """All benchmarks of this device without a peer, but those from which crossovers are set."""
    found = []
    for program in (options.bench, options.bench.parent / "models_bench"):
        names = [name.removesuffix("/real_time") for name in run([program, "--benchmark_list_tests"]).split()]
        left = [name for name in names if f"/{options.device}/" in name and name not in known
                and not name.startswith(("crossover/", "peer/"))]
        found += measured(program, f"^({'|'.join(left)})/real_time$", 1, 0.1, options.ceilings) if left else []
    return found


def measure_ceilings(options):
    """device -> (bytes/s of a copy, flop/s of sgemm, of dgemm)."""
    lines = [line.split() for line in run([options.bench, "--ceilings"]).splitlines()]
    return {device: [float(number) for number in numbers] for device, *numbers in lines}


def drift(before, after, device):
    """The largest ratio between ceilings at the start and at the end."""
    return max(max(a / b, b / a) for a, b in zip(before[device], after[device]))


def verdict(peer):
    if peer["target"] is None:
        return ""
    return f">= {peer['target']}: " + ("met" if peer["ratio"] >= peer["target"] else "missed")


def table(context, results):
    copied, single, double = (number * 1e-9 for number in context["ceilings"][context["device"]])
    lines = [f"{context['machine']}, {context['cores']} cores, {context['date'][:10]}, commit {context['commit']}, "
             f"device {context['device']}, load {context['load_average']:.1f}. Seconds are the least of {context['rounds']} "
             f"rounds. Ceilings: copy {copied:.0f} GB/s, sgemm {single:.0f}, dgemm {double:.0f} Gflop/s; "
             f"they drifted by {100 * (context['ceilings_drift'] - 1):.0f} % during the run"
             + (": somebody else was using the machine." if context["ceilings_drift"] > MOST_DRIFT else "."), "",
             "| kernel | cuHCI | share of the machine's ceiling | peer | peer's time | ratio | target |",
             "|---|---|---|---|---|---|---|"]
    for result in results:
        ours = result["cuhci"]
        share = [f"{ours[key]:.0f} % of {what}" for key, what in (("%_of_copy", "copy"), ("%_of_gemm", "GEMM"))
                 if key in ours]
        for peer in result["peers"]:
            lines.append(f"| {result['case']} | {ours['seconds']:.4f} s | {', '.join(share)} | {peer['peer']} | "
                         f"{peer['seconds']:.4f} s | {peer['ratio']:.3g} | {verdict(peer)} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=ROOT / "build/bench/bin/kernels_bench", type=pathlib.Path)
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--only", default="", help="regular expression on the name of a case")
    parser.add_argument("--brief", action="store_true", help="fewer calls on both sides: some twenty minutes in all")
    parser.add_argument("--device", default="cpu", help="ours; peers run on the CPU always")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=pathlib.Path, default=ROOT / "bench/results")
    options = parser.parse_args()
    if options.peer:
        return time_here(options.peer, 1 if options.brief else 3)
    from compare import context

    options.cuhci = options.bench.parent / "cuhci"
    told = context(options)
    cases = [case for case in CASES if re.search(options.only, case[0])]
    if not cases:
        return print(f"no kernel's case is named like {options.only!r}", file=sys.stderr)
    told["brief"] = options.brief
    told["ceilings"] = measure_ceilings(options)
    options.ceilings = " ".join(f"{device} {' '.join(map(str, most))}" for device, most in told["ceilings"].items())
    machine = re.sub(r"[^a-z0-9]+", "-", f"{told['machine']} {told['cores']} cores".lower()).strip("-")
    options.output.mkdir(parents=True, exist_ok=True)
    name = options.output / f"{told['date'][:10]}-{machine}-kernels"
    with_peers = {bench.replace("/cpu/", f"/{options.device}/") for _, bench, _ in cases}
    benchmarks = [] if options.only else the_others(options, with_peers)
    results, failed = [], []

    def store():
        stored = {"context": told, "cases": results, "benchmarks": benchmarks}
        name.with_suffix(".json").write_text(json.dumps(stored, indent=1) + "\n")

    for case in cases:
        try:
            results.append(compare(case, options))
        except SystemExit as reason:  # the others are worth keeping
            failed.append(f"{case[0]}: {reason}")
        store()  # a run that is broken off keeps what it has
    told["ceilings_drift"] = drift(told["ceilings"], measure_ceilings(options), options.device)
    store()
    name.with_suffix(".md").write_text(table(told, results))
    print(table(told, results), end="")
    return "\n".join(failed) or None


if __name__ == "__main__":
    sys.exit(main())
