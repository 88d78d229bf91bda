#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/crossovers: its tables are of the sources, and from times that follow known laws it tells what follows.

  crossovers_test.py SOURCE_FOLDER [KERNELS_BENCH]
"""
import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import sys
import unittest

ROOT = pathlib.Path(sys.argv[1])
PROGRAM = sys.argv[2] if len(sys.argv) > 2 else ""

loader = importlib.machinery.SourceFileLoader("crossovers", str(ROOT / "bench/crossovers"))
crossovers = importlib.util.module_from_spec(importlib.util.spec_from_loader("crossovers", loader))
sys.dont_write_bytecode = True
loader.exec_module(crossovers)


def case(name, shape, us, device="cuda:0", **more):
    return {"name": f"crossover/{name}/{device}/{'x'.join(map(str, shape))}/real_time", "run_type": "iteration",
            "real_time": us / 1e3, "time_unit": "ms", **more}


def threshold(part):
    return next(one for one in crossovers.THRESHOLDS if part in one.name)


class Crossovers(unittest.TestCase):
    def told(self, tell, cases):
        """What tell(best, report) prints, and what it flags."""
        report, text = crossovers.Report(), io.StringIO()
        with contextlib.redirect_stdout(text):
            tell(crossovers.results([{"benchmarks": cases}]), report)
        return text.getvalue(), report.wrong

    def of(self, part, cases):
        return self.told(lambda best, report: crossovers.of_threshold(threshold(part), best, report), cases)

    def constant(self, part):
        one = threshold(part)
        return one.value(crossovers.found(one.source, one.pattern)[0])

    def test_tables_are_of_the_sources(self):
        self.assertEqual(crossovers.check(PROGRAM), [])

    def test_least_time_counts_and_other_devices_do_not(self):
        best = crossovers.results([{"benchmarks": [case("a", (2, 3), 70), case("a", (2, 3), 50), case("a", (2, 3), 9, "cpu")]},
                                   {"benchmarks": [case("a", (2, 3), 60)]}])
        self.assertEqual({key: one["us"] for key, one in best.items()}, {("a", (2, 3)): 50})

    # Portable takes 10 us a frame, tiles 100 us and 5 a frame: level at 20.
    def collapses(self, level):
        here = self.constant("median over time")
        sizes = [8, 16, 24, here - 1, here, 48, 100]
        tiles = lambda n: 5 * level + 5 * n
        return [case("collapse_median/portable", (n, 210, 210), 10 * n) for n in sizes] + \
               [case("collapse_median/tuned", (n, 210, 210), 10 * n if n < here else tiles(n)) for n in sizes]

    def test_a_threshold_where_it_belongs_agrees(self):
        text, wrong = self.of("median over time", self.collapses(self.constant("median over time") - 1))
        self.assertEqual(wrong, [])
        self.assertIn("kernels/stats/collapse.cu:", text)

    def test_a_threshold_that_is_too_high_is_flagged(self):
        text, wrong = self.of("median over time", self.collapses(4))  # tiles are continued to where they do not run
        self.assertEqual(len(wrong), 1)
        self.assertIn("(continued)", text)
        self.assertIn("kernels/stats/collapse.cu:", wrong[0])

    def test_a_threshold_that_is_too_low_is_flagged(self):
        text, wrong = self.of("median over time", self.collapses(60))
        self.assertEqual(len(wrong), 1)
        self.assertIn("from 49 .. 100", text)

    def test_a_way_is_continued_by_its_law_and_not_far(self):
        points = {n: 3 * n ** 1.5 for n in (32, 48, 64, 100, 200)}
        self.assertAlmostEqual(crossovers.continued(points, 20), 3 * 20 ** 1.5)
        self.assertIsNone(crossovers.continued(points, 15))
        self.assertIsNone(crossovers.continued({32: 1}, 30))

    def test_one_name_for_both_sides(self):
        here = self.constant("medians of rows")
        sort, count = (lambda n: n * n / here), (lambda n: n)  # level at the constant
        cases = [case("row_medians", (n, 61, 101, 101), sort(n) if n <= here else count(n)) for n in (8, 16, here, here + 1, 32, 48)]
        self.assertEqual(self.of("medians of rows", cases)[1], [])
        slow = [case("row_medians", (n, 61, 101, 101), (1 if n <= here else 2) * n) for n in (8, 16, here, here + 1, 32, 48)]
        text, wrong = self.of("medians of rows", slow)
        self.assertEqual(len(wrong), 1)
        self.assertIn("the second way nowhere", text)

    def test_a_failed_case_does_not_win(self):
        here = self.constant("Jacobi in shared")
        cases = [case("syev/ours_jacobi", (2, n, 10), n) for n in (16, here)]
        cases += [case("syev/batched", (2, n, 10), 0, error_occurred=True, error_message="no eigenpair") for n in (16, here)]
        self.assertEqual(self.of("Jacobi in shared", cases)[1], [])

    def test_tuned_paths_must_pay(self):
        cases = [case("fit_gauss/tuned", (5000, 19, 19), 100), case("fit_gauss/portable", (5000, 19, 19), 120)]
        wrong = self.told(crossovers.of_paths, cases)[1]
        self.assertEqual(len(wrong), 1)
        self.assertIn("psf_fit.cu", wrong[0])
        cases[1]["real_time"] *= 2
        self.assertEqual(self.told(crossovers.of_paths, cases)[1], [])

    def test_only_sizes_at_which_ways_differ_say_whether_a_path_pays(self):
        here = self.constant("median over time")
        cases = [case("collapse_median/tuned", (n, 9, 9), 100) for n in (here - 1, here)]
        cases += [case("collapse_median/portable", (n, 9, 9), us) for n, us in ((here - 1, 500), (here, 110))]
        self.assertEqual(len(self.told(crossovers.of_paths, cases)[1]), 1)

    def test_one_side_alone_says_nothing(self):
        text, wrong = self.of("medians of rows", [case("row_medians", (n, 61, 101, 101), n) for n in (8, 16)])
        self.assertEqual(wrong, [])
        self.assertIn("nothing follows", text)

    def test_a_rival_that_wins_is_flagged(self):
        ours = [case("syev/ours_jacobi", (100, 32, 10), 50), case("syev/batched", (100, 32, 10), 70)]
        wrong = self.told(crossovers.of_rivals, ours + [case("syev/jacobi_batched", (100, 32, 10), 40)])[1]
        self.assertEqual(len(wrong), 1)
        self.assertEqual(self.told(crossovers.of_rivals, ours + [case("syev/jacobi_batched", (100, 32, 10), 49)])[1], [])

    def test_iteration_and_counts(self):
        right = [case("dense", (2, 256, 5), 200, iteration_chosen=1), case("iteration", (2, 256, 5), 20, blocks=6)]
        self.assertEqual(self.told(crossovers.of_iteration, right)[1], [])
        right[0]["iteration_chosen"] = 0
        self.assertEqual(len(self.told(crossovers.of_iteration, right)[1]), 1)
        counted = [case("syev/top_of_each", (2, 256, 10), 4 * 3840, counted_us=3840)]  # a problem: twice what was counted
        self.assertEqual(len(self.told(crossovers.of_iteration, counted)[1]), 1)

    def test_space(self):
        here = int(crossovers.found(crossovers.HPP, r"kSubspaceBlocksCuda = (\d+);")[0])
        cases = [case("space", (blocks, 2, 489, 5), 10 if blocks == here else 15) for blocks in (3, here, 8)]
        self.assertEqual(self.told(crossovers.of_spaces, cases)[1], [])
        cases[0]["real_time"] /= 3
        self.assertEqual(len(self.told(crossovers.of_spaces, cases)[1]), 1)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
