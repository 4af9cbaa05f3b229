"""What the corpora promise, checked on small fabricated inputs: no game data is needed."""

import collections
import gzip
import json
import pathlib
import subprocess
import tempfile
import unittest
from unittest import mock

import numpy
import PIL.Image

from tests.corpora import (clips, emergent, emoji, fashion, folds, kokoro, manifest, npm, prepare, speech, tuxpaint, voices,
                           wesnoth, wml)


class WmlTest(unittest.TestCase):
    def test_nested_tags_keep_their_keys_apart(self):
        root = wml.parse('[unit_type]\n  id=A\n  [attack]\n    name=bow\n  [/attack]\n[/unit_type]\n')
        unit = root.first("unit_type")
        self.assertEqual(unit.keys["id"], "A")
        self.assertEqual(unit.first("attack").keys["name"], "bow")

    def test_a_translatable_string_loses_its_context_and_joins_over_lines(self):
        root = wml.parse('[u]\nname= _ "female^Elf " + # comment\n  _ "Archer"\nnote="two\nlines"\n[/u]')
        self.assertEqual(root.first("u").keys, {"name": "Elf Archer", "note": "two\nlines"})

    def test_a_macro_of_the_file_is_expanded_and_one_from_elsewhere_dropped(self):
        root = wml.parse('#define BODY NAME\nimage="units/{NAME}.png"\n#enddef\n[u]\n{BODY zombie}\n{OTHER {X} "y"}\n[/u]')
        self.assertEqual(root.first("u").keys, {"image": "units/zombie.png"})

    def test_a_stray_end_tag_does_not_end_its_parent(self):
        root = wml.parse("[a]\n[/b]\nk=v\n[/a]")
        self.assertEqual(root.first("a").keys, {"k": "v"})


class TuxPaintTest(unittest.TestCase):
    def test_captions_are_read_by_language_and_empty_ones_left_out(self):
        captions = tuxpaint.parse_captions("A crow.\nhi.utf8=एक कौवा|\nfr.utf8=Un corbeau.\nde.utf8=\nrubbish\n")
        self.assertEqual(captions, {"en": "A crow.", "hi": "एक कौवा", "fr": "Un corbeau."})

    def test_speech_files_are_told_from_effects_by_their_name(self):
        self.assertEqual(tuxpaint.speech_language("birds/crow_desc_fr"), "fr")
        self.assertEqual(tuxpaint.speech_language("birds/crow_desc"), "en")
        self.assertEqual(tuxpaint.speech_language("photo_desc_da.ogg"), "da")
        self.assertIsNone(tuxpaint.speech_language("birds/crow"))

    def test_a_stamp_is_one_event_and_a_mirror_image_none(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder) / "stamps"
            root.mkdir()
            for name in ("crow.png", "crow.ogg", "crow_desc_fr.ogg", "crow_mirror.png"):
                (root / name).write_bytes(name.encode())
            (root / "crow.txt").write_text("A crow.\nfr.utf8=Un corbeau.\n")
            rows = tuxpaint.rows(root, pathlib.Path(folder) / "work")
        self.assertEqual({row.event for row in rows}, {"tuxpaint:crow"})
        self.assertEqual(sorted(row.kind for row in rows), ["caption", "caption", "effect", "picture", "speech"])

    def test_spoken_letters_are_no_effects(self):
        self.assertFalse(tuxpaint.is_sound_effect("symbols/math/one"))
        self.assertTrue(tuxpaint.is_sound_effect("animals/birds/crow"))


class WesnothTest(unittest.TestCase):
    def test_a_female_form_takes_what_it_lacks_from_its_base(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "a.cfg").write_text(
                '[unit_type]\nid=Elf\nrace=elf\nimage="a.png"\n[attack]\nname=bow\n[/attack]\n'
                '[female]\ngender=female\nimage="b.png"\n[/female]\n[/unit_type]\n')
            base, female = wesnoth.read_units(pathlib.Path(folder))
        self.assertEqual((base.id, female.id), ("Elf", "Elf#female:female"))
        self.assertEqual((female.keys["race"], female.keys["image"]), ("elf", "b.png"))
        self.assertEqual(female.attacks, base.attacks)

    def test_units_that_share_a_frame_are_held_out_together(self):
        with tempfile.TemporaryDirectory() as folder:
            def clip(unit, content):
                path = pathlib.Path(folder) / content
                path.write_text(content)
                return clips.Clip(unit, unit, "elf", [clips.Frame(path, 100)], 0, path, "bow")
            table = [clip(f"unit{number}", "shared") for number in range(40)]
            alone = [clip(f"alone{number}", f"own{number}") for number in range(100)]
            held = wesnoth.held_out_units(table + alone)
        self.assertEqual(len({held[c.unit] for c in table}), 1)
        self.assertTrue(5 < sum(held[c.unit] for c in alone) < 40)

    def test_the_shipped_table_has_the_349_clips_and_stays_below_the_games_folders(self):
        table = clips.read_clips(wesnoth.CLIPS_FILE, pathlib.Path("/game"))
        self.assertEqual(len(table), 349)
        self.assertEqual(len({clip.id for clip in table}), 349)
        for clip in table:
            self.assertNotIn("..", str(clip.sound))
            self.assertGreaterEqual(len(clip.frames), 3)

    def test_the_label_is_the_sound_without_its_take(self):
        self.assertEqual(clips.label_of("wolf-growl-3.ogg"), "wolf-growl")
        self.assertEqual(clips.label_of("bow.ogg"), "bow")


def _packages(folder: pathlib.Path, concepts) -> pathlib.Path:
    """A node_modules folder with the same tiny drawing in all styles for each (hex code, label, group)."""
    modules = folder / "node_modules"
    for style, (place, ending, _) in emoji.STYLES.items():
        (modules / place).mkdir(parents=True)
        for code, _, _ in concepts:
            name = code.upper() if style == "openmoji" else code
            (modules / place / (name + ending)).write_bytes(f"{style} {code}".encode())
    for language in ("en", *emoji.NAMED_IN):
        (modules / "emojibase-data" / language).mkdir(parents=True)
        entries = [{"hexcode": code.upper(), "label": label if language == "en" else f"{language} {label}", "tags": ["tag"],
                    "group": group} for code, label, group in concepts if (language, label) != ("ru", "ox")]
        (modules / "emojibase-data" / language / "data.json").write_text(json.dumps(entries))
    for package in emoji.PACKAGES:
        name, version = package.rsplit("@", 1)
        (modules / name).mkdir(parents=True, exist_ok=True)
        (modules / name / "package.json").write_text(json.dumps({"version": version}))
    return modules


def _fake_speech(utterances, progress=None, _kokoro=None):
    for utterance in utterances:
        utterance.path.parent.mkdir(parents=True, exist_ok=True)
        utterance.path.write_bytes(f"{utterance.text} {utterance.voice}".encode())


class EmojiTest(unittest.TestCase):
    def rows(self, concepts):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(voices, "speak_all", _fake_speech), \
                mock.patch.object(voices, "phones", lambda text, language: f"{language}:{text}"):
            work = pathlib.Path(folder)
            return emoji.rows(emoji.fetch(_packages(work, concepts).parent), work)

    def test_codes_are_joined_without_variation_selectors_and_in_lower_case(self):
        self.assertEqual(emoji.key_of("2764-FE0F-200D-1F525"), "2764-200d-1f525")

    def test_a_concept_is_one_event_of_four_drawings_its_texts_and_five_voices(self):
        rows = self.rows([("1f404", "cow", 3)])
        self.assertEqual({row.event for row in rows}, {"emoji:1f404"})
        self.assertEqual(collections.Counter(row.kind for row in rows),
                         {"picture": 4, "name": 1 + len(emoji.NAMED_IN), "tags": 1, "speech": 5})
        self.assertEqual(len({row.id for row in rows}), len(rows))
        self.assertEqual(len({row.path for row in rows}), len(rows))
        for row in rows:
            self.assertTrue(all(isinstance(value, str) for value in row.metadata.values()), row.metadata)

    def test_a_language_that_lacks_a_name_has_none(self):
        names = {row.metadata["lang"] for row in self.rows([("1f402", "ox", 3)]) if row.kind == "name"}
        self.assertEqual(names, {"en", *emoji.NAMED_IN} - {"ru"})

    def test_one_style_and_one_voice_are_for_tests_alone(self):
        test = [row for row in self.rows([("1f404", "cow", 3)]) if row.metadata["split"] == "test"]
        self.assertEqual({row.metadata.get("style") or row.metadata["voice"] for row in test},
                         {emoji.TEST_STYLE, voices.TEST})
        self.assertNotIn(voices.TEST, voices.MANY)

    def test_components_flags_and_what_has_no_group_are_left_out(self):
        rows = self.rows([("1f404", "cow", 3), ("1f3fb", "light skin tone", 2), ("1f1e6", "regional indicator", None),
                          ("1f3c1", "chequered flag", 9)])
        self.assertEqual({row.metadata["concept"] for row in rows}, {"1f404"})

    def test_pictures_that_look_the_same_have_one_content_key(self):
        rows = self.rows([("1f6b6", "person walking", 1), ("1f6b6-200d-2642", "man walking", 1)])
        keys = collections.defaultdict(set)
        for row in rows:
            if row.kind == "picture":
                keys[row.metadata["style"]].add(row.content_key)
        self.assertEqual({style: len(found) for style, found in keys.items()},
                         {"google": 2, "twitter": 2, "fluent": 2, "openmoji": 1})

    def test_packages_of_another_version_are_not_taken_for_the_right_ones(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(npm.shutil, "which", return_value=None):
            modules = _packages(pathlib.Path(folder), [])
            (modules / "openmoji/package.json").write_text('{"version": "1.0.0"}')
            with self.assertRaises(SystemExit):
                emoji.fetch(modules.parent)


def _stamps(folder: pathlib.Path, captions, recordings=()) -> pathlib.Path:
    """Stamps with French captions, and French recordings with the given bytes for some."""
    root = folder / "stamps"
    root.mkdir()
    for name, caption in captions.items():
        (root / f"{name}.txt").write_text(f"English of {name}.\nfr.utf8={caption}\n")
        (root / f"{name}.png").write_bytes(name.encode())
    for name, content in dict(recordings).items():
        (root / f"{name}_desc_fr.ogg").write_bytes(content)
    return root


class SpeechTest(unittest.TestCase):
    def rows(self, *stamps, language="fr"):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(voices, "speak_all", _fake_speech), \
                mock.patch.object(voices, "phones", lambda text, language: f"{language}:{text}"):
            work = pathlib.Path(folder)
            return [row for row in speech.rows(_stamps(work, *stamps), work / "out") if row.metadata["lang"] == language]

    def test_people_and_unseen_voices_are_for_tests_alone(self):
        rows = self.rows({"crow": "Un corbeau."}, {"crow": b"caw"})
        test = {row.metadata["voice"] for row in rows if row.metadata["split"] == "test"}
        self.assertEqual(test, {"human", voices.TEST})
        train = {row.metadata["voice"] for row in rows if row.kind == "speech" and row.metadata["split"] == "train"}
        self.assertLess(set(voices.MANY), train)
        natural = train - set(voices.MANY)
        self.assertEqual(len(natural), speech.NATURAL)
        self.assertTrue(all(voice.startswith("kokoro_") for voice in natural), natural)

    def test_candidates_have_captions_and_recordings_of_their_own(self):
        names = [f"stamp{number}" for number in range(30)]
        rows = self.rows({name: f"Légende {number % 20}" for number, name in enumerate(names)},
                         {name: str(number % 15).encode() for number, name in enumerate(names)})
        human = [row for row in rows if row.metadata.get("voice") == "human"]
        self.assertEqual(len({row.content_key for row in human}), len(human))
        self.assertEqual(len({row.metadata["title"] for row in human}), len(human))
        self.assertGreater(len(human), 10)

    def test_what_is_learned_by_ear_says_how_it_is_pronounced_and_what_is_asked_does_not(self):
        for row in self.rows({"crow": "Un corbeau."}, {"crow": b"caw"}):
            self.assertEqual("phones" in row.metadata, row.kind == "speech" and row.metadata["split"] == "train", row.id)

    def test_a_language_of_two_continents_is_spoken_in_both_accents(self):
        rows = [row for row in self.rows({"crow": "Un corbeau."}, language="en") if row.kind == "speech"]
        accented = [row for row in rows if row.metadata["voice"].endswith("@en-us")]
        self.assertGreaterEqual(len(accented), speech.VOICES_OF_MORE)
        self.assertGreaterEqual(len(rows) - len(accented), speech.VOICES_OF_MORE)
        for row in rows:
            accent = "en-us" if row in accented else "en"
            self.assertEqual(row.metadata["phones"], f"{accent}:English of crow.")

    def test_marks_between_sounds_are_no_sounds(self):
        voices.phones.cache_clear()
        with mock.patch.object(voices.subprocess, "run") as run:
            run.return_value.stdout = " a# k'aUbOI,_: h'at\n"
            self.assertEqual(voices.phones("a cowboy hat", "en"), "a#kaUbOIhat")

    def test_a_caption_without_recording_is_only_learned_from_and_in_few_voices(self):
        rows = self.rows({f"stamp{number}": f"Légende {number}" for number in range(40)})
        self.assertEqual({row.metadata["split"] for row in rows}, {"train"})
        self.assertEqual({row.metadata["pool"] for row in rows}, {"more"})
        whole = collections.Counter(row.event for row in rows if row.kind == "speech" and ":short:" not in row.id)
        self.assertEqual(set(whole.values()), {speech.VOICES_OF_MORE, speech.VOICES_OF_MORE + 1})
        short = collections.Counter(row.event for row in rows if ":short:" in row.id)
        self.assertEqual(set(short.values()), {speech.SHORT_OF_MORE, speech.SHORT_OF_MORE + 1})

    def test_what_many_captions_begin_or_end_with_is_common(self):
        captions = [f"A {animal}." for animal in ("crow", "cow", "cat", "hen")]
        captions += [f"The letter {letter} in sign language." for letter in "abc"]
        captions += ["A red cow.", "The moon.", "Butter", "A"]
        self.assertEqual(speech.short_forms(captions),
                         {"A crow.": "crow.", "A cow.": "cow.", "A cat.": "cat.", "A hen.": "hen.", "A red cow.": "red cow.",
                          "The letter a in sign language.": "a", "The letter b in sign language.": "b",
                          "The letter c in sign language.": "c", "The moon.": "moon."})

    def test_what_few_captions_begin_with_stays(self):
        self.assertEqual(speech.short_forms(["A crow.", "A cow.", "The cat."]), {})
        self.assertEqual(speech.short_forms(["A crow.", "A cow.", "A cat."] + [f"Cat {n}" for n in range(2)] + [f"{n} is {n}" for n in range(150)]), {})

    def test_short_forms_are_learned_from_beside_the_whole_and_never_asked(self):
        names = [f"stamp{number}" for number in range(4)]
        rows = self.rows({name: f"Un {name}." for name in names}, {name: name.encode() for name in names})
        short = [row for row in rows if ":short:" in row.id]
        self.assertEqual(len(short), 4 * (speech.SHORT_OF_CANDIDATE + speech.SHORT_NATURAL))
        for row in short:
            self.assertEqual(row.metadata["phones"], "fr:" + row.metadata["title"][len("Un "):])
        self.assertEqual({row.metadata["split"] for row in short}, {"train"})
        self.assertEqual(len({row.id for row in rows}), len(rows))
        self.assertEqual(len({row.path for row in rows}), len(rows))

    def test_no_more_candidates_than_agreed(self):
        names = [f"stamp{number}" for number in range(speech.CANDIDATES + 20)]
        rows = self.rows({name: f"Légende {name}" for name in names}, {name: name.encode() for name in names})
        self.assertEqual(sum(row.metadata.get("voice") == "human" for row in rows), speech.CANDIDATES)


class VoicesTest(unittest.TestCase):
    def test_what_was_spoken_before_is_not_spoken_again(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(voices.subprocess, "run") as run:
            path = pathlib.Path(folder) / "a.wav"
            path.write_bytes(b"there")
            voices.speak_all([voices.Utterance("crow", "en", voices.TEST, path)])
            run.assert_not_called()

    def test_an_accent_is_spoken_instead_of_the_language(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(voices.subprocess, "run") as run, \
                mock.patch.object(voices.pathlib.Path, "replace"):
            path = pathlib.Path(folder) / "a.wav"
            voices.speak(voices.Utterance("crow", "en", voices.with_accent("m3/160/50", "en-us"), path))
            self.assertEqual(run.call_args.args[0][:7], ["espeak-ng", "-v", "en-us+m3", "-s", "160", "-p", "50"])

    def test_speakers_depend_on_the_place_and_come_back_only_after_all_others(self):
        chosen = voices.of_kokoro("fr/crow", len(kokoro.SPEAKERS))
        self.assertEqual(len({voice.split("/")[0] for voice in chosen}), len(kokoro.SPEAKERS))
        self.assertEqual(voices.of_kokoro("fr/crow", 3), chosen[:3])
        self.assertNotEqual(voices.of_kokoro("fr/owl", 3), chosen[:3])

    def test_voices_of_kokoro_are_spoken_by_it_in_its_own_letters(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(voices.subprocess, "run") as run, \
                mock.patch.object(kokoro, "fetch") as fetch, mock.patch.object(kokoro, "speak_all") as speak_all:
            run.return_value.stdout = "ɐ  kɹˈo^ʊ\nd^ʒˈʌmps\n"
            path = pathlib.Path(folder) / "a.wav"
            voices.speak_all([voices.Utterance("A crow jumps", "en", "kokoro_af_sky/85", path)],
                             kokoro_folder=pathlib.Path(folder))
            fetch.assert_called_once_with(pathlib.Path(folder))
            self.assertEqual(speak_all.call_args.args[1],
                             [{"phonemes": "ɐ kɹˈO ʤˈʌmps", "speaker": "af_sky", "speed": 0.85, "path": str(path)}])

    def test_a_quick_preparation_needs_no_kokoro(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(voices, "speak_all", _fake_speech), \
                mock.patch.object(voices, "phones", lambda text, language: text):
            work = pathlib.Path(folder)
            rows = speech.rows(_stamps(work, {"crow": "Un corbeau."}), work / "out", natural=False)
        self.assertFalse([row.id for row in rows if "kokoro" in row.id])

    def test_the_file_appears_only_when_it_is_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.wav"

            def fail(command, **_):
                pathlib.Path(command[command.index("-w") + 1]).write_bytes(b"half")
                raise subprocess.CalledProcessError(1, command)

            with mock.patch.object(voices.subprocess, "run", fail), self.assertRaises(subprocess.CalledProcessError):
                voices.speak(voices.Utterance("crow", "en", voices.TEST, path))
            self.assertFalse(path.exists())


def _idx(path: pathlib.Path, array: numpy.ndarray) -> None:
    head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(gzip.compress(head + array.tobytes()))


class FashionTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        generator = numpy.random.default_rng(1)
        for start, count in (("train", 200), ("t10k", 50)):
            _idx(self.root / f"{start}-images-idx3-ubyte.gz", generator.integers(0, 256, (count, 28, 28), numpy.uint8))
            _idx(self.root / f"{start}-labels-idx1-ubyte.gz", numpy.arange(count, dtype=numpy.uint8) % 10)

    def test_arrays_are_read_as_they_were_written(self):
        part = fashion.read("test", self.root)
        self.assertEqual((part.images.shape, part.labels.tolist()), ((50, 28, 28), [n % 10 for n in range(50)]))

    def test_a_cut_file_is_refused(self):
        path = self.root / "t10k-labels-idx1-ubyte.gz"
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1]))
        with self.assertRaisesRegex(ValueError, "49 bytes"):
            fashion.read("test", self.root)

    def test_files_are_so_many_of_each_class_and_show_the_arrays(self):
        rows = fashion.rows(self.root, self.root / "work", {"train": 7, "test": 3})
        pictures = [row for row in rows if row.kind == "picture"]
        self.assertEqual(collections.Counter((row.metadata["split"], row.metadata["class"]) for row in pictures),
                         {(split, str(label)): count
                          for split, count in (("train", 7), ("test", 3)) for label in range(10)})
        row = pictures[-1]
        place = int(row.event.rsplit(":", 1)[1])
        with PIL.Image.open(row.path) as image:
            self.assertTrue(numpy.array_equal(numpy.asarray(image), fashion.read("test", self.root).images[place]))

    def test_each_class_is_named_once_and_its_pictures_say_which_it_is(self):
        rows = fashion.rows(self.root, self.root / "work", {"train": 7, "test": 3})
        names = {row.metadata["class"]: pathlib.Path(row.path).read_text() for row in rows if row.kind == "name"}
        self.assertEqual(names, {str(label): name for label, name in enumerate(fashion.CLASSES)})
        labels = fashion.read("train", self.root).labels
        for row in rows:
            if row.kind == "picture" and row.metadata["split"] == "train":
                self.assertEqual(row.metadata["class"], str(labels[int(row.event.rsplit(":", 1)[1])]))
        self.assertEqual(len({row.event for row in rows}), len(rows))


def _event_row(event: str, key: str, role: str = manifest.INGEST) -> manifest.Row:
    return manifest.Row(f"{event} {key}", event, "", "", "", {"kind": "picture"}, key, role)


class FoldsTest(unittest.TestCase):
    def test_events_that_share_content_are_together_also_through_a_third_one(self):
        rows = [_event_row("a:1", "x"), _event_row("a:2", "x"), _event_row("a:2", "y"), _event_row("a:3", "y")]
        rows += [_event_row(f"a:{number}", f"own {number}") for number in range(4, 50)]
        fold = folds.fold_of(rows)
        self.assertEqual(len({fold["a:1"], fold["a:2"], fold["a:3"]}), 1)
        self.assertEqual(set(fold.values()), {0, 1, 2, 3, 4})

    def test_links_group_too_and_what_is_never_uploaded_does_not(self):
        rows = [_event_row("a:1", "x"), _event_row("a:2", "y"), _event_row("a:3", "z")]
        rows += [_event_row(f"a:{number}", "the one sound", manifest.QUERY_ONLY) for number in (1, 2, 3)]
        groups = folds.groups_of(rows, [("a:1", "line"), ("a:2", "line")])
        self.assertEqual(groups["a:1"], groups["a:2"])
        self.assertNotEqual(groups["a:1"], groups["a:3"])

    def test_folds_are_level_in_every_corpus_and_do_not_depend_on_the_order(self):
        rows = [_event_row(f"{corpus}:{number}", f"{corpus} {number // 3}")
                for corpus, count in (("a", 150), ("b", 60)) for number in range(count)]
        fold = folds.fold_of(rows, 5)
        self.assertEqual(fold, folds.fold_of(rows[::-1], 5))
        sizes = collections.Counter((event[0], where) for event, where in fold.items())
        self.assertEqual(sizes, {(corpus, where): size
                                 for corpus, size in (("a", 30), ("b", 12)) for where in range(5)})


class EmergentTest(unittest.TestCase):
    def test_the_shipped_pairs_name_each_stamp_once_and_a_code_that_the_emoji_use(self):
        pairs = emergent.pairs()
        self.assertEqual((len(pairs), len({pair.stamp for pair in pairs})), (61, 61))
        self.assertEqual(len({pair.emoji for pair in pairs}), 54)
        self.assertEqual(len({pair.emoji for pair in emergent.pairs(listed_only=True)}), 40)
        for pair in pairs:
            self.assertEqual(pair.emoji, emoji.key_of(pair.emoji))
            self.assertTrue(tuxpaint.is_sound_effect(pair.stamp))


class PrepareTest(unittest.TestCase):
    def test_folds_are_said_in_the_metadata_when_asked_for(self):
        with tempfile.TemporaryDirectory() as folder:
            root = _stamps(pathlib.Path(folder), {"crow": "Un corbeau.", "owl": "Un hibou."})
            for count, expected in ((0, {None}), (2, {"0", "1"})):
                rows = prepare.prepare(pathlib.Path(folder) / "out", ("tuxpaint",), tuxpaint_root=root,
                                       fold_count=count)
                self.assertEqual({row.metadata.get("fold") for row in rows}, expected)

    def test_recorded_speech_and_what_is_never_uploaded_is_not_for_learning(self):
        def split(fold, kind="picture", role=manifest.INGEST, **more):
            metadata = {"corpus": "tuxpaint", "kind": kind, "fold": fold, **more}
            return prepare.split_of(manifest.Row("i", "e", "", "", "", metadata, "", role))

        self.assertEqual((split("0"), split("1"), split("4")), ("test", "train", "train"))
        self.assertEqual({split(fold, "speech") for fold in "01234"}, {"human"})
        self.assertEqual({split(fold, "track", manifest.QUERY_ONLY) for fold in "01234"}, {"test"})
        self.assertEqual({split(fold, split="train") for fold in "01234"}, {"train"})

    def test_a_sound_effect_is_told_which_emoji_shows_the_same_thing(self):
        with tempfile.TemporaryDirectory() as folder:
            root = _stamps(pathlib.Path(folder), {"owl": "Un hibou.", "crow": "Un corbeau."})
            for name in ("owl", "crow"):
                (root / f"{name}.ogg").write_bytes(name.encode())
            pair = emergent.Pair("owl", "1f989", "owl", True)
            with mock.patch.object(emergent, "pairs", lambda: [pair]):
                rows = prepare.prepare(pathlib.Path(folder) / "out", ("tuxpaint",), tuxpaint_root=root, fold_count=2)
        self.assertEqual({(row.metadata["stamp"], row.kind): row.metadata["concept"] for row in rows
                          if "concept" in row.metadata}, {("owl", "effect"): "1f989"})

    def test_a_quick_run_in_folds_keeps_the_stamps_of_emoji_that_it_keeps(self):
        stamps = [_event_row(f"tuxpaint:{number}", str(number)) for number in range(100)]
        tenth = prepare._quick_stamps(stamps, linked=False)
        missing = next(row for row in stamps if row not in tenth)
        codes = [f"{code:x}" for code in range(100)]
        kept = next(code for code in codes if prepare._kept_when_quick(f"emoji:{code}"))
        other = next(code for code in codes if not prepare._kept_when_quick(f"emoji:{code}"))
        for code, expected in ((kept, tenth + [missing]), (other, tenth)):
            pair = emergent.Pair(missing.event.partition(":")[2], code, "", True)
            with mock.patch.object(emergent, "pairs", lambda pair=pair: [pair]):
                linked = prepare._quick_stamps(stamps, linked=True)
            self.assertEqual({row.event for row in linked}, {row.event for row in expected})
        self.assertEqual(prepare._quick_stamps(stamps, linked=False), tenth)

    def test_the_quickstart_gets_what_it_always_got(self):
        self.assertEqual(prepare.CORPORA, ("tuxpaint", "wesnoth"))


class ManifestTest(unittest.TestCase):
    def test_what_is_written_is_read(self):
        row = manifest.Row("i", "e", "/p", "text/plain", "text", {"kind": "caption", "title": "crow \u2603"}, "k")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "m.jsonl"
            self.assertEqual(manifest.write([row], path), 1)
            self.assertEqual(list(manifest.read(path)), [row])

    def test_a_tenth_keeps_whole_groups_and_always_the_same(self):
        rows = [manifest.Row(f"{e}.{i}", f"event{e}", "", "", "", {}, "") for e in range(500) for i in range(3)]
        kept = manifest.tenth(rows)
        self.assertEqual(kept, manifest.tenth(rows))
        self.assertTrue(90 <= len(kept) <= 220, len(kept))
        self.assertTrue(all(sum(r.event == k.event for r in kept) == 3 for k in kept))


class DrawTest(unittest.TestCase):
    def test_a_sprite_of_any_size_fills_no_more_than_the_square(self):
        with tempfile.TemporaryDirectory() as folder:
            for size in ((1, 1), (72, 72), (400, 90)):
                path = pathlib.Path(folder) / "s.png"
                PIL.Image.new("RGBA", size, (255, 0, 0, 255)).save(path)
                self.assertEqual(len(clips.draw(path)), clips.SIZE * clips.SIZE * 3)


if __name__ == "__main__":
    unittest.main()
