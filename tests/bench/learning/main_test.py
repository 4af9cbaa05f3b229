"""The front of the learning benchmark: its figures, its judgement, and what it does where corpora are missing."""

import contextlib
import io
import json
import pathlib
import subprocess
import tempfile
import unittest
from unittest import mock

from tests.bench.learning import main


def results(**values):
    return {"figures": [{"name": name, "value": value, "unit": "share"} for name, value in values.items()]}


class MainTest(unittest.TestCase):

    def test_a_figure_that_was_not_measured_is_null(self):
        figures = main.figures_of(results(emoji_image_to_text_r1=0.5))
        self.assertEqual(figures.get("emoji_image_to_text_r1"), 0.5)
        names = [row["name"] for row in figures.rows]
        self.assertEqual(sorted(set(main.BARS) - set(names)), [])
        self.assertIsNone(figures.get("human_speech_to_text_r1"))

    def test_the_least_and_the_most_over_the_seeds_stand_beside_the_mean(self):
        entry = {"name": "forgetting_points", "value": 1.0, "min": 0.51234, "max": 1.5, "unit": "points"}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "figures.json"
            main.write(path, main.figures_of({"figures": [entry]}), {"directions": []}, 3)
            document = json.loads(path.read_text())
        self.assertEqual(document["figures"][0],
                         {"name": "forgetting_points", "value": 1.0, "min": 0.5123, "max": 1.5, "unit": "points"})
        self.assertEqual(document["seeds"], 3)

    def test_more_is_better_for_recall_and_worse_for_forgetting(self):
        lines = main.verdicts(main.figures_of(results(
            emoji_image_to_text_r1=0.61, human_speech_to_text_r1=0.1, forgetting_points=1.0, refresh_100k_seconds=3.0)))
        judged = {line.split()[0]: line.split()[-1] for line in lines}
        self.assertEqual(judged, {"emoji_image_to_text_r1": "reached", "human_speech_to_text_r1": "MISSED",
                                  "forgetting_points": "reached", "refresh_100k_seconds": "MISSED"})

    def test_baselines_are_judged_beside_the_whole(self):
        lines = main.verdicts(main.figures_of(results(forgetting_points_head_alone=2.5)))
        self.assertEqual(len(lines), 1)
        self.assertIn("MISSED", lines[0])

    def test_a_refresh_of_fewer_items_is_scaled_to_the_100000_of_its_name(self):
        refresh = {"items": 10_000, "seconds": 0.2, "whole_seconds": 0.3, "seconds_beside_searches": 0.4,
                   "search_p99_ms": 6.0, "search_p99_idle_ms": 4.0}
        figures = main.figures_of(results(), refresh)
        self.assertEqual(figures.get("refresh_100k_server_seconds"), 2.0)
        self.assertEqual(figures.get("refresh_server_search_p99_over_idle"), 1.5)

    def test_every_baseline_has_every_figure_measured_or_with_a_reason(self):
        figures = main.figures_of(results(online_over_joint_r10_head_alone=0.99, refresh_100k_seconds=2.0))
        rows = {row["name"]: row for row in figures.rows}
        self.assertEqual(len(rows), len(figures.rows), "no name twice")
        for name in main.COMMON:
            for suffix in main.BASELINES:
                row = rows[name + suffix]
                self.assertTrue(row.get("why") or row["value"] is not None, row)
        self.assertEqual(rows["online_over_joint_r10_head_alone"]["value"], 0.99)
        self.assertNotIn("why", rows["online_over_joint_r10_head_alone"])
        self.assertEqual(rows["online_over_joint_r10_random_features"]["value"], 1.0)
        self.assertEqual(rows["forgetting_points_joint_offline"]["value"], 0.0)
        self.assertEqual(rows["refresh_100k_seconds_joint_offline"]["value"], 2.0)
        self.assertIsNone(rows["old_index_raw_over_reencoded_trunk_alone"]["value"])

    def test_what_is_said_of_a_baseline_is_of_a_figure_that_all_have(self):
        for known in main.KNOWN.values():
            self.assertEqual(sorted(set(known) - set(main.COMMON)), [])

    def test_a_build_without_the_programs_is_refused_by_name(self):
        with self.assertRaises(SystemExit) as refused:
            main.built(main.ROOT / "tests")
        self.assertIn("learning_bench", str(refused.exception))


class MissingTest(unittest.TestCase):
    """Programs and packages that are not on the machine."""

    def run_with(self, prepare, *arguments):
        """Exit status, what was printed and what was said, with this in place of the corpora's prepare."""
        out, err = io.StringIO(), io.StringIO()
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch("tests.corpora.prepare.prepare", prepare))
            stack.enter_context(mock.patch.object(main, "built", lambda *_: pathlib.Path("/nowhere")))
            stack.enter_context(mock.patch.object(main.sys, "argv", ["main.py", "--work", folder, *arguments]))
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(contextlib.redirect_stderr(err))
            status = main.main()
        return status, out.getvalue(), err.getvalue()

    def test_a_quick_run_without_any_corpus_succeeds_and_says_what_installs_them(self):
        def prepare(*_, **__):
            raise SystemExit("corpora: the emoji come from npm, which is missing: deploy/install-deps --learning")

        status, out, err = self.run_with(prepare, "--quick")
        self.assertEqual(status, 0)
        self.assertIn("deploy/install-deps --learning", out)
        self.assertEqual(err.count("left out"), len(main.QUICK_SETS))
        self.assertIn("npm", err)

    def test_a_full_run_without_a_corpus_is_refused(self):
        def prepare(*_, **__):
            raise SystemExit("corpora: npm is missing")

        with self.assertRaises(SystemExit) as refused:
            self.run_with(prepare)
        self.assertIn("npm is missing", str(refused.exception))

    def test_whatever_fails_in_preparing_is_told_with_what_helps(self):
        for error in (subprocess.CalledProcessError(1, ["npm", "install"]), FileNotFoundError(2, "", "ffmpeg"),
                      ImportError("", name="numpy")):
            with mock.patch("tests.corpora.prepare.prepare", mock.Mock(side_effect=error)):
                with self.assertRaises(main.Unavailable) as told:
                    main.prepare_set("emoji", pathlib.Path("/nowhere"), True)
            self.assertIn("deploy/install-deps --learning", str(told.exception))
            self.assertRegex(str(told.exception), "npm|ffmpeg|numpy")


class RefreshTest(unittest.TestCase):
    def test_the_log_of_a_server_tells_what_each_change_took(self):
        from tests.bench.learning import server_refresh
        log = ("2026-01-01 I opened data\n2026-01-01 I learned 1 events: gather 0.01 s, solve 0.52 s, publish 1.84 s; "
               "generation 7\n")
        self.assertEqual(server_refresh.refreshes(log), [{"events": 1, "gather": 0.01, "solve": 0.52, "publish": 1.84}])


class ShardsTest(unittest.TestCase):
    def test_shards_are_made_again_only_for_another_manifest_or_program(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            work = pathlib.Path(folder)
            for program in ("mixmatch-shards", "mixmatch-decoder"):
                (work / program).write_text(program)
            manifest = work / "manifest.jsonl"
            made = []

            def make(command, **_):
                (pathlib.Path(command[command.index("--out") + 1])).mkdir(parents=True, exist_ok=True)
                made.append(command)

            def make_shards():
                return main.make_shards(work, "emoji", work / "out", True)

            with mock.patch.object(main, "prepare_set", lambda *_: manifest), \
                    mock.patch.object(main.subprocess, "run", make):
                manifest.write_text("one\n")
                shards = make_shards()
                make_shards()
                self.assertEqual(len(made), 1)
                manifest.write_text("one\ntwo\n")
                make_shards()
                self.assertEqual(len(made), 2)
                (work / "mixmatch-decoder").write_text("another")
                make_shards()
                self.assertEqual(len(made), 3)
            figures = main.figures_of(results())
            (shards / "made-from.json").write_text('{"digest": "", "rows": 60, "seconds": 4}')
            main.add_describing(figures, [shards])
            self.assertEqual(figures.get("emoji_described_rows_per_second"), 15)


if __name__ == "__main__":
    unittest.main()
