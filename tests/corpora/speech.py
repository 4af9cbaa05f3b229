"""The speech ladder: captions of Tux Paint stamps in ten languages, spoken by synthetic voices to learn from.

The tests: an unseen voice of the same synthesiser, another synthesiser, and people.
"""

import pathlib
from typing import Callable, Dict, List, Set

from tests.corpora import tuxpaint, voices
from tests.corpora.manifest import Row, bucket, sha256_hex

CORPUS = "speech"
LANGUAGES = ("fr", "ru", "da", "ro", "bg", "ca", "es", "en", "el", "be")
CANDIDATES = 60    # Captions of a language that human recordings are looked for among.
MORE = 300         # Further captions of a language, at most, that are only learned from,
VOICES_OF_MORE = 4  # in so many voices of espeak-ng each.
NATURAL = 15       # Voices of Kokoro for a candidate,
ONE_NATURAL_OF = 3   # one for every third of the further captions.
# What is spoken on two continents is spoken in both ways, by as many voices each.
ACCENTS = {"en": "en-us", "es": "es-419"}


def rows(root: pathlib.Path, work: pathlib.Path, keep: Callable[[str], bool] = lambda event: True,
         progress=lambda done, total: None, natural: bool = True) -> List[Row]:
    """All rows, by caption. An event is one caption in one language. Without `natural`, no voices of Kokoro."""
    stamps = list(tuxpaint.stamps(root))
    events, spoken = [], []
    for language in LANGUAGES:
        events += [event for event in _events(stamps, language, work, natural) if keep(event["event"])]
    for event in events:
        spoken += [utterance for utterance, _ in event["speech"]]
    voices.speak_all(spoken, progress, work / "kokoro")
    result: List[Row] = []
    for event in events:
        result.append(_row(event, event["caption_path"], "text/plain", "text", {"kind": "caption", "split": "train"}))
        if event["human"] is not None:
            media_type = "audio/wav" if event["human"].suffix == ".wav" else "audio/ogg"
            result.append(_row(event, event["human"], media_type, "audio",
                               {"kind": "speech", "voice": "human", "split": "test"}, "human"))
        for utterance, split in event["speech"]:
            metadata = {"kind": "speech", "voice": utterance.voice, "split": split}
            if split == "train":
                metadata["phones"] = voices.phones(utterance.text, utterance.accent)
            result.append(_row(event, utterance.path, "audio/wav", "audio", metadata, utterance.voice))
    return result


def _events(stamps: List["tuxpaint.Stamp"], language: str, work: pathlib.Path, natural: bool) -> List[dict]:
    """Candidates first: distinct captions with distinct recordings, in the order of a hash; then further captions."""
    captions: Set[str] = set()
    recordings: Set[str] = set()
    candidates, more = [], []
    for stamp in sorted(stamps, key=lambda stamp: sha256_hex(f"{CORPUS}:{language}:{stamp.name}".encode())):
        caption, recording = stamp.captions.get(language), stamp.speech.get(language)
        if caption is None or caption.casefold() in captions:
            continue
        if recording is not None and len(candidates) < CANDIDATES:
            key = sha256_hex(recording.read_bytes())
            if key in recordings:
                continue
            recordings.add(key)
            candidates.append(_event(stamp.name, language, caption, recording, work, natural))
        elif len(more) < MORE:
            more.append(_event(stamp.name, language, caption, None, work, natural))
        else:
            continue
        captions.add(caption.casefold())
    return candidates + more


def _voices(place: str, candidate: bool, natural: bool) -> List[str]:
    """What a caption is learned from: all voices of espeak-ng for a candidate, some for others; so many of Kokoro."""
    chosen = list(voices.MANY)
    if not candidate:
        first = bucket(place, len(chosen), "voices")
        chosen = [chosen[(first + 5 * step) % len(chosen)] for step in range(VOICES_OF_MORE)]
    if natural:
        chosen += voices.of_kokoro(place, NATURAL if candidate else int(bucket(place, ONE_NATURAL_OF, "natural") == 0))
    return chosen


def _event(stamp: str, language: str, caption: str, human, work: pathlib.Path, natural: bool) -> dict:
    place = f"{language}/{stamp}"
    caption_path = work / "captions" / f"{place}.txt"
    caption_path.parent.mkdir(parents=True, exist_ok=True)
    caption_path.write_text(caption, encoding="utf-8")
    learn = _voices(place, human is not None, natural)
    if language in ACCENTS:
        learn += [voices.with_accent(voice, ACCENTS[language])
                  for voice in _voices(f"{place}/{ACCENTS[language]}", human is not None, natural)]
    speech = [(voice, "train") for voice in learn]
    if human is not None:
        speech.append((voices.TEST, "test"))
        if language == "en":
            speech += [(voice, "test") for voice in voices.FLITE]
    return {
        "event": f"{CORPUS}:{language}:{stamp}", "stamp": stamp, "language": language, "caption": caption,
        "caption_path": caption_path, "human": human, "pool": "candidate" if human is not None else "more",
        "speech": [(voices.Utterance(caption, language, voice, _speech_path(work, voice, place)), split)
                   for voice, split in speech],
    }


def _speech_path(work: pathlib.Path, voice: str, place: str) -> pathlib.Path:
    return work / "speech" / voice.replace("/", "_") / f"{place}.wav"


def _row(event: dict, path: pathlib.Path, media_type: str, modality: str, metadata: Dict[str, str],
         detail: str = "") -> Row:
    name = ":".join(part for part in (event["event"], metadata["kind"], detail) if part)
    common = {"corpus": CORPUS, "stamp": event["stamp"], "lang": event["language"], "title": event["caption"],
              "pool": event["pool"]}
    return Row(id=name, event=event["event"], path=str(path), media_type=media_type, modality=modality,
               metadata={**common, **metadata}, content_key=sha256_hex(path.read_bytes()))
