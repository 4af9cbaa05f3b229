"""The front of the learning benchmark: its figures and its judgement."""

import unittest

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

    def test_a_build_without_the_programs_is_refused_by_name(self):
        with self.assertRaises(SystemExit) as refused:
            main.built(main.ROOT / "tests")
        self.assertIn("learning_bench", str(refused.exception))


if __name__ == "__main__":
    unittest.main()
