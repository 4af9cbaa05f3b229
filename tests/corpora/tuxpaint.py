"""Tux Paint stamps: a picture, its captions, its spoken captions and its sound effect are one event."""

import dataclasses
import pathlib
import re
from typing import Dict, Iterator, List, Optional

from tests.corpora.manifest import Row, sha256_hex

CORPUS = "tuxpaint"
DEFAULT_ROOT = pathlib.Path("/usr/share/tuxpaint/stamps")
# Languages of the captions that are uploaded: four scripts, all with at least 947 of 950 captions.
CAPTION_LANGUAGES = ("en", "fr", "es", "ru", "de", "el")
# Languages of the spoken captions that are uploaded.
SPEECH_LANGUAGES = ("en", "fr", "es", "ru")

_SPEECH = re.compile(r"_desc(?:_([A-Za-z_]+))?(?:\.ogg)?$")
_PICTURES = ((".png", "image/png"), (".svg", "image/svg+xml"))
_SOUNDS = ((".ogg", "audio/ogg"), (".wav", "audio/wav"))


def parse_captions(text: str) -> Dict[str, str]:
    """Language to caption. The first line is English; the others read `fr.utf8=Un corbeau.`; empty ones are left out."""
    lines = text.split("\n")
    captions = {"en": lines[0]}
    for line in lines[1:]:
        language, mark, caption = line.partition(".utf8=")
        if mark:
            captions.setdefault(language.strip(), caption)
    cleaned = {language: caption.strip(" \t\r|﻿") for language, caption in captions.items()}
    return {language: caption for language, caption in cleaned.items() if caption}


def speech_language(stem: str) -> Optional[str]:
    """`crow_desc_fr` is French, `crow_desc` English; None if the file is no spoken caption."""
    match = _SPEECH.search(stem)
    if not match:
        return None
    return match[1] or "en"


def is_sound_effect(stem: str) -> bool:
    """Sounds of symbols are spoken letters, digits and moods, not effects."""
    return not stem.startswith("symbols/")


@dataclasses.dataclass
class Stamp:
    name: str  # Path without ending.
    captions: Dict[str, str]  # By language.
    speech: Dict[str, pathlib.Path]  # By language.


def _scan(root: pathlib.Path):
    """All files by name, and the spoken captions by stamp and language."""
    files: Dict[str, pathlib.Path] = {}
    speech: Dict[str, Dict[str, pathlib.Path]] = {}
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        stem = path.relative_to(root).with_suffix("").as_posix()
        language = speech_language(stem) if path.suffix in (".ogg", ".wav") else None
        if language:
            speech.setdefault(_SPEECH.sub("", stem), {}).setdefault(language, path)
        else:
            files[stem + path.suffix] = path
    return files, speech


def stamps(root: pathlib.Path) -> Iterator[Stamp]:
    """Every stamp with a text, with all its languages."""
    files, speech = _scan(root)
    for name, path in sorted(files.items()):
        if name.endswith(".txt"):
            stem = name[:-len(".txt")]
            yield Stamp(stem, parse_captions(path.read_text(encoding="utf-8", errors="replace")), speech.get(stem, {}))


def rows(root: pathlib.Path, work: pathlib.Path) -> List[Row]:
    """All rows, by event. Captions become files under `work`."""
    files, speech = _scan(root)
    result: List[Row] = []
    # A picture without captions is the mirror image of another one: not a thing of its own.
    for stem in sorted(name[: -len(".txt")] for name in files if name.endswith(".txt")):
        result.extend(_stamp(stem, files, speech.get(stem, {}), work))
    return result


def _stamp(stem: str, files: Dict[str, pathlib.Path], speech: Dict[str, pathlib.Path],
           work: pathlib.Path) -> Iterator[Row]:
    picture = next(((files[stem + end], media) for end, media in _PICTURES if stem + end in files), None)
    if picture is None:
        return
    captions = parse_captions(files[stem + ".txt"].read_text(encoding="utf-8", errors="replace"))
    common = {"corpus": CORPUS, "stamp": stem, "category": stem.rsplit("/", 1)[0], "title": captions.get("en", stem)}
    yield _row(stem, picture[0], picture[1], "image", {**common, "kind": "picture"})
    for language in CAPTION_LANGUAGES:
        if language in captions:
            path = _write_caption(work, stem, language, captions[language])
            yield _row(stem, path, "text/plain", "text", {**common, "kind": "caption", "lang": language}, language)
    for language in SPEECH_LANGUAGES:
        if language in speech:
            media = "audio/wav" if speech[language].suffix == ".wav" else "audio/ogg"
            yield _row(stem, speech[language], media, "audio", {**common, "kind": "speech", "lang": language}, language)
    for end, media in _SOUNDS:
        if stem + end in files and is_sound_effect(stem):
            yield _row(stem, files[stem + end], media, "audio", {**common, "kind": "effect"})


def _write_caption(work: pathlib.Path, stem: str, language: str, caption: str) -> pathlib.Path:
    path = work / "captions" / f"{stem}.{language}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(caption, encoding="utf-8")
    return path


def _row(stem: str, path: pathlib.Path, media_type: str, modality: str, metadata: Dict[str, str],
         detail: str = "") -> Row:
    name = ":".join(part for part in (CORPUS, stem, metadata["kind"], detail) if part)
    return Row(id=name, event=f"{CORPUS}:{stem}", path=str(path), media_type=media_type, modality=modality,
               metadata=metadata, content_key=sha256_hex(path.read_bytes()))
