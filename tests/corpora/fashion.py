"""Fashion-MNIST: 70,000 grey pictures of clothes, 28x28, of ten classes: all of them as arrays, or some as files."""

import dataclasses
import gzip
import pathlib
from typing import Callable, Iterator, List

import numpy
import PIL.Image

from tests.corpora.manifest import Row, sha256_hex

CORPUS = "fashion"
DEFAULT_ROOT = pathlib.Path("/usr/share/datasets/fashion-mnist")
# By label, as the authors name them.
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
TRAIN_PER_CLASS = 300
TEST_PER_CLASS = 100
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


def rows(root: pathlib.Path, work: pathlib.Path, keep: Callable[[str], bool] = lambda event: True,
         train_per_class: int = TRAIN_PER_CLASS, test_per_class: int = TEST_PER_CLASS) -> List[Row]:
    """Rows of a subset: a picture and its class name, by image. The files are written under `work`."""
    result: List[Row] = []
    for split, per_class in (("train", train_per_class), ("test", test_per_class)):
        part = read(split, root)
        for place in chosen(part, split, per_class):
            if keep(f"{CORPUS}:{split}:{place}"):
                result.extend(_image_rows(part, split, place, work))
    return result


def _image_rows(part: Part, split: str, place: int, work: pathlib.Path) -> Iterator[Row]:
    label = int(part.labels[place])
    name = CLASSES[label]
    picture = work / split / f"{place:05d}.png"
    text = work / "classes" / f"{label}.txt"
    for path in (picture, text):
        path.parent.mkdir(parents=True, exist_ok=True)
    if not picture.exists():
        PIL.Image.fromarray(part.images[place]).save(picture)
    if not text.exists():
        text.write_text(name, encoding="utf-8")
    event = f"{CORPUS}:{split}:{place}"
    common = {"corpus": CORPUS, "split": split, "class": str(label), "category": name, "title": name}
    yield Row(id=f"{event}:picture", event=event, path=str(picture), media_type="image/png", modality="image",
              metadata={**common, "kind": "picture"}, content_key=sha256_hex(part.images[place].tobytes()))
    yield Row(id=f"{event}:name", event=event, path=str(text), media_type="text/plain", modality="text",
              metadata={**common, "kind": "name", "lang": "en"}, content_key=sha256_hex(name.encode()))
