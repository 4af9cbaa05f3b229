"""Synthetic speech by espeak-ng and flite, kept in files."""

import concurrent.futures
import dataclasses
import functools
import pathlib
import shutil
import subprocess
from typing import Iterable, List

# A voice is VARIANT/WORDS-A-MINUTE/PITCH of espeak-ng (pitch 0 to 99), or flite_NAME.
# Two male and two female ones, slow and fast, low and high.
LEARN = ("m3/160/50", "f2/175/60", "m7/145/40", "f4/190/55")
# Another timbre, speed and pitch than any voice that is learned from.
TEST = "f3/165/45"
# More of them, for the ladder from synthetic to human speech.
MANY = LEARN + ("m1/170/35", "f1/150/70", "m5/185/60", "f5/160/50", "croak/165/45", "m2/140/65", "m6/200/50",
                "Andy/155/55", "klatt/150/40", "klatt2/170/60", "klatt4/130/50", "Annie/165/55")
FLITE = ("flite_slt", "flite_rms", "flite_awb")


@dataclasses.dataclass(frozen=True)
class Utterance:
    text: str
    language: str
    voice: str
    path: pathlib.Path


def speak(utterance: Utterance) -> None:
    """Writes the file, unless it is there. CalledProcessError if the synthesiser refuses."""
    if utterance.path.exists():
        return
    utterance.path.parent.mkdir(parents=True, exist_ok=True)
    part = utterance.path.with_suffix(".part.wav")
    if utterance.voice.startswith("flite_"):
        command = ["flite", "-voice", utterance.voice[len("flite_"):], "-t", utterance.text, "-o", str(part)]
    else:
        variant, speed, pitch = utterance.voice.split("/")
        command = ["espeak-ng", "-v", f"{utterance.language}+{variant}", "-s", speed, "-p", pitch, "-w", str(part),
                   "--", utterance.text]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    part.replace(utterance.path)


def speak_all(utterances: Iterable[Utterance], progress=lambda done, total: None) -> None:
    """Speaks all of them, two at a time."""
    todo: List[Utterance] = list(utterances)
    missing = [utterance for utterance in todo if not utterance.path.exists()]
    for program in sorted({"flite" if item.voice.startswith("flite_") else "espeak-ng" for item in missing}):
        if not shutil.which(program):
            raise SystemExit(f"corpora: {program} is not there; deploy/install-deps --learning installs it")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done, _ in enumerate(pool.map(speak, todo), 1):
            progress(done, len(todo))


# What stands between the sounds in espeak-ng's phonemes: stress, length, pauses, marks of syllables.
_MARKS = str.maketrans("", "", "',_:;|%=!- \n")


@functools.lru_cache(maxsize=None)
def phones(text: str, language: str) -> str:
    """How espeak-ng pronounces the text, a character or two a sound, nothing else."""
    spoken = subprocess.run(["espeak-ng", "-q", "-x", "-v", language, "--", text], check=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, encoding="utf-8")
    return spoken.stdout.translate(_MARKS)
