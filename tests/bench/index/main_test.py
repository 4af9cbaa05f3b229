"""The front of the index benchmark: how settings are chosen, what the figures are, how they are judged."""

import array
import io
import pathlib
import struct
import sys
import tempfile
import unittest

from tests.bench.index import data, grpc_part, main, peers

# A peer that finds one of the ten true rows for every ten of breadth, and takes a second for every query.
PEER = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "fail":
        answer = {"error": "it cannot"}
    else:
        right = min(10, request["breadth"] // 10)
        rows = (list(range(right)) + [99] * (10 - right)) * request["count"]
        open(request["answers"], "wb").write(__import__("array").array("I", rows).tobytes())
        print("a library's own words")
        answer = {"queries": request["count"], "seconds": request["count"]}
    print(json.dumps(answer), flush=True)
"""


class PeersTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def queries(self, name, truth):
        (self.folder / f"{name}.f32").write_bytes(bytes(4 * 2 * (len(truth) // 10)))
        (self.folder / f"{name}.truth").write_bytes(array.array("I", truth).tobytes())
        return peers.Queries(self.folder / f"{name}.f32", self.folder / f"{name}.truth", 2)

    def peer(self):
        peer = peers.Peer("fake", [sys.executable, "-c", PEER], self.folder)
        self.addCleanup(peer.__exit__)
        return peer

    def test_recall_is_the_share_of_true_neighbors_in_any_order(self):
        self.assertEqual(peers.recall([1, 2, 9, 8], [2, 1, 3, 4], 2), 0.5)
        self.assertEqual(peers.recall([1, 1], [1, 2], 2), 0.5)
        with self.assertRaises(ValueError):
            peers.recall([1], [1, 2], 2)

    def test_the_first_breadth_that_reaches_the_target_is_taken(self):
        self.assertEqual(peers.first_breadth(lambda breadth: breadth / 100, (90, 94, 96, 99)), 96)
        self.assertIsNone(peers.first_breadth(lambda breadth: 0.9, (1, 2)))

    def test_a_breadth_that_falls_short_on_the_test_queries_is_broadened(self):
        easy = self.queries("easy", [0] * 10)  # Found at once.
        hard = self.queries("hard", list(range(10)))
        absent = self.queries("absent", [200] * 10)
        self.assertEqual(peers.choose_breadth(self.peer(), easy, hard, 1), 112)
        self.assertEqual(peers.choose_breadth(self.peer(), hard, easy, 1), 112)
        self.assertIsNone(peers.choose_breadth(self.peer(), absent, easy, 1))

    def test_a_turn_tells_recall_and_speed_and_skips_what_libraries_print(self):
        result = self.peer().search(self.queries("test", list(range(10)) * 3), 50, 1, 0)
        self.assertEqual(result, {"recall": 0.5, "qps": 1.0})

    def test_what_a_peer_cannot_do_is_told_in_its_words(self):
        with self.assertRaisesRegex(peers.PeerError, "it cannot"):
            self.peer().ask("fail")

    def test_truth_of_other_queries_is_refused(self):
        with self.assertRaises(ValueError):
            self.queries("test", list(range(10)) * 2 + [1])


class DataTest(unittest.TestCase):

    @staticmethod
    def npy(header):
        text = header.encode()
        return io.BytesIO(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"values")

    def test_the_shape_of_a_numpy_file_is_read_up_to_its_values(self):
        file = self.npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 512), }\n")
        self.assertEqual(data.npy_shape(file), (3, 512))
        self.assertEqual(file.read(), b"values")

    def test_other_kinds_of_numpy_files_are_refused(self):
        for header in ("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 512)}",
                       "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 512)}",
                       "{'descr': '<f4', 'fortran_order': False, 'shape': (512,)}"):
            with self.assertRaises(ValueError):
                data.npy_shape(self.npy(header))
        with self.assertRaises(ValueError):
            data.npy_shape(io.BytesIO(b"something else"))


class GrpcPartTest(unittest.TestCase):

    def test_queries_lie_halfway_between_two_stored_vectors_and_are_the_same_every_time(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "base.f32").write_bytes(array.array("f", [1, 0, 0, 1]).tobytes())
            grpc_part.write_queries(folder / "base.f32", 2, folder)
            first = (folder / "test.f32").read_bytes()
            grpc_part.write_queries(folder / "base.f32", 2, folder)
            self.assertEqual((folder / "test.f32").read_bytes(), first)
            values = array.array("f")
            values.frombytes(first)
        half = 0.5 ** 0.5
        seen = {(round(x, 5), round(y, 5)) for x, y in zip(values[::2], values[1::2])}
        self.assertEqual(seen, {(1.0, 0.0), (0.0, 1.0), (round(half, 5), round(half, 5))})


class MainTest(unittest.TestCase):

    def test_sizes_have_short_names(self):
        self.assertEqual([main.size_name(size) for size in (10_000, 100_000, 1_000_000, 1234)],
                         ["10k", "100k", "1m", "1234"])

    def test_figures_that_were_not_measured_are_null_and_the_issue_s_names_are_all_there(self):
        figures = main.figures_of({"qps_over_hnswlib_100k": 1.25})
        self.assertEqual(figures.get("qps_over_hnswlib_100k"), 1.25)
        names = {row["name"] for row in figures.rows}
        self.assertLessEqual({
            "qps_over_hnswlib_10k", "qps_over_hnswlib_100k", "qps_over_hnswlib_1m", "build_over_hnswlib",
            "qps_over_usearch_100k", "qps_over_lancedb_100k", "grpc_over_inprocess", "worst_filter_recall",
            "recall_loss_after_24_rounds", "qps_after_24_rounds_over_fresh", "p99_inserting_over_idle",
            "p99_refreshing_over_idle", "bytes_per_vector_1m", "recall_1m", "cold_start_seconds_1m"}, names)
        self.assertIsNone(figures.get("recall_1m"))

    def test_bars_are_met_from_above_or_from_below(self):
        lines = main.verdicts(main.figures_of({"qps_over_hnswlib_100k": 1.4, "worst_filter_recall": 0.95,
                                               "bytes_per_vector_1m": 701.0, "p99_inserting_over_idle": 1.2}))
        judged = {line.split()[0]: line.split()[-1] for line in lines if line.endswith(("met", "MISSED"))}
        self.assertEqual(judged, {"qps_over_hnswlib_100k": "MISSED", "worst_filter_recall": "met",
                                  "bytes_per_vector_1m": "MISSED", "p99_inserting_over_idle": "met"})

    def test_a_quick_run_is_small_and_leaves_grpc_out(self):
        settings = main.arguments(["--quick"])
        self.assertEqual(settings.sizes, [10_000])
        self.assertNotIn("grpc", settings.parts)
        self.assertIn("grpc", main.arguments([]).parts)
        self.assertEqual(main.arguments(["--only", "grpc", "--quick"]).parts, ["grpc"])

    def test_our_index_always_takes_part(self):
        self.assertEqual(main.peers_of("hnswlib"), ["ours", "hnswlib"])
        with self.assertRaises(main.argparse.ArgumentTypeError):
            main.peers_of("nobody")

    def test_a_build_without_the_programs_is_refused_by_name(self):
        with self.assertRaises(SystemExit) as refused:
            main.built(main.ROOT / "tests", ["peers"])
        self.assertIn("index_bench_ours", str(refused.exception))

    def test_the_table_has_what_a_graph_cost_beside_its_speed(self):
        row = {"peer": "ours", "vectors": "10k", "threads": 1, "qps": 1000.0, "recall": 0.96, "breadth": 40}
        lines = main.table([row], {"10k": {"ours": {"seconds": 2.5, "bytes_per_vector": 700.0}}})
        self.assertEqual(lines[1].split(), ["10k", "1", "ours", "1000", "0.960", "40", "2.5", "700"])


if __name__ == "__main__":
    unittest.main()
