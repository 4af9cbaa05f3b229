"""Emoji: a concept drawn in four styles, named and tagged in English, named in further languages, its English name spoken
by espeak-ng in five voices.

The packages come from npm, at the versions below, and are unpacked under the work folder.
"""

import json
import pathlib
from typing import Callable, Dict, Iterator, List, Optional

from tests.corpora import npm, voices
from tests.corpora.manifest import Row, sha256_hex

CORPUS = "emoji"
PACKAGES = ("emoji-datasource-google@16.0.0", "emoji-datasource-twitter@16.0.0", "openmoji@17.0.0",
            "@lobehub/fluent-emoji-3d@1.1.0", "emojibase-data@17.0.0")
# Style: folder of its drawings in the packages, ending, media type.
STYLES = {
    "google": ("emoji-datasource-google/img/google/64", ".png", "image/png"),
    "openmoji": ("openmoji/color/svg", ".svg", "image/svg+xml"),
    "fluent": ("@lobehub/fluent-emoji-3d/assets", ".webp", "image/webp"),
    "twitter": ("emoji-datasource-twitter/img/twitter/64", ".png", "image/png"),
}
# What is never learned from. `fluent` can be held out instead: a benchmark decides that by the metadata `style`.
TEST_STYLE = "twitter"
# Beside English; of Europe, since what is written without spaces is cut into other features.
NAMED_IN = ("da", "de", "es", "fr", "it", "pt", "ru")
TEST_VOICE = voices.TEST
_GROUPS_LEFT_OUT = (None, 2, 9)  # Without a group, components, flags.
# Drawings of openmoji that differ as files but not as pictures (all were rendered and compared): the left one has the
# content key of the right one. In the other styles equal pictures are equal files.
_DRAWN_AS = {
    "openmoji": {"1f9d1-200d-1f9b1": "1f468-200d-1f9b1", "1f6b6-200d-2642": "1f6b6", "1f93c-200d-2642": "1f93c"}}


def fetch(folder: pathlib.Path) -> pathlib.Path:
    """The folder with the unpacked packages, fetched by npm unless they are there in these versions."""
    return npm.fetch(folder, PACKAGES, "the emoji")


def key_of(code: str) -> str:
    """A hex code as all packages can be joined by it: lower case, without variation selectors."""
    return "-".join(piece for piece in code.lower().split("-") if piece != "fe0f")


def concepts(modules: pathlib.Path) -> Iterator[dict]:
    """Concepts that all styles draw: hex, label, tags, group; names by language; by style the drawing and whose content key
    it has."""
    drawings: Dict[str, Dict[str, pathlib.Path]] = {}
    for style, (folder, ending, _) in STYLES.items():
        drawings[style] = {key_of(path.name[:-len(ending)]): path for path in sorted((modules / folder).iterdir())
                           if path.name.endswith(ending)}
    names = {language: {key_of(entry["hexcode"]): entry["label"] for entry in _data(modules, language)}
             for language in NAMED_IN}
    for entry in _data(modules, "en"):
        code = key_of(entry["hexcode"])
        if entry.get("group") not in _GROUPS_LEFT_OUT and all(code in style for style in drawings.values()):
            yield {"hex": code, "label": entry["label"], "tags": entry.get("tags", []), "group": entry["group"],
                   "names": {language: labels[code] for language, labels in names.items() if code in labels},
                   "drawings": {style: paths[code] for style, paths in drawings.items()},
                   "sources": {style: paths[_DRAWN_AS.get(style, {}).get(code, code)]
                               for style, paths in drawings.items()}}


def _data(modules: pathlib.Path, language: str) -> List[dict]:
    return json.loads((modules / f"emojibase-data/{language}/data.json").read_text(encoding="utf-8"))


def rows(modules: pathlib.Path, work: pathlib.Path, keep: Callable[[str], bool] = lambda event: True,
         progress=lambda done, total: None) -> List[Row]:
    """All rows, by concept. Texts and speech become files under `work`."""
    kept = [concept for concept in concepts(modules) if keep(f"{CORPUS}:{concept['hex']}")]
    result: List[Row] = []
    spoken = []
    for concept in kept:
        result.extend(_written(concept, work))
        for voice in (*voices.LEARN, TEST_VOICE):
            path = work / "speech" / voice.replace("/", "_") / f"{concept['hex']}.wav"
            spoken.append(voices.Utterance(concept["label"], "en", voice, path))
    voices.speak_all(spoken, progress)
    by_hex = {concept["hex"]: concept for concept in kept}
    for utterance in spoken:
        concept = by_hex[utterance.path.stem]
        split = "test" if utterance.voice == TEST_VOICE else "train"
        metadata = {"kind": "speech", "voice": utterance.voice, "lang": "en", "split": split}
        if split == "train":
            metadata["phones"] = voices.phones(utterance.text, "en")
        result.append(_row(concept, utterance.path, "audio/wav", "audio", metadata, utterance.voice))
    place = {concept["hex"]: number for number, concept in enumerate(kept)}
    return sorted(result, key=lambda row: (place[row.metadata["concept"]], row.id))


def _written(concept: dict, work: pathlib.Path) -> Iterator[Row]:
    for style, (_, _, media_type) in STYLES.items():
        split = "test" if style == TEST_STYLE else "train"
        yield _row(concept, concept["drawings"][style], media_type, "image",
                   {"kind": "picture", "style": style, "split": split}, style, concept["sources"][style])
    texts = [("name", "en", concept["label"]), ("tags", "en", ", ".join([concept["label"], *concept["tags"]]))]
    texts += [("name", language, name) for language, name in concept["names"].items()]
    for kind, language, text in texts:
        detail = "" if language == "en" else language
        path = work / "texts" / ".".join(filter(None, (concept["hex"], kind, detail, "txt")))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        yield _row(concept, path, "text/plain", "text", {"kind": kind, "lang": language, "split": "train"}, detail)


def _row(concept: dict, path: pathlib.Path, media_type: str, modality: str, metadata: Dict[str, str],
         detail: str = "", source: Optional[pathlib.Path] = None) -> Row:
    """`source` is the file whose bytes are the content key, if it is another one."""
    name = ":".join(part for part in (CORPUS, concept["hex"], metadata["kind"], detail) if part)
    common = {"corpus": CORPUS, "concept": concept["hex"], "title": concept["label"], "category": str(concept["group"])}
    return Row(id=name, event=f"{CORPUS}:{concept['hex']}", path=str(path), media_type=media_type, modality=modality,
               metadata={**common, **metadata}, content_key=sha256_hex((source or path).read_bytes()))
