"""Tests of what the ingest benchmark does without a server."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from tests.bench.ingest import main, mutate, seeds
from tests.bench.ingest.pdf import pdf
from tests.bench.ingest.processes import PeakMemory, children, descriptors


class MutateTest(unittest.TestCase):
    SEEDS = [b"RIFF" + bytes(range(256)) * 4, b"<svg>words</svg>" * 20, b"x"]

    def test_the_same_number_gives_the_same_bytes(self):
        for number in range(60):
            self.assertEqual(mutate.mutated(self.SEEDS, number), mutate.mutated(self.SEEDS, number))

    def test_no_mutated_file_is_empty_or_its_seed(self):
        for number in range(600):
            data = mutate.mutated(self.SEEDS, number)
            self.assertTrue(data)
            self.assertNotEqual(data, self.SEEDS[number % len(self.SEEDS)])

    def test_most_files_differ_from_each_other(self):
        self.assertGreater(len({mutate.mutated(self.SEEDS, number) for number in range(600)}), 400)


class SeedsTest(unittest.TestCase):
    def test_each_type_comes_once(self):
        names = [seed.name for seed in seeds.seeds()]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len({pathlib.Path(name).suffix for name in names}), 30)

    def test_no_two_tunes_are_the_same(self):
        self.assertEqual(len({seeds.midi(number) for number in range(400)}), 400)

    def test_every_offset_of_a_pdf_points_to_its_object(self):
        data = pdf(3, first=8)
        places = [int(row.split()[0]) for row in data[data.rindex(b"\nxref"):].splitlines() if row.endswith(b" n ")]
        self.assertEqual(len(places), 3 + 3 * 3)
        for number, place in enumerate(places, 1):
            self.assertTrue(data[place:].startswith(b"%d 0 obj" % number))


class ProcessesTest(unittest.TestCase):
    def test_memory_of_children_is_counted(self):
        hungry = "import sys; x = bytearray(b'x' * 80_000_000); sys.stdin.read()"
        with PeakMemory(os.getpid(), every_seconds=0.01) as memory:
            with subprocess.Popen(["/usr/bin/python3", "-c", hungry], stdin=subprocess.PIPE) as process:
                while process.pid not in children(os.getpid()) or memory.peak - memory.before < 80_000_000:
                    self.assertIsNone(process.poll())
        self.assertGreater(memory.peak - memory.before, 80_000_000)

    def test_an_open_file_is_one_descriptor(self):
        before = descriptors(os.getpid())
        with tempfile.TemporaryFile():
            self.assertEqual(descriptors(os.getpid()), before + 1)


class FiguresTest(unittest.TestCase):
    def test_what_was_not_measured_is_null(self):
        figures = main.figures_of({"server_crashes": 0, "answers": {"OK": 3}})
        self.assertEqual(figures.get("server_crashes"), 0)
        self.assertIsNone(figures.get("video_times_real_time"))
        self.assertNotIn("answers", [row["name"] for row in figures.rows])

    def test_a_missed_bar_is_said(self):
        found = {"encoder_over_peak": 0.1, "server_crashes": 0}
        lines = main.table(main.figures_of(found), found, quick=False).splitlines()
        self.assertTrue(any(line.startswith("encoder_over_peak") and line.endswith("MISSED") for line in lines))
        self.assertTrue(any(line.startswith("server_crashes") and line.endswith("met") for line in lines))


if __name__ == "__main__":
    unittest.main()
