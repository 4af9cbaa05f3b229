"""Altered copies of what was ingested: another cut, noise, codec, crop, size or wording. All depend on a seed string.

Sounds and videos go through the ffmpeg command, pictures through PIL.
"""

import io
import pathlib
import random
import re
import subprocess
import tempfile
from typing import Optional, Tuple

import numpy
import PIL.Image

_RATE = 32000  # Of altered sounds, Hz.
_NOISE_DB = -15.0  # Noise relative to the sound's own power.
# Codec, container and bit rate of altered sounds.
_CODECS = (("libvorbis", "ogg", "48k"), ("libmp3lame", "mp3", "48k"), ("libopus", "ogg", "24k"))


def seeded(seed: str) -> random.Random:
    return random.Random("mixmatch:" + seed)


def text(original: str, seed: str) -> Optional[str]:
    """Lower case, no punctuation; of four words or more one is dropped or two neighbours change places.

    None if nothing changed.
    """
    words = re.sub(r"[^\w\s'’-]|_", " ", original.lower()).split()
    rng = seeded(seed)
    if len(words) >= 4:
        at = rng.randrange(len(words) - 1)
        if rng.random() < 0.5:
            del words[at]
        else:
            words[at], words[at + 1] = words[at + 1], words[at]
    altered = " ".join(words)
    return altered if altered and altered != original else None


def picture(path: pathlib.Path, seed: str) -> bytes:
    """A JPEG of quality 50 of 85 % of each side, shrunk to 60 to 90 %; what was transparent becomes white."""
    image = _on_white(_open(path))
    rng = seeded(seed)
    width, height = max(1, round(image.width * 0.85)), max(1, round(image.height * 0.85))
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    scale = rng.uniform(0.6, 0.9)
    image = image.crop((left, top, left + width, top + height))
    image = image.resize((max(8, round(width * scale)), max(8, round(height * scale))), PIL.Image.BICUBIC)
    output = io.BytesIO()
    image.save(output, "JPEG", quality=50)
    return output.getvalue()


def sound(path: pathlib.Path, seed: str) -> Tuple[bytes, str]:
    """60 to 90 % of the sound (silence at its ends aside), with noise at 15 dB, in a low bit rate; and its media type."""
    samples = decode(path)
    rng = seeded(seed)
    samples = cut(without_silence(samples), rng.uniform(0.6, 0.9), rng.random())
    samples = with_noise(samples, rng.randrange(2**31))
    codec, container, bits = rng.choice(_CODECS)
    data = _ffmpeg(["-f", "f32le", "-ar", str(_RATE), "-ac", "1", "-i", "-", "-c:a", codec, "-b:a", bits,
                    *(["-ar", "48000"] if codec == "libopus" else []), "-f", container, "-"],
                   samples.astype("<f4").tobytes())
    return data, "audio/mpeg" if container == "mp3" else "audio/ogg"


def video(path: pathlib.Path, seed: str) -> bytes:
    """An MP4 without sound: 88 % of each side, another size, 15 frames a second, coded coarsely."""
    size = seeded(seed).choice((112, 128, 160))
    return _to_file(["-i", str(path), "-an", "-vf", f"crop=iw*0.88:ih*0.88,scale={size}:{size},fps=15", "-c:v",
                     "libx264", "-preset", "ultrafast", "-crf", "32", "-pix_fmt", "yuv420p"], ".mp4")


def decode(path: pathlib.Path) -> numpy.ndarray:
    """One channel of float samples at 32 kHz: the mean of all channels, one of which may be dead."""
    return numpy.frombuffer(_ffmpeg(["-i", str(path), "-ac", "1", "-ar", str(_RATE), "-f", "f32le", "-"]), "<f4")


def without_silence(samples: numpy.ndarray) -> numpy.ndarray:
    """Without the ends that are 40 dB below the loudest sample."""
    loud = numpy.flatnonzero(numpy.abs(samples) > 0.01 * numpy.max(numpy.abs(samples), initial=0.0))
    return samples[loud[0]:loud[-1] + 1] if len(loud) else samples


def cut(samples: numpy.ndarray, share: float, position: float) -> numpy.ndarray:
    """The given share of the samples, at least a quarter of a second; position 0 is the first such piece, 1 the last."""
    length = min(len(samples), max(round(len(samples) * share), _RATE // 4))
    start = round((len(samples) - length) * position)
    return samples[start:start + length]


def with_noise(samples: numpy.ndarray, seed: int) -> numpy.ndarray:
    """White noise 15 dB below the power of the samples."""
    power = float(numpy.mean(numpy.square(samples))) if len(samples) else 0.0
    noise = numpy.random.default_rng(seed).standard_normal(len(samples))
    return numpy.clip(samples + noise * numpy.sqrt(power * 10 ** (_NOISE_DB / 10)), -1, 1)


def _open(path: pathlib.Path) -> PIL.Image.Image:
    if path.suffix == ".svg":
        return PIL.Image.open(io.BytesIO(_ffmpeg(["-i", str(path), "-frames:v", "1", "-f", "image2pipe", "-c:v", "png",
                                                  "-"])))
    return PIL.Image.open(path)


def _on_white(image: PIL.Image.Image) -> PIL.Image.Image:
    image = image.convert("RGBA")
    ground = PIL.Image.new("RGBA", image.size, (255, 255, 255, 255))
    ground.alpha_composite(image)
    return ground.convert("RGB")


def _to_file(arguments, ending: str) -> bytes:
    """Runs ffmpeg into a file: MP4 cannot be written to a pipe."""
    with tempfile.NamedTemporaryFile(suffix=ending) as file:
        _ffmpeg([*arguments, file.name])
        return pathlib.Path(file.name).read_bytes()


def _ffmpeg(arguments, stdin: bytes = b"") -> bytes:
    result = subprocess.run(["ffmpeg", "-v", "error", "-y", "-threads", "1", *arguments], input=stdin,
                            capture_output=True)
    if result.returncode != 0:
        raise RuntimeError(f"ffmpeg failed ({result.returncode}): {result.stderr.decode(errors='replace')[-500:]}")
    return result.stdout
