#!/usr/bin/env python3
"""Tests the table and its measuring on pretended sides whose times are known: no peer is needed."""
import json
import os
import sys
import tempfile
import types
import unittest

FOLDER = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, FOLDER)

from measure import LEAST_ROUNDS, SideError, Sides, same_training, same_work, start_once  # noqa: E402
from rows import DEFAULT, LIMIT, ONE_THREAD, TUNED, Row, all_rows  # noqa: E402
from table import FIELDS, better_lines, json_text, make_line, markdown_text  # noqa: E402

# A side that answers from a list, one entry a block, the last for ever; it logs who was asked.
PRETENDER = """
import json, os, sys
answers, log = json.loads(sys.argv[1]), sys.argv[2]
if len(sys.argv) == 5: print(41.5), sys.exit(0)
for line in sys.stdin:
    row = line.split()[0]
    left = answers.get(row, ["absent"])
    answer = left.pop(0) if len(left) > 1 else left[0]
    if row != "probe":
        open(log, "a").write(os.environ["NAME"] + "\\n")
    if answer == "die": sys.exit(3)
    print(answer, flush=True)
"""


def load_run():
    """The script `run` as a module; its name has no .py."""
    module = types.ModuleType("run")
    path = os.path.join(FOLDER, "run")
    module.__file__ = path
    with open(path, encoding="utf-8") as file:
        exec(compile(file.read(), path, "exec"), module.__dict__)  # pylint: disable=exec-used
    return module


class Pretended(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.log = os.path.join(self.folder.name, "log")
        self.run_module = load_run()

    def pretend(self, rounds=LEAST_ROUNDS, **answers):
        """Sides by name; the probe answers 1000 ns unless told."""
        answers.setdefault("probe", {"probe": ["1000 5e6"]})
        names = {"default": DEFAULT, "tuned": TUNED}
        programs = {names.get(name, name):
                    ([sys.executable, "-c", PRETENDER, json.dumps(rows), self.log], {"NAME": name})
                    for name, rows in answers.items()}
        sides = Sides(programs, 0.001, rounds)
        self.addCleanup(sides.close)
        return sides

    def asked(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read().split()

    def report_of(self, row, **answers):
        sides = self.pretend(**answers)
        report = self.run_module.Report({"cpu": "pretended", "cores": 2, "load": 0.5, "system": "x",
                                         "date": "2000-01-01", "peers": {DEFAULT: "a peer"}})
        comparison = self.run_module.Comparison(sides, {}, report, LEAST_ROUNDS)
        self.run_module.measure_all(comparison, [row])
        return report


def a_row(key="add", threads=1, **beside):
    beside = beside or {DEFAULT: (0.5, 0.25)}
    return Row("Calls", "a + b", key, threads, beside)


class Measuring(Pretended):
    def test_blocks_alternate(self):
        sides = self.pretend(ours={"add": ["10 1"]}, default={"add": ["20 1"]})
        sides.measure("add", [("ours", 1), (DEFAULT, 1)])
        self.assertEqual(self.asked(), ["ours", "default"] * (1 + LEAST_ROUNDS))

    def test_a_figure_is_the_median_without_the_first_block(self):
        ours = ["9999 1", "10 1", "11 1", "12 1", "13 1", "500 1"]
        sides = self.pretend(ours={"add": ours})
        measured = sides.measure("add", [("ours", 1)])
        self.assertEqual(measured.nanoseconds[("ours", 1)], 12)
        self.assertEqual((measured.rounds, measured.kept, measured.steady), (5, 5, True))

    def test_rounds_between_different_probes_are_dropped_and_made_up_for(self):
        # The probe is the least of four tries. It changes once, within the second round.
        probe = ["1000 5e6"] * 8 + ["1100 5e6"]
        sides = self.pretend(probe={"probe": probe},
                             ours={"add": ["1 1", "10 1", "7777 1", "10 1"]})
        measured = sides.measure("add", [("ours", 1)])
        self.assertEqual((measured.rounds, measured.kept, measured.steady), (6, 5, True))
        self.assertEqual(measured.nanoseconds[("ours", 1)], 10)

    def test_a_machine_that_never_rests_is_told(self):
        probe = [f"{1000 * 1.1 ** (i // 4):.0f} 5e6" for i in range(80)]
        sides = self.pretend(probe={"probe": probe}, ours={"add": ["10 1"]})
        measured = sides.measure("add", [("ours", 1)])
        self.assertEqual((measured.rounds, measured.steady), (3 * LEAST_ROUNDS, False))
        self.assertEqual(measured.kept, LEAST_ROUNDS)

    def test_a_side_without_the_row_is_left_out(self):
        sides = self.pretend(ours={"add": ["10 1"]}, default={})
        measured = sides.measure("add", [("ours", 1), (DEFAULT, 1)])
        self.assertEqual(list(measured.nanoseconds), [("ours", 1)])
        self.assertEqual(measured.failures, {})

    def test_a_process_answers_its_number_and_its_time(self):
        command = [sys.executable, "-c", PRETENDER, "{}", self.log, "mlp", "3"]
        wall, value = start_once(command, 1, {})
        self.assertGreater(wall, 0)
        self.assertEqual(value, 41.5)
        with self.assertRaises(SideError):
            start_once([sys.executable, "-c", "raise SystemExit(2)"], 1, {})

    def test_equal_work_is_a_matter_of_all_numbers(self):
        self.assertTrue(same_work([1.0, 2.0], [1.0005, 2.0]))
        self.assertFalse(same_work([1.0, 2.0], [1.0, 2.1]))
        self.assertFalse(same_work([1.0], [1.0, 2.0]))
        self.assertFalse(same_work([float("nan")], [float("nan")]))

    def test_a_training_must_come_down_as_far(self):
        self.assertTrue(same_training([2.3000, 2.2000], [2.3001, 2.2003]))
        self.assertFalse(same_training([2.3000, 2.2990], [2.3000, 2.3000]))


class Reports(Pretended):
    def test_losses_are_lines_like_wins(self):
        row = a_row(**{DEFAULT: (0.5, 0.25), TUNED: (0.5, 0.25)})
        report = self.report_of(row, ours={"add": ["30 1"]}, default={"add": ["100 1"]},
                                tuned={"add": ["20 1"]})
        self.assertEqual([(line["peer"], line["ratio"], line["ok"]) for line in report.lines()],
                         [(DEFAULT, 0.3, True), (TUNED, 1.5, False)])
        text = markdown_text(vars(report))
        self.assertIn("| a + b, 1 thread | libtorch default | 30 ns | 100 ns | 0.3 | 0.5 | 0.25 | yes |",
                      text)
        self.assertIn("| 30 ns | 20 ns | 1.5 | 0.5 | 0.25 | **no** |", text)

    def test_unequal_work_is_no_line_but_a_failure(self):
        report = self.report_of(a_row(), ours={"add": ["30 1.0"]}, default={"add": ["100 1.5"]})
        self.assertEqual(report.lines(), [])
        self.assertIn("not the same work", report.failed[0])
        self.assertIn("not the same work", markdown_text(vars(report)))

    def test_a_side_that_dies_fails_and_the_others_stay(self):
        row = a_row(**{DEFAULT: (0.5, 0.25), TUNED: (0.5, 0.25)})
        report = self.report_of(row, ours={"add": ["30 1"]}, default={"add": ["die"]},
                                tuned={"add": ["60 1"]})
        self.assertEqual([line["peer"] for line in report.lines()], [TUNED])
        self.assertEqual(len(report.failed), 1)

    def test_an_error_in_the_midst_of_a_row_fails_that_row(self):
        report = self.report_of(a_row(), ours={"add": ["30 1", "30 1", "error no memory"]},
                                default={"add": ["100 1"]})
        self.assertEqual(report.lines(), [])
        self.assertIn("no memory", report.failed[0])

    def test_a_row_that_we_lack_fails(self):
        report = self.report_of(a_row(), ours={}, default={"add": ["100 1"]})
        self.assertEqual(len(report.failed), 1)

    def test_losses_of_both_sides_are_printed(self):
        report = self.report_of(a_row("mlp_train"), ours={"mlp_train": ["10 2.31 1.25"]},
                                default={"mlp_train": ["20 2.31 1.25"]})
        self.assertIn("| a + b, 1 thread | ours | 2.310000 | 1.250000 |", markdown_text(vars(report)))

    def test_dropped_rounds_and_noise_are_printed(self):
        probe = [f"{1000 * 1.1 ** (i // 4):.0f} 5e6" for i in range(80)]
        report = self.report_of(a_row(), probe={"probe": probe}, ours={"add": ["30 1"]},
                                default={"add": ["100 1"]})
        text = markdown_text(vars(report))
        self.assertIn("| ~0.3 |", text)
        self.assertIn("**Dropped**", text)

    def test_a_limit_is_a_peer_of_its_own(self):
        row = Row("Start and memory", "start", "start", 1, {}, kind="memory", limit=(30, 12))
        report = self.run_module.Report({})
        report.add(row, {"ours": 33})
        line = report.lines()[0]
        self.assertEqual((line["peer"], line["unit"], line["ratio"], line["ok"]),
                         (LIMIT, "MB", 1.1, False))

    def test_two_threads_are_compared_with_one(self):
        row = a_row(threads=2, **{ONE_THREAD: (1.0, 0.6)})
        report = self.report_of(row, ours={"add": ["30 1"]})
        self.assertEqual([line["peer"] for line in report.lines()], [ONE_THREAD])


class Table(unittest.TestCase):
    def test_json_has_these_fields_and_no_others(self):
        line = make_line(a_row(), DEFAULT, 30.0, 100.0, 0.5, 0.25)
        document = json.loads(json_text({"cpu": "x"}, [dict(line, extra=1)]))
        self.assertEqual(list(document), ["machine", "rows"])
        self.assertEqual(tuple(document["rows"][0]), FIELDS)
        self.assertEqual(document["rows"][0],
                         {"name": "a + b, 1 thread", "peer": DEFAULT, "ours": 30.0, "theirs": 100.0,
                          "unit": "ns", "ratio": 0.3, "target": 0.5, "goal": 0.25, "ok": True})

    def test_numbers_agree_as_they_are_printed(self):
        for ours, theirs in ((123456.7, 98765.4), (0.51234, 3.98765), (5e8, 3e8)):
            line = make_line(a_row(), DEFAULT, ours, theirs, 1 / 0.97, 0.8)
            self.assertAlmostEqual(line["ratio"], line["ours"] / line["theirs"], delta=5e-4)
            self.assertEqual(line["ok"], line["ratio"] <= line["target"])

    def test_a_ratio_at_its_target_is_met(self):
        self.assertTrue(make_line(a_row(), DEFAULT, 25, 100, 0.25, 0.1)["ok"])
        self.assertFalse(make_line(a_row(), DEFAULT, 25.1, 100, 0.25, 0.1)["ok"])

    def test_the_better_peer_is_the_one_that_is_faster(self):
        lines = [make_line(a_row(), peer, 30, theirs, 0.5, 0.2)
                 for peer, theirs in ((DEFAULT, 100), (TUNED, 50))]
        for order in (lines, lines[::-1]):
            self.assertEqual([line["peer"] for line in better_lines(order, (DEFAULT, TUNED))], [TUNED])


class Rows(unittest.TestCase):
    def test_every_row_has_one_place_and_sensible_targets(self):
        rows = all_rows(2)
        places = [(row.kind, row.key, row.threads) for row in rows]
        self.assertEqual(len(places), len(set(places)))
        names = [row.name() for row in rows]
        self.assertEqual(len(names), len(set(names)))
        for row in rows:
            self.assertTrue(row.beside or row.limit, row)
            for target, goal in row.beside.values():
                self.assertGreater(goal, 0, row)
                self.assertLessEqual(goal, target, row)

    def test_one_core_is_asked_for_one_thread(self):
        self.assertEqual({row.threads for row in all_rows(1)}, {1})
        self.assertEqual({row.threads for row in all_rows(2)}, {1, 2})

    def test_the_quick_table_has_every_section(self):
        rows = all_rows(2)
        self.assertEqual({row.section for row in rows}, {row.section for row in rows if row.quick})


if __name__ == "__main__":
    unittest.main()
