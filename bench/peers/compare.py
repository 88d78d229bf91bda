# SPDX-License-Identifier: MIT
"""Times cuHCI against VIP on the same files, in the same run, in turns; started by bench/run.

Both sides run with their own threads on all cores and without OPENBLAS_CORETYPE and
OPENBLAS_L2_SIZE: a pinned core type halves matrix products. The time of a side is that of the call,
from arrays in memory to arrays in memory (cuhci_timer, vip.py): the least of all rounds and repeats.
Several calls follow one another in a process, so that the least is that of a warm one; but the VIP
calls that take a minute (its defaults, its S/N map) are made once, cold: the table says so. Beside
it stands the whole command `cuhci`, with start, reading and writing, and its peak memory.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
from astropy.io import fits

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FWHM = 4.8

# name, data set, our command, [(VIP case, variant, target ratio, rounds: None = as many as ours)]
CASES = [
    ("PCA 20, full frame, (489,210,210)", "headline",
     ["reduce", "--algorithm", "pca", "--ncomp", "20"],
     [("pca", "installed", 10, None), ("pca", "tuned", 5, None), ("pca", "default", 100, 1)]),
    ("S/N map of that frame", "headline", ["snr"], [("snr", "installed", 200, 1)]),
    ("PCA 20, full frame, NACO (61,101,101)", "naco",
     ["reduce", "--algorithm", "pca", "--ncomp", "20"],
     [("pca", "installed", 10, None), ("pca", "tuned", None, None)]),
    ("Annular PCA 5 with PA thresholds, NACO (61,101,101)", "naco",
     ["reduce", "--algorithm", "pca", "--mode", "annular", "--ncomp", "5", "--asize", "4", "--delta-rot", "0.1,1"],
     [("annular", "installed", 40, None), ("annular", "tuned", None, None)]),
]


def environment():
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    env["PYTHONWARNINGS"] = "ignore"
    return env


def run(command):
    """Runs it; gives its standard output, wall seconds and peak memory in bytes."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], env=environment(), stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        out.seek(0)
        errors.seek(0)
        if status != 0:
            sys.exit(f"failed: {' '.join(map(str, command))}\n{errors.read()}")
        return out.read(), seconds, usage.ru_maxrss * 1024


def headline_data(cuhci, folder):
    """The simulated (489,210,210) cube: made once, kept."""
    if not (folder / "cube.fits").exists():
        run([cuhci, "simulate", "--preset", "naco", "--frames", "489", "--size", "210", "-o", folder])
    return folder / "cube.fits", folder / "angles.fits"


def naco_data(folder):
    shared = pathlib.Path(os.environ.get("CUHCI_SHARED", ROOT.parent / "shared"))
    return shared / "data/naco_betapic/cube.fits", shared / "data/naco_betapic/angles.fits"


def time_ours(cuhci, words, cube, angles, frame, folder, device):
    """One round: the least seconds of warm calls; wall seconds, peak bytes and stages of the command."""
    inputs = [frame] if words[0] == "snr" else [cube, "--angles", angles]
    _, wall, peak = run([cuhci, *words[:1], *inputs, *words[1:], "--fwhm", FWHM, "--device", device, "--quiet",
                         "-o", folder])
    pairs = zip(words[1::2], words[2::2])
    recipe = [f"{flag[2:].replace('-', '_')}={value}" for flag, value in pairs if flag != "--algorithm"]
    timer = cuhci.parent / "cuhci_timer"
    out, _, _ = run([timer, device, 5, FWHM, words[0], *[word for word in inputs if word != "--angles"], *recipe])
    return {"seconds": min(json.loads(out)["seconds"]), "command_seconds": wall, "peak_bytes": peak,
            "stages": json.loads((folder / "summary.json").read_text())["seconds"]}


def time_peer(case, variant, repeats, cube, angles, frame, folder):
    source = frame if case == "snr" else cube
    out, _, peak = run([sys.executable, HERE / "vip.py", case, variant, repeats, source, angles,
                        folder / f"{case}-{variant}.fits"])
    told = json.loads(out.strip().splitlines()[-1])
    return {"seconds": min(told["seconds"]), "peak_bytes": told["peak_bytes"]}


def difference(ours, theirs):
    """Relative L2 difference of two frames, where both are finite."""
    a, b = fits.getdata(ours).astype(float), fits.getdata(theirs).astype(float)
    good = np.isfinite(a) & np.isfinite(b)
    return float(np.linalg.norm((a - b)[good]) / np.linalg.norm(b[good]))


def least(samples):
    return min(samples, key=lambda sample: sample["seconds"])


def compare(case, options, work):
    name, data, words, peers = case
    cube, angles = headline_data(options.cuhci, work / "headline") if data == "headline" else naco_data(work)
    folder = work / re.sub(r"[^a-z0-9]+", "-", name.lower())
    folder.mkdir(parents=True, exist_ok=True)
    frame = work / re.sub(r"[^a-z0-9]+", "-", CASES[0][0].lower()) / "ours" / "frame.fits"
    ours, theirs = [], {variant: [] for _, variant, _, _ in peers}
    for turn in range(options.rounds):
        ours.append(time_ours(options.cuhci, words, cube, angles, frame, folder / "ours", options.device))
        for peer, variant, _, rounds in peers:
            if turn < (rounds or options.rounds) and not (options.quick and rounds):
                theirs[variant].append(time_peer(peer, variant, 1 if rounds else 3, cube, angles, frame, folder))
    best = least(ours)
    result = {"case": name, "cuhci": best, "cube_bytes": 4 * int(np.prod(fits.getdata(cube).shape)), "peers": []}
    for peer, variant, target, rounds in peers:
        if not theirs[variant]:
            continue
        peer_best = least(theirs[variant])
        product = folder / "ours" / ("snr.fits" if words[0] == "snr" else "frame.fits")
        result["peers"].append({
            "peer": f"VIP 2.1.1, {variant}" + (", one cold call" if rounds else ""), **peer_best, "target": target,
            "ratio": peer_best["seconds"] / best["seconds"],
            "relative_l2_difference": difference(product, folder / f"{peer}-{variant}.fits")})
    return result


def context(options):
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=12"],
                            capture_output=True, text=True).stdout.strip()
    version = run([options.cuhci, "--version"])[0].strip()
    return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "machine": model.group(1) if model else platform.machine(), "cores": os.cpu_count(),
            "load_average": os.getloadavg()[0], "commit": commit, "cuhci": version, "device": options.device,
            "OPENBLAS_CORETYPE": "unset", "OPENBLAS_L2_SIZE": "unset", "python": platform.python_version(),
            "numpy": np.__version__, "rounds": options.rounds}


def table(context, results):
    """The results in Markdown."""
    lines = [f"{context['machine']}, {context['cores']} cores, {context['date'][:10]}, commit {context['commit']}, "
             f"device {context['device']}, load {context['load_average']:.1f}. Seconds are the least of {context['rounds']} "
             "rounds of several calls each, but where one cold call is said.", "",
             "| case | cuHCI | whole command | peak memory / cube | peer | peer's time | ratio | target | difference |",
             "|---|---|---|---|---|---|---|---|---|"]
    for result in results:
        ours = result["cuhci"]
        memory = ours["peak_bytes"] / result["cube_bytes"]
        for peer in result["peers"]:
            target = f">= {peer['target']}: {'met' if peer['ratio'] >= peer['target'] else 'missed'}" if peer["target"] else ""
            lines.append(f"| {result['case']} | {ours['seconds']:.3f} s | {ours['command_seconds']:.3f} s | {memory:.2f} | "
                         f"{peer['peer']} | {peer['seconds']:.3f} s | {peer['ratio']:.3g} | {target} | "
                         f"{peer['relative_l2_difference']:.1e} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuhci", default=ROOT / "build/bench/bin/cuhci", type=pathlib.Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", default=5, type=int)
    parser.add_argument("--quick", action="store_true", help="leave out the peers that take a minute")
    parser.add_argument("--only", default="", help="regular expression on the name of a case")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=ROOT / "bench/results")
    options = parser.parse_args()
    work = ROOT / "build/bench-data"
    work.mkdir(parents=True, exist_ok=True)
    told = context(options)
    cases = [case for case in CASES if re.search(options.only, case[0])]
    if not cases:
        return print(f"no case is named like {options.only!r}", file=sys.stderr)
    results = [compare(case, options, work) for case in cases]
    machine = re.sub(r"[^a-z0-9]+", "-", f"{told['machine']} {told['cores']} cores".lower()).strip("-")
    name = options.output / f"{told['date'][:10]}-{machine}"
    options.output.mkdir(parents=True, exist_ok=True)
    name.with_suffix(".json").write_text(json.dumps({"context": told, "cases": results}, indent=1) + "\n")
    name.with_suffix(".md").write_text(table(told, results))
    print(table(told, results), end="")


if __name__ == "__main__":
    main()
