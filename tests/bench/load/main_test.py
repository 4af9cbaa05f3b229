"""Tests of what the load benchmark does without a server."""

import unittest

from tests.bench.load import main


class GrowthTest(unittest.TestCase):
    def test_what_grows_only_while_warming_up_does_not_count(self):
        rows = [(t, 100 + min(t, 10), 7) for t in range(30)]
        self.assertEqual(main.growth(rows), (0, 0))

    def test_a_leak_is_seen(self):
        memory, opened = main.growth([(t, 1000 + 10 * t, 7 + t) for t in range(30)])
        self.assertGreater(memory, .05)
        self.assertEqual(opened, 10)

    def test_too_few_samples_say_nothing(self):
        self.assertEqual(main.growth([(0, 1, 1)] * 5), (None, None))


class SustainedTest(unittest.TestCase):
    STEP = {"refused": 0, "failed": 0, "p99_ms": 20.0}

    def test_a_rate_breaks_by_latency_refusal_or_failure(self):
        self.assertTrue(main.sustained(self.STEP))
        for broken in ({"refused": 1}, {"failed": 1}, {"p99_ms": main.BREAKS_MS}, {"p99_ms": -1}):
            self.assertFalse(main.sustained({**self.STEP, **broken}))


class FiguresTest(unittest.TestCase):
    def test_what_was_not_measured_is_null_and_a_missed_bar_is_said(self):
        figures = main.figures_of({"p99_over_median_at_80pct": 7.0, "steps": []})
        self.assertIsNone(figures.get("model_test_losses"))
        lines = main.table(figures, quick=False).splitlines()
        self.assertTrue(any(line.startswith("p99_over_median") and line.endswith("MISSED") for line in lines))


if __name__ == "__main__":
    unittest.main()
