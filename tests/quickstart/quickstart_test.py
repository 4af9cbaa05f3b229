"""The quickstart's parts, on fabricated data and a fake server whose search is blind."""

import io
import math
import pathlib
import tempfile
import unittest

import numpy
import PIL.Image

from tests.corpora.manifest import INGEST, QUERY_ONLY, Row
from tests.quickstart import alter, figures, latency, report
from tests.quickstart.directions import DIRECTIONS, Answers, Direction
from tests.quickstart.evaluate import Score, evaluate
from tests.quickstart.fake_server import running
from tests.quickstart.ingest import in_order, ingest, wait_until_learned
from tests.quickstart.progress import Progress
from tests.quickstart.queries import Maker

BY_NAME = {direction.name: direction for direction in DIRECTIONS}


def row(name, event, modality, kind, key="", role=INGEST, path="", **metadata):
    media = {"text": "text/plain", "image": "image/png", "audio": "audio/wav", "video": "video/mp4"}[modality]
    return Row(name, event, path, media, modality, {"corpus": "test", "kind": kind, **metadata}, key or name, role)


class FiguresTest(unittest.TestCase):
    def test_chance_is_exact(self):
        self.assertAlmostEqual(figures.chance(100, 1, 10), 0.1)
        self.assertAlmostEqual(figures.chance(10, 2, 2), 1 - (8 * 7) / (10 * 9))
        self.assertEqual(figures.chance(10, 3, 10), 1.0)
        self.assertEqual(figures.chance(10, 0, 10), 0.0)

    def test_the_hit_rate_counts_queries_not_hits(self):
        answers = [["a", "b"], ["c", "d"], ["x", "y"]]
        right = [{"a", "b"}, {"d"}, {"z"}]
        self.assertAlmostEqual(figures.hit_rate(answers, right, 1), 1 / 3)
        self.assertAlmostEqual(figures.hit_rate(answers, right, 2), 2 / 3)

    def test_the_99th_percentile_of_a_hundred_is_the_second_largest(self):
        self.assertEqual(figures.percentile(list(range(100)), 0.99), 98)

    def test_what_could_not_be_measured_is_null_and_never_a_number(self):
        all_figures = figures.Figures()
        all_figures.add("a", None, "s")
        all_figures.add("b", math.nan, "s")
        self.assertEqual([entry["value"] for entry in all_figures.rows], [None, None])


class AnswersTest(unittest.TestCase):
    def test_a_duplicate_of_the_source_in_another_event_makes_that_event_right(self):
        rows = [row("c1", "e1", "text", "caption", key="same"), row("c2", "e2", "text", "caption", key="same"),
                row("p1", "e1", "image", "picture"), row("p2", "e2", "image", "picture"),
                row("p3", "e3", "image", "picture")]
        task = Answers(rows).task(BY_NAME["text_to_image"])
        self.assertEqual(task.candidates, 3)
        self.assertEqual(task.positives["c1"], {"p1", "p2"})

    def test_a_duplicate_of_a_right_candidate_is_right(self):
        rows = [row("p1", "e1", "image", "picture"), row("c1", "e1", "text", "caption", key="same"),
                row("c2", "e2", "text", "caption", key="same"), row("c3", "e2", "text", "caption")]
        self.assertEqual(Answers(rows).task(BY_NAME["image_to_text"]).positives, {"p1": {"c1", "c2"}})

    def clips(self):
        return [row("v1", "u1", "video", "clip", sound="yes", take="bow.ogg", label="bow"),
                row("t1", "u1", "audio", "track", "k1", QUERY_ONLY, sound="yes", take="bow.ogg", label="bow"),
                row("v2", "u1", "video", "clip", sound="yes", take="axe.ogg", label="axe"),
                row("v3", "u2", "video", "clip", sound="no", take="bow.ogg", label="bow"),
                row("t3", "u2", "audio", "track", "k1", QUERY_ONLY, sound="no", take="bow.ogg", label="bow"),
                row("v4", "u3", "video", "clip", sound="no", take="axe.ogg", label="axe")]

    def test_a_sounds_video_must_have_that_very_sound_not_just_its_unit(self):
        task = Answers(self.clips()).task(BY_NAME["sound_to_video"])
        self.assertEqual((task.candidates, task.positives), (2, {"t1": {"v1"}}))

    def test_unseen_videos_are_the_silent_ones_with_the_same_label(self):
        task = Answers(self.clips()).task(BY_NAME["sound_to_unseen_video"])
        self.assertEqual((task.candidates, task.positives), (2, {"t3": {"v3"}}))

    def test_among_all_clips_those_with_sound_are_wrong_answers_for_an_unseen_one(self):
        task = Answers(self.clips()).task(BY_NAME["sound_to_unseen_video_among_all"])
        self.assertEqual((task.candidates, task.positives), (4, {"t3": {"v3"}}))

    def test_a_sound_track_is_a_candidate_only_of_clips_that_kept_it(self):
        task = Answers(self.clips()).task(BY_NAME["video_to_sound"])
        self.assertEqual((task.candidates, task.positives), (2, {"v1": {"v1"}, "v2": {"v2"}}))

    def test_no_row_that_is_never_ingested_is_a_candidate(self):
        rows = self.clips()
        for direction in DIRECTIONS:
            for right in Answers(rows).task(direction).positives.values():
                self.assertFalse(right & {"t1", "t3"}, direction.name)


class AlterTest(unittest.TestCase):
    def test_altered_words_are_never_the_original_and_always_the_same(self):
        for original in ("A crow.", "Un corbeau.", "Ворона.", "The quick brown fox jumps over it.", "a b c d"):
            altered = alter.text(original, "seed")
            self.assertNotEqual(altered, original)
            self.assertEqual(altered, alter.text(original, "seed"))

    def test_words_that_cannot_be_altered_give_nothing(self):
        self.assertIsNone(alter.text("crow", "seed"))
        self.assertIsNone(alter.text("?!", "seed"))

    def test_an_altered_picture_is_a_smaller_jpeg_on_white(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "p.png"
            PIL.Image.new("RGBA", (200, 100), (255, 0, 0, 0)).save(path)
            image = PIL.Image.open(io.BytesIO(alter.picture(path, "seed")))
        self.assertEqual(image.format, "JPEG")
        self.assertLess(image.width, 170)
        self.assertTrue(all(channel > 250 for channel in image.getpixel((5, 5))))

    def test_a_cut_keeps_its_share_and_at_least_a_quarter_second(self):
        samples = numpy.arange(32000, dtype="f4")
        self.assertEqual(len(alter.cut(samples, 0.6, 0.5)), 19200)
        self.assertEqual(len(alter.cut(samples[:9000], 0.6, 1.0)), 8000)
        self.assertEqual(len(alter.cut(samples[:100], 0.6, 1.0)), 100)

    def test_noise_is_fifteen_decibels_below_the_sound(self):
        samples = 0.3 * numpy.sin(numpy.arange(32000) / 7)
        noise = alter.with_noise(samples, 1) - samples
        ratio = 10 * math.log10(numpy.mean(samples**2) / numpy.mean(noise**2))
        self.assertAlmostEqual(ratio, 15, delta=0.2)

    def test_an_altered_sound_decodes_to_a_part_of_its_length(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "s.wav"
            alter._ffmpeg(["-f", "lavfi", "-i", "sine=frequency=440:duration=2", str(path)])
            data, _ = alter.sound(path, "seed")
            other = pathlib.Path(folder) / "s.ogg"
            other.write_bytes(data)
            self.assertTrue(1.1 < len(alter.decode(other)) / 32000 < 1.95)


class FlowTest(unittest.TestCase):
    """Ingest, queries and evaluation against the fake server."""

    def rows(self, folder):
        rows = []
        for number in range(60):
            picture = pathlib.Path(folder) / f"{number}.png"
            PIL.Image.new("RGB", (20, 20), (number, 2 * number, 3 * number)).save(picture)
            rows.append(row(f"p{number}", f"e{number}", "image", "picture", path=str(picture)))
            caption = pathlib.Path(folder) / f"{number}.txt"
            caption.write_text(f"Caption number {number} of some words.")
            rows.append(row(f"c{number}", f"e{number}", "text", "caption", path=str(caption)))
        return rows

    def test_a_blind_search_scores_at_chance(self):
        with tempfile.TemporaryDirectory() as folder, running() as (client, _):
            rows = self.rows(folder)
            result = ingest(client, rows)
            self.assertEqual((len(result.item_ids), result.failures), (120, {}))
            wait_until_learned(client)
            tasks = [Answers(rows).task(BY_NAME[name]) for name in ("text_to_image", "image_to_text")]
            queries = Maker(rows, pathlib.Path(folder) / "queries").make(tasks, lambda name: 60)
            scores = evaluate(client, tasks, queries, {i: name for name, i in result.item_ids.items()}, "ask")
        self.assertEqual([(s.queries, s.candidates) for s in scores], [(60, 60), (60, 60)])
        for score in scores:
            self.assertAlmostEqual(score.chance10, 10 / 60)
            self.assertAlmostEqual(score.r10, score.chance10, delta=0.16)

    def test_a_second_ingest_of_the_same_rows_stores_nothing_new(self):
        with tempfile.TemporaryDirectory() as folder, running() as (client, services):
            rows = self.rows(folder)
            first, second = ingest(client, rows), ingest(client, rows)
            self.assertEqual(first.item_ids, second.item_ids)
            self.assertEqual(len(services.items), len(rows))

    def test_a_failed_upload_is_noted_and_the_others_go_on(self):
        with tempfile.TemporaryDirectory() as folder, running() as (client, _):
            rows = self.rows(folder)
            pathlib.Path(rows[0].path).write_bytes(b"")
            result = ingest(client, rows)
        self.assertEqual(list(result.failures), [rows[0].id])
        self.assertIn("INVALID_ARGUMENT", result.failures[rows[0].id])

    def test_held_back_rows_are_never_uploaded(self):
        rows = [row("a", "e", "audio", "track", role=QUERY_ONLY), row("b", "e", "text", "caption")]
        self.assertEqual([kept.id for kept in in_order(rows)], ["b"])


class LatencyTest(unittest.TestCase):
    def test_a_trial_that_failed_counts_as_endless(self):
        self.assertEqual(latency.median_seconds([1.0, 3.0, 2.0]), 2.0)
        self.assertEqual(latency.median_seconds([1.0, None, 2.0]), 2.0)
        self.assertIsNone(latency.median_seconds([None, None, 2.0]))

    def test_the_ratio_is_of_the_two_99th_percentiles(self):
        self.assertAlmostEqual(latency.p99_ratio([1.0] * 100, [1.0] * 95 + [3.0] * 5), 3.0)


class ReportTest(unittest.TestCase):
    def scores(self, r10):
        return [Score(name, 100, 200, 0.4, r10, 0.01, 0.1) for name in report.BARS]

    def test_every_direction_has_chance_and_random_projection_beside_it(self):
        all_figures = figures.Figures()
        report.add_scores(all_figures, self.scores(0.9), self.scores(0.2))
        self.assertEqual(all_figures.get("sound_to_video_r10"), 0.9)
        self.assertEqual(all_figures.get("sound_to_video_r10_random_projection"), 0.2)
        self.assertEqual(all_figures.get("sound_to_video_r10_chance"), 0.1)

    def test_a_missed_bar_is_said_but_not_judged_on_a_tenth_of_the_data(self):
        self.assertIn("NOT reached", report.table(self.scores(0.3), [], quick=False))
        self.assertNotIn("reached", report.table(self.scores(0.3), [], quick=True))

    def test_a_run_below_chance_is_seen(self):
        self.assertTrue(report.main_directions_above_chance(self.scores(0.5)))
        self.assertFalse(report.main_directions_above_chance(self.scores(0.05)))
        self.assertFalse(report.main_directions_above_chance([]))


class ProgressTest(unittest.TestCase):
    def test_without_a_terminal_there_is_a_line_a_tenth(self):
        output = io.StringIO()
        with Progress("t", 1000, output) as step:
            for _ in range(1000):
                step()
        self.assertTrue(10 <= len(output.getvalue().splitlines()) <= 12)


if __name__ == "__main__":
    unittest.main()
