"""Attack clips: sprite frames with their times and one sound at its offset, rendered to H.264 + AAC in MP4.

Frames lie on a plain ground, enlarged by whole numbers without smoothing. The last frame is held until a length that does
not depend on the sound: else a silent clip would tell by its length which sound was taken away.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import re
import subprocess
from typing import Callable, List, Set

import PIL.Image

from tests.corpora.manifest import bucket, sha256_hex

SIZE = 144  # Pixels, both ways.
FRAMES_PER_SECOND = 25
MIN_SECONDS = 2.0  # Only nine clips sound for longer: their sound is cut there.
MAX_SECONDS = 8.0
_GROUND = (96, 116, 84)
_RENDERER = "3"  # Part of every clip's id: raise it when the picture or sound of a clip changes.


@dataclasses.dataclass
class Frame:
    path: pathlib.Path
    milliseconds: int


@dataclasses.dataclass
class Clip:
    """One attack animation. `label` is the sound file's name without ending and take number, e.g. "sword"."""

    id: str
    unit: str
    race: str
    frames: List[Frame]
    sound_at_ms: int
    sound: pathlib.Path
    label: str


def label_of(sound_name: str) -> str:
    return re.sub(r"-\d+$", "", pathlib.PurePath(sound_name).stem)


def read_clips(table: pathlib.Path, root: pathlib.Path) -> List[Clip]:
    """Reads the table; of several takes of a sound one is taken by the fixed rule."""
    clips: List[Clip] = []
    for line in table.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        unit, race, frames, sound_at, sounds = line.split("\t")
        clip_id = re.sub(r"[^A-Za-z0-9]+", "-", unit).lower() + "-" + sha256_hex((_RENDERER + line).encode())[:10]
        takes = sounds.split("|")
        take = takes[bucket(line, len(takes), "take")]
        clips.append(Clip(clip_id, unit, race, [_frame(root, text) for text in frames.split(";")], int(sound_at),
                          root / "data/core/sounds" / take, label_of(take)))
    return clips


def _frame(root: pathlib.Path, text: str) -> Frame:
    name, milliseconds = text.rsplit("@", 1)
    return Frame(root / "data/core/images/units" / (name + ".png"), int(milliseconds))


def render_all(clips: List[Clip], folder: pathlib.Path, silent_units: Set[str],
               progress: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Renders what is not there yet, with as many processes as there are processors."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = [clip for clip in clips if not (folder / (clip.id + ".wav")).exists()]
    done = len(clips) - len(todo)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda clip: render(clip, folder, clip.unit in silent_units), todo):
            done += 1
            progress(done, len(clips))


def render(clip: Clip, folder: pathlib.Path, silent: bool) -> None:
    """Writes <id>.mp4 (or <id>.silent.mp4) and, last, <id>.wav with the sound track."""
    picture_seconds = sum(frame.milliseconds for frame in clip.frames) / 1000
    seconds = min(MAX_SECONDS, max(MIN_SECONDS, picture_seconds))
    track = folder / (clip.id + ".wav")
    partial = track.with_suffix(".part.wav")
    video = folder / (clip.id + (".silent.mp4" if silent else ".mp4"))
    delayed = f"[1:a]adelay=delays={clip.sound_at_ms}:all=1,apad,atrim=end={seconds:.3f},aresample=44100"
    graph = delayed + ("[track]" if silent else ",asplit[track][heard]")
    sound = [] if silent else ["-map", "[heard]", "-c:a", "aac", "-b:a", "96k"]
    _ffmpeg(["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE}x{SIZE}", "-r", str(FRAMES_PER_SECOND), "-i", "-",
             "-i", str(clip.sound), "-filter_complex", graph, "-map", "[track]", str(partial),
             "-map", "0:v", *sound, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-pix_fmt", "yuv420p",
             "-threads", "1", "-movflags", "+faststart", str(video)], stdin=_raw_frames(clip, seconds))
    partial.replace(track)


def _raw_frames(clip: Clip, seconds: float) -> bytes:
    pictures = [draw(frame.path) for frame in clip.frames]
    ends = []
    end = 0
    for frame in clip.frames:
        end += frame.milliseconds
        ends.append(end)
    output = []
    for number in range(max(1, round(seconds * FRAMES_PER_SECOND))):
        now = number * 1000 / FRAMES_PER_SECOND
        output.append(next((picture for picture, end in zip(pictures, ends) if now < end), pictures[-1]))
    return b"".join(output)


def draw(path: pathlib.Path) -> bytes:
    """The sprite in the middle of a plain square, as RGB bytes."""
    sprite = PIL.Image.open(path).convert("RGBA")
    scale = max(1, SIZE // max(sprite.size))
    sprite = sprite.resize((sprite.width * scale, sprite.height * scale), PIL.Image.NEAREST)
    ground = PIL.Image.new("RGBA", (SIZE, SIZE), (*_GROUND, 255))
    ground.alpha_composite(*_placed(sprite))
    return ground.convert("RGB").tobytes()


def _placed(sprite: PIL.Image.Image):
    """The sprite cut to the square if it is larger, and where its corner goes."""
    left, top = max(0, (sprite.width - SIZE) // 2), max(0, (sprite.height - SIZE) // 2)
    sprite = sprite.crop((left, top, left + min(SIZE, sprite.width), top + min(SIZE, sprite.height)))
    return sprite, ((SIZE - sprite.width) // 2, (SIZE - sprite.height) // 2)


def _ffmpeg(arguments: List[str], stdin: bytes = None) -> None:
    result = subprocess.run(["ffmpeg", "-v", "error", "-nostdin" if stdin is None else "-hide_banner", "-y",
                             *arguments], input=stdin, capture_output=True)
    if result.returncode != 0:
        raise RuntimeError(f"ffmpeg failed ({result.returncode}): {result.stderr.decode(errors='replace')[-500:]}")
