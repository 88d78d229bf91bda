# SPDX-License-Identifier: MIT
"""Times single kernels, those with a peer in turns with what a person would use instead, on all cores of the CPU.

  kernels.py [--bench build/bench/bin/kernels_bench] [--rounds N] [--only REGEX] [--brief] [--device cpu|cuda:0] [-o FOLDER]

Ours is kernels_bench (google-benchmark), a peer is a process of its own, one of *_peers.py beside this file; both run
without OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE on arrays of the same shape and the same kind: a halo with noise, and 30
patterns that change slowly where the time depends on the values. A time is the least of all rounds, of warm calls; of a
peer that takes more than 20 s, of one cold call, and then the table says so. The machine's ceilings are measured at the
start, hold for all processes, and are measured again at the end: where they drifted, somebody else was using the
machine, and the table says so. Without --only, the benchmarks of kernels_bench and models_bench that have no peer are
run once and kept, too. Results go to bench/results/<date>-<machine>-kernels.{json,md}; bench/kernels_table reads them.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

import geometry_peers
import image_peers
import linalg_peers
import simulation_peers
import stats_peers
from inputs import seconds_of

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CORES = os.cpu_count()
ENOUGH_SECONDS = 3  # a call this long is not repeated in the same round
SLOW_SECONDS = 20
MOST_DRIFT = 1.15  # of a ceiling from the start to the end of a quiet run

# What the issue sets aims for comes first.
CASES = sorted((case for module in (geometry_peers, linalg_peers, stats_peers, image_peers, simulation_peers)
                for case in module.CASES), key=lambda case: all(target is None for _, _, target in case[2]))


def peer_named(word):
    """Of the word that run_peer() gives: a case's benchmark, and which of its peers."""
    bench, number = word.rsplit(":", 1)
    return next(peers[int(number)][0] for _, ours, peers in CASES if ours == bench)


def time_here(peer, repeats):
    """Of each way to call it: once to warm up, then up to `repeats` times. Slow ones have the one cold call only."""
    best = None
    calls = peer()
    for call in calls if isinstance(calls, list) else [calls]:
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


def run_peer(bench, number, options):
    brief = ["--brief"] if options.brief else []
    return json.loads(run([sys.executable, __file__, "--peer", f"{bench}:{number}", *brief]).splitlines()[-1])


def compare(case, options):
    name, bench, peers = case
    ours, theirs = [], [[] for _ in peers]
    for _ in range(options.rounds):
        ours.append(time_ours(options, bench))
        for number, (peer, _, _) in enumerate(peers):
            if not (theirs[number] and theirs[number][0].get("cold")):
                theirs[number].append(time_ours(options, peer) if isinstance(peer, str)
                                      else run_peer(bench, number, options))
    best = least(ours)
    told = []
    for (_, what, target), samples in zip(peers, map(least, theirs)):
        told.append({"peer": what + (", one cold call" if samples.get("cold") else ""), "seconds": samples["seconds"],
                     "target": target, "ratio": samples["seconds"] / best["seconds"]})
    return {"case": name, "cuhci": best, "peers": told}


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
        return time_here(peer_named(options.peer), 1 if options.brief else 3)
    from compare import context

    for which, values in (("case", [case[0] for case in CASES]), ("benchmark", [case[1] for case in CASES])):
        twice = {value for value in values if values.count(value) > 1}
        if twice:
            return f"more than one case has this {which}: {', '.join(sorted(twice))}"
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
