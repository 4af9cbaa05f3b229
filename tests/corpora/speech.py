"""The speech ladder: captions of Tux Paint stamps in ten languages, spoken by synthetic voices to learn from.

The tests: an unseen voice of the same synthesiser, another synthesiser, and people.
"""

import collections
import pathlib
from typing import Callable, Dict, List, Optional, Set

from tests.corpora import tuxpaint, voices
from tests.corpora.manifest import Row, bucket, sha256_hex

CORPUS = "speech"
LANGUAGES = ("fr", "ru", "da", "ro", "bg", "ca", "es", "en", "el", "be")
CANDIDATES = 60    # Captions of a language that human recordings are looked for among.
MORE = 300         # Further captions of a language, at most, that are only learned from,
VOICES_OF_MORE = 4  # in so many voices of espeak-ng each.
NATURAL = 15       # Voices of Kokoro for a candidate,
ONE_NATURAL_OF = 3   # one for every third of the further captions.
# People who name what they see leave out how captions begin: "owl" for "An owl.". So captions are spoken without the words
# that begin, or end, one in so many of their language too, where at least so many do,
ONE_COMMON_OF, COMMON = 50, 3
SHORT_OF_CANDIDATE, SHORT_OF_MORE, SHORT_NATURAL = 8, 2, 5  # in so many voices; the last: of Kokoro for a candidate.
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
            whole = utterance.text == event["caption"]
            result.append(_row(event, utterance.path, "audio/wav", "audio", metadata,
                               utterance.voice if whole else f"short:{utterance.voice}"))
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
            candidates.append((stamp.name, caption, recording))
        elif len(more) < MORE:
            more.append((stamp.name, caption, None))
        else:
            continue
        captions.add(caption.casefold())
    chosen = candidates + more
    short = short_forms([caption for _, caption, _ in chosen])
    return [_event(name, language, caption, short.get(caption), recording, work, natural)
            for name, caption, recording in chosen]


def short_forms(captions: List[str]) -> Dict[str, str]:
    """What is left of the captions of one language without common beginnings and ends, at least a word; of those that have any."""
    def openings(words: List[str]) -> List[tuple]:
        return [tuple(word.casefold() for word in words[:count]) for count in range(1, len(words))]

    def common(words_of: List[List[str]]) -> List[int]:
        shared = collections.Counter(opening for words in words_of for opening in openings(words))
        enough = max(COMMON, len(captions) / ONE_COMMON_OF)
        return [sum(shared[opening] >= enough for opening in openings(words)) for words in words_of]

    words_of = [caption.split() for caption in captions]
    words_of = [words[count:] for words, count in zip(words_of, common(words_of))]
    backwards = [words[::-1] for words in words_of]
    words_of = [words[count:][::-1] for words, count in zip(backwards, common(backwards))]
    short = {caption: " ".join(words) for caption, words in zip(captions, words_of)}
    return {caption: left for caption, left in short.items() if left != " ".join(caption.split())}


def _voices(place: str, of_espeak: int, of_kokoro: Optional[int]) -> List[str]:
    """So many voices of each synthesiser (None: one of Kokoro at one place in `ONE_NATURAL_OF`); which depends on the place alone."""
    first = bucket(place, len(voices.MANY), "voices")
    # 5 shares no factor with 16: all of them before one comes back.
    chosen = [voices.MANY[(first + 5 * step) % len(voices.MANY)] for step in range(of_espeak)]
    if of_kokoro is None:
        of_kokoro = int(bucket(place, ONE_NATURAL_OF, "natural") == 0)
    return chosen + voices.of_kokoro(place, of_kokoro)


def _spoken(text: str, place: str, language: str, of_espeak: int, of_kokoro: Optional[int],
            folder: pathlib.Path) -> List[voices.Utterance]:
    """The text in so many voices (see _voices), and in its language's other accent by as many."""
    said = _voices(place, of_espeak, of_kokoro)
    if language in ACCENTS:
        said += [voices.with_accent(voice, ACCENTS[language])
                 for voice in _voices(f"{place}/{ACCENTS[language]}", of_espeak, of_kokoro)]
    return [voices.Utterance(text, language, voice, _speech_path(folder, voice, place)) for voice in said]


def _event(stamp: str, language: str, caption: str, short: Optional[str], human: Optional[pathlib.Path],
           work: pathlib.Path, natural: bool) -> dict:
    place = f"{language}/{stamp}"
    caption_path = work / "captions" / f"{place}.txt"
    caption_path.parent.mkdir(parents=True, exist_ok=True)
    caption_path.write_text(caption, encoding="utf-8")

    whole, shortened = (VOICES_OF_MORE, None), (SHORT_OF_MORE, None)
    if human is not None:
        whole, shortened = (len(voices.MANY), NATURAL), (SHORT_OF_CANDIDATE, SHORT_NATURAL)
    speech = []
    for text, counts, folder in ((caption, whole, "speech"), (short, shortened, "short")):
        if text is not None:
            of_espeak, of_kokoro = counts
            speech += [(utterance, "train") for utterance in
                       _spoken(text, place, language, of_espeak, of_kokoro if natural else 0, work / folder)]
    if human is not None:
        tests = (voices.TEST,) + (voices.FLITE if language == "en" else ())
        speech += [(voices.Utterance(caption, language, voice, _speech_path(work / "speech", voice, place)), "test")
                   for voice in tests]
    return {
        "event": f"{CORPUS}:{language}:{stamp}", "stamp": stamp, "language": language, "caption": caption,
        "caption_path": caption_path, "human": human, "pool": "candidate" if human is not None else "more", "speech": speech,
    }


def _speech_path(folder: pathlib.Path, voice: str, place: str) -> pathlib.Path:
    return folder / voice.replace("/", "_") / f"{place}.wav"


def _row(event: dict, path: pathlib.Path, media_type: str, modality: str, metadata: Dict[str, str],
         detail: str = "") -> Row:
    name = ":".join(part for part in (event["event"], metadata["kind"], detail) if part)
    common = {"corpus": CORPUS, "stamp": event["stamp"], "lang": event["language"], "title": event["caption"],
              "pool": event["pool"]}
    return Row(id=name, event=event["event"], path=str(path), media_type=media_type, modality=modality,
               metadata={**common, **metadata}, content_key=sha256_hex(path.read_bytes()))
