"""Synthetic speech by espeak-ng, flite and Kokoro, kept in files."""

import concurrent.futures
import dataclasses
import functools
import pathlib
import shutil
import subprocess
from typing import Callable, Iterable, List, Optional

from tests.corpora import kokoro
from tests.corpora.manifest import bucket

# A voice is VARIANT/WORDS-A-MINUTE/PITCH of espeak-ng (pitch 0 to 99), flite_NAME, or kokoro_SPEAKER/PERCENT of its speed;
# one of espeak-ng or Kokoro may end in @ACCENT, a language of espeak-ng that is spoken instead of the text's.
# Two male and two female ones, slow and fast, low and high.
LEARN = ("m3/160/50", "f2/175/60", "m7/145/40", "f4/190/55")
# Another timbre, speed and pitch than any voice that is learned from.
TEST = "f3/165/45"
# More of them, for the ladder from synthetic to human speech.
MANY = LEARN + ("m1/170/35", "f1/150/70", "m5/185/60", "f5/160/50", "croak/165/45", "m2/140/65", "m6/200/50",
                "Andy/155/55", "klatt/150/40", "klatt2/170/60", "klatt4/130/50", "Annie/165/55")
FLITE = ("flite_slt", "flite_rms", "flite_awb")
_FLITE, _KOKORO = "flite_", "kokoro_"
_KOKORO_SPEEDS = (85, 100, 115)


@dataclasses.dataclass(frozen=True)
class Utterance:
    text: str
    language: str
    voice: str
    path: pathlib.Path

    @property
    def spoken_by(self) -> str:
        """The voice without an accent."""
        return self.voice.partition("@")[0]

    @property
    def accent(self) -> str:
        """The language of espeak-ng whose sounds are spoken."""
        return self.voice.partition("@")[2] or self.language


def with_accent(voice: str, accent: str) -> str:
    return f"{voice}@{accent}"


def of_kokoro(place: str, count: int) -> List[str]:
    """So many of its speakers, each at a speed of its own; which ones depends on the place alone."""
    first = bucket(place, len(kokoro.SPEAKERS), "speakers")
    # 17 shares no factor with 54, so speakers come back only after all of them.
    return [f"{_KOKORO}{kokoro.SPEAKERS[(first + 17 * step) % len(kokoro.SPEAKERS)]}"
            f"/{_KOKORO_SPEEDS[(first + step) % len(_KOKORO_SPEEDS)]}" for step in range(count)]


def speak(utterance: Utterance) -> None:
    """Writes the file by flite or espeak-ng, unless it is there. CalledProcessError if the synthesiser refuses."""
    if utterance.path.exists():
        return
    utterance.path.parent.mkdir(parents=True, exist_ok=True)
    part = utterance.path.with_suffix(".part.wav")
    if utterance.voice.startswith(_FLITE):
        command = ["flite", "-voice", utterance.voice[len(_FLITE):], "-t", utterance.text, "-o", str(part)]
    else:
        variant, speed, pitch = utterance.spoken_by.split("/")
        command = ["espeak-ng", "-v", f"{utterance.accent}+{variant}", "-s", speed, "-p", pitch, "-w", str(part),
                   "--", utterance.text]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    part.replace(utterance.path)


def speak_all(utterances: Iterable[Utterance], progress: Callable[[int, int], None] = lambda done, total: None,
              kokoro_folder: Optional[pathlib.Path] = None) -> None:
    """Speaks all of them, two at a time. Kokoro is installed in its folder when one of its voices is asked for."""
    todo: List[Utterance] = list(utterances)
    missing = [utterance for utterance in todo if not utterance.path.exists()]
    natural = [utterance for utterance in missing if utterance.voice.startswith(_KOKORO)]
    others = [utterance for utterance in missing if not utterance.voice.startswith(_KOKORO)]
    for program in sorted({"flite" if item.voice.startswith(_FLITE) else "espeak-ng" for item in others}):
        if not shutil.which(program):
            raise SystemExit(f"corpora: {program} is not there; deploy/install-deps --learning installs it")
    already = len(todo) - len(missing)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done, _ in enumerate(pool.map(speak, others), 1):
            progress(already + done, len(todo))
        jobs = list(pool.map(_kokoro_job, natural))
    if jobs:
        if kokoro_folder is None:
            raise ValueError("voices of Kokoro need its folder")
        kokoro.fetch(kokoro_folder)
        kokoro.speak_all(kokoro_folder, jobs, lambda done: progress(already + len(others) + done, len(todo)))


def _kokoro_job(utterance: Utterance) -> dict:
    speaker, percent = utterance.spoken_by[len(_KOKORO):].split("/")
    return {"phonemes": kokoro.phonemes(utterance.text, utterance.accent), "speaker": speaker,
            "speed": int(percent) / 100, "path": str(utterance.path)}


# What stands between the sounds in espeak-ng's phonemes: stress, length, pauses, marks of syllables.
_MARKS = str.maketrans("", "", "',_:;|%=!- \n")


@functools.lru_cache(maxsize=None)
def phones(text: str, language: str) -> str:
    """How espeak-ng pronounces the text, a character or two a sound, nothing else."""
    spoken = subprocess.run(["espeak-ng", "-q", "-x", "-v", language, "--", text], check=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, encoding="utf-8")
    return spoken.stdout.translate(_MARKS)
