"""What the corpora promise, checked on small fabricated inputs: no game data is needed."""

import pathlib
import tempfile
import unittest

import PIL.Image

from tests.corpora import clips, manifest, tuxpaint, wesnoth, wml


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
