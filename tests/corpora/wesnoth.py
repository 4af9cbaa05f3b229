"""Units of The Battle for Wesnoth: portrait, sprite, description, statistics and attack clips of a unit are one event."""

import dataclasses
import pathlib
import re
from typing import Dict, Iterator, List, Optional, Tuple

from tests.corpora import wml
from tests.corpora.clips import Clip, read_clips, render_all
from tests.corpora.folds import Groups
from tests.corpora.manifest import QUERY_ONLY, Row, bucket, sha256_hex

CORPUS = "wesnoth"
DEFAULT_ROOT = pathlib.Path("/usr/share/games/wesnoth/1.16")
CLIPS_FILE = pathlib.Path(__file__).with_name("data") / "wesnoth_clips.tsv"
HELD_OUT_FIFTH = 0  # Of the five folds, the one whose clips lose their sound tracks.


@dataclasses.dataclass
class Unit:
    """A unit type, or its female form or variation, with the keys of the base where it has none of its own."""

    id: str  # "Elvish Archer", "Elvish Archer#female:female", "Soulless#variation:bat"
    keys: Dict[str, str]
    attacks: List[Dict[str, str]]


def read_units(units_folder: pathlib.Path) -> List[Unit]:
    units: List[Unit] = []
    for path in sorted(units_folder.rglob("*.cfg")):
        root = wml.parse(path.read_text(encoding="utf-8"))
        for tag in root.walk():
            if tag.name == "unit_type" and "id" in tag.keys:
                units.extend(_forms(tag))
    return units


def _forms(tag: wml.Tag) -> Iterator[Unit]:
    attacks = [attack.keys for attack in tag.all("attack")]
    base = Unit(tag.keys["id"], dict(tag.keys), attacks)
    yield base
    for kind, naming in (("female", "gender"), ("variation", "variation_id")):
        for form in tag.all(kind):
            keys = {**base.keys, **form.keys}
            yield Unit(f"{base.id}#{kind}:{keys.get(naming, kind)}", keys,
                       [attack.keys for attack in form.all("attack")] or attacks)


def image_path(root: pathlib.Path, reference: str) -> Optional[pathlib.Path]:
    """`units/x/archer.png~CROP(...):100` names a file under one of the game's two image folders."""
    name = re.split(r"[~:]", reference, maxsplit=1)[0]
    if not name.endswith(".png"):
        return None
    for folder in (root / "data/core/images", root / "images"):
        if (folder / name).is_file():
            return folder / name
    return None


def statistics_text(unit: Unit) -> str:
    """A small table as text: the numbers of the unit and one line for each attack."""
    lines = [unit.keys.get("name", unit.id)]
    for key in ("race", "level", "hitpoints", "movement", "movement_type", "cost", "experience", "alignment"):
        if key in unit.keys:
            lines.append(f"{key.replace('_', ' ')}: {unit.keys[key]}")
    for attack in unit.attacks:
        lines.append("attack: {} {} {}x{} {}".format(*(attack.get(key, "?") for key in
                                                      ("name", "range", "damage", "number", "type"))))
    return "\n".join(lines)


def held_out_units(clips: List[Clip]) -> Dict[str, bool]:
    """For each unit with clips whether it is held out: about a fifth, and units that share a frame go together."""
    groups = Groups()
    for clip in clips:
        groups.join("unit:" + clip.unit, "unit:" + clip.unit.split("#")[0])
        for frame in clip.frames:
            groups.join("unit:" + clip.unit, "frame:" + sha256_hex(frame.path.read_bytes()))
    return {clip.unit: bucket(groups.find("unit:" + clip.unit), 5, "held-out") == HELD_OUT_FIFTH for clip in clips}


def links(root: pathlib.Path) -> Iterator[Tuple[str, str]]:
    """Pairs of an event and of what it shares with others: its base form, the line it advances in, a clip's frame."""
    for unit in read_units(root / "data/core/units"):
        yield _event(unit.id), unit.id.split("#")[0]
        for name in unit.keys.get("advances_to", "").split(","):
            if name.strip() not in ("", "null"):
                yield _event(unit.id), name.strip()
    for clip in read_clips(CLIPS_FILE, root):
        yield _event(clip.unit), clip.unit.split("#")[0]
        for frame in clip.frames:
            yield _event(clip.unit), "frame:" + sha256_hex(frame.path.read_bytes())


def rows(root: pathlib.Path, work: pathlib.Path, keep=lambda event: True,
         progress=lambda done, total: None) -> List[Row]:
    """All rows of the events that `keep` accepts, by event. Renders their clips into `work` unless they are there."""
    clips = read_clips(CLIPS_FILE, root)
    held_out = held_out_units(clips)
    by_unit: Dict[str, List[Clip]] = {}
    for clip in clips:
        by_unit.setdefault(clip.unit, []).append(clip)
    units = [unit for unit in read_units(root / "data/core/units") if keep(_event(unit.id))]
    units = _with_clips_only(units, by_unit, keep)
    render_all([clip for unit in units for clip in by_unit.get(unit.id, [])],
               work / "clips", {name for name, held in held_out.items() if held}, progress)
    result: List[Row] = []
    for unit in units:
        result.extend(_unit_rows(unit, root, work))
        for clip in by_unit.get(unit.id, []):
            result.extend(_clip_rows(clip, work / "clips", held_out[unit.id]))
    return result


def _with_clips_only(units: List[Unit], by_unit: Dict[str, List[Clip]], keep) -> List[Unit]:
    """Adds units that only the clip table knows (a form that a macro of another file makes)."""
    known = {unit.id for unit in units}
    extra = sorted(name for name in by_unit if name not in known and keep(_event(name)))
    return units + [Unit(name, {"race": by_unit[name][0].race}, []) for name in extra]


def _event(unit_id: str) -> str:
    return f"{CORPUS}:{unit_id}"


def _unit_rows(unit: Unit, root: pathlib.Path, work: pathlib.Path) -> Iterator[Row]:
    common = {"corpus": CORPUS, "unit": unit.id, "race": unit.keys.get("race", ""),
              "title": unit.keys.get("name") or unit.id}
    for kind, key in (("portrait", "profile"), ("sprite", "image")):
        path = image_path(root, unit.keys.get(key, ""))
        if path:
            yield _row(unit.id, path, "image/png", "image", {**common, "kind": kind})
    if unit.keys.get("description"):
        path = _write(work / "texts", unit.id, "description", unit.keys["description"])
        yield _row(unit.id, path, "text/plain", "text", {**common, "kind": "description", "lang": "en"})
    if unit.attacks:
        path = _write(work / "texts", unit.id, "statistics", statistics_text(unit))
        yield _row(unit.id, path, "text/plain", "text", {**common, "kind": "statistics", "lang": "en"})


def _clip_rows(clip: Clip, folder: pathlib.Path, held_out: bool) -> Iterator[Row]:
    metadata = {"corpus": CORPUS, "unit": clip.unit, "race": clip.race, "kind": "clip", "label": clip.label,
                "take": clip.sound.name, "sound": "no" if held_out else "yes", "title": f"{clip.unit.split('#')[0]}: {clip.label}"}
    video = folder / (clip.id + (".silent.mp4" if held_out else ".mp4"))
    yield Row(id=f"{CORPUS}:clip:{clip.id}", event=_event(clip.unit), path=str(video), media_type="video/mp4",
              modality="video", metadata=metadata, content_key=clip.id)
    # The sound track by itself is never uploaded: of an ingested clip it is the source of altered queries.
    yield Row(id=f"{CORPUS}:track:{clip.id}", event=_event(clip.unit), path=str(folder / (clip.id + ".wav")),
              media_type="audio/wav", modality="audio", metadata={**metadata, "kind": "track"},
              content_key=sha256_hex(clip.sound.read_bytes()), role=QUERY_ONLY)


def _write(folder: pathlib.Path, unit_id: str, kind: str, text: str) -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (re.sub(r"[^A-Za-z0-9]+", "_", unit_id) + f".{kind}.txt")
    path.write_text(text, encoding="utf-8")
    return path


def _row(unit_id: str, path: pathlib.Path, media_type: str, modality: str, metadata: Dict[str, str]) -> Row:
    return Row(id=f"{CORPUS}:{metadata['kind']}:{unit_id}", event=_event(unit_id), path=str(path),
               media_type=media_type, modality=modality, metadata=metadata, content_key=sha256_hex(path.read_bytes()))
