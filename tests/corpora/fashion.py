"""Fashion-MNIST: 70,000 grey pictures of clothes, 28x28, of ten classes, as arrays or as files."""

import dataclasses
import gzip
import pathlib
from typing import Dict, List, Mapping

import numpy
import PIL.Image

from tests.corpora.manifest import Row, sha256_hex

CORPUS = "fashion"
DEFAULT_ROOT = pathlib.Path("/usr/share/datasets/fashion-mnist")
# By label, as the authors name them.
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
# How many of each class are files, by split: all, or some for a quick run.
PER_CLASS = {"train": 6000, "test": 1000}
QUICK_PER_CLASS = {"train": 30, "test": 10}
_PARTS = {"train": "train", "test": "t10k"}  # Split: start of its file names.
_UNSIGNED_BYTES = 0x08  # The only element type of IDX that is read.


@dataclasses.dataclass
class Part:
    images: numpy.ndarray  # uint8 [n, 28, 28]; 0 is the ground.
    labels: numpy.ndarray  # uint8 [n], an index into CLASSES.


def read_idx(path: pathlib.Path) -> numpy.ndarray:
    """A gzipped IDX file of unsigned bytes. ValueError if it is something else or its length contradicts its head."""
    data = gzip.decompress(path.read_bytes())
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _UNSIGNED_BYTES:
        raise ValueError(f"fashion: {path.name} does not begin like an IDX file of unsigned bytes; install "
                         "dataset-fashion-mnist again")
    start = 4 + 4 * data[3]
    shape = tuple(int(size) for size in numpy.frombuffer(data[4:start], ">u4"))
    if len(data) != start + int(numpy.prod(shape)):
        raise ValueError(f"fashion: {path.name} has {len(data) - start} bytes, its head says shape {shape}; install "
                         "dataset-fashion-mnist again")
    return numpy.frombuffer(data, numpy.uint8, offset=start).reshape(shape)


def read(split: str, root: pathlib.Path = DEFAULT_ROOT) -> Part:
    """All images of a split: "train" has 60,000, "test" 10,000, each class equally often."""
    start = _PARTS[split]
    part = Part(read_idx(root / f"{start}-images-idx3-ubyte.gz"), read_idx(root / f"{start}-labels-idx1-ubyte.gz"))
    if len(part.images) != len(part.labels):
        raise ValueError(f"fashion: {len(part.images)} images but {len(part.labels)} labels in {split}")
    return part


def chosen(part: Part, split: str, per_class: int) -> List[int]:
    """Places of so many images of each class, by a hash of their place; in rising order."""
    def rank(place: int) -> str:
        return sha256_hex(f"mixmatch:{CORPUS}:{split}:{place}".encode())

    result: List[int] = []
    for label in range(len(CLASSES)):
        places = [int(place) for place in numpy.flatnonzero(part.labels == label)]
        result += sorted(places, key=rank)[:per_class]
    return sorted(result)


def rows(root: pathlib.Path, work: pathlib.Path, per_class: Mapping[str, int] = PER_CLASS) -> List[Row]:
    """A row for each picture, each an event of its own, after one for the name of each class.

    A picture and the name of its class have the metadata `class` in common: whoever learns from them puts them
    together. So a name is one file, not 6,000. The files are written under `work`.
    """
    result = [_name_row(label, work) for label in range(len(CLASSES))]
    for split in _PARTS:
        part = read(split, root)
        (work / split).mkdir(parents=True, exist_ok=True)
        result += [_picture_row(part, split, place, work) for place in chosen(part, split, per_class[split])]
    return result


def _name_row(label: int, work: pathlib.Path) -> Row:
    path = work / "classes" / f"{label}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CLASSES[label], encoding="utf-8")
    event = f"{CORPUS}:class:{label}"
    return Row(id=f"{event}:name", event=event, path=str(path), media_type="text/plain", modality="text",
               metadata={**_common(label), "kind": "name", "lang": "en", "split": "train"},
               content_key=sha256_hex(CLASSES[label].encode()))


def _picture_row(part: Part, split: str, place: int, work: pathlib.Path) -> Row:
    path = work / split / f"{place:05d}.png"
    if not path.exists():
        PIL.Image.fromarray(part.images[place]).save(path)
    event = f"{CORPUS}:{split}:{place}"
    return Row(id=f"{event}:picture", event=event, path=str(path), media_type="image/png", modality="image",
               metadata={**_common(int(part.labels[place])), "kind": "picture", "split": split},
               content_key=sha256_hex(part.images[place].tobytes()))


def _common(label: int) -> Dict[str, str]:
    return {"corpus": CORPUS, "class": str(label), "category": CLASSES[label], "title": CLASSES[label]}
