"""Vectors, queries and exact neighbors of the index benchmark, in files that are kept."""

import ast
import dataclasses
import pathlib
import random
import struct
import subprocess
from typing import BinaryIO, Callable, Tuple

from tests.bench.index.peers import K, Queries

DIM = 512
VALIDATION, TEST = 500, 1000  # Queries.
FIRST_VALIDATION, FIRST_TEST = 1 << 40, (1 << 40) + (1 << 30)  # Rows of the clusters that no base has.


@dataclasses.dataclass
class Data:
    """The first `count` rows of `base` are indexed. Settings are chosen on `validation`; `test` is measured."""

    name: str
    label: str
    base: pathlib.Path
    count: int
    dim: int
    validation: Queries
    test: Queries


def run(programs: pathlib.Path, *words: object) -> None:
    subprocess.run([programs / "index_bench_data", *map(str, words)], check=True)


def rows_in(path: pathlib.Path, dim: int) -> int:
    return path.stat().st_size // (4 * dim) if path.is_file() else 0


def clusters(programs: pathlib.Path, work: pathlib.Path, count: int, largest: int, seed: int,
             say: Callable[[str], None]) -> Data:
    """The base of `largest` rows is made once; smaller ones are its beginning."""
    from tests.bench.index.main import size_name  # The front owns the names.
    folder = work / f"clusters-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / "base.f32"
    if rows_in(base, DIM) < max(count, largest):
        say(f"making {largest} vectors")
        made = folder / "base.part"
        run(programs, "clusters", made, 0, max(count, largest), seed)
        made.replace(base)
    for name, first, queries in (("validation", FIRST_VALIDATION, VALIDATION), ("test", FIRST_TEST, TEST)):
        if rows_in(folder / f"{name}.f32", DIM) != queries:
            run(programs, "clusters", folder / f"{name}.f32", first, queries, seed)
    return with_truth(programs, folder, "clusters", size_name(count), base, count, DIM)


def with_truth(programs: pathlib.Path, folder: pathlib.Path, name: str, label: str, base: pathlib.Path, count: int,
               dim: int) -> Data:
    queries = []
    for which in ("validation", "test"):
        truth = folder / f"{which}-{count}.truth"
        if not truth.is_file():
            made = truth.with_suffix(".part")
            run(programs, "truth", base, count, folder / f"{which}.f32", dim, K, made)
            made.replace(truth)
        queries.append(Queries(folder / f"{which}.f32", truth, dim))
    return Data(name, label, base, count, dim, *queries)


def npy_shape(file: BinaryIO) -> Tuple[int, int]:
    """Rows and columns of a NumPy file of f32 in row order; its values begin where the file then stands."""
    if file.read(6) != b"\x93NUMPY":
        raise ValueError("not a NumPy file")
    major = file.read(2)[0]
    length, = struct.unpack("<H", file.read(2)) if major == 1 else struct.unpack("<I", file.read(4))
    header = ast.literal_eval(file.read(length).decode("latin-1"))
    if header["descr"] != "<f4" or header["fortran_order"] or len(header["shape"]) != 2:
        raise ValueError("wanted a matrix of <f4 in row order")
    return header["shape"]


def own_vectors(programs: pathlib.Path, work: pathlib.Path, path: pathlib.Path, dim: int, seed: int) -> Data:
    """Of a file: a tenth of the rows, at most 1,500, drawn at random, are held out as queries."""
    folder = work / "vectors"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    with open(path, "rb") as file:
        if path.suffix == ".npy":
            rows, dim = npy_shape(file)
        else:
            rows = path.stat().st_size // (4 * dim)
        content = file.read(rows * dim * 4)
    order = list(range(rows))
    random.Random(seed).shuffle(order)
    held_out = min(rows // 10, VALIDATION + TEST)
    cut = held_out * VALIDATION // (VALIDATION + TEST)
    for name, chosen in (("validation", order[:cut]), ("test", order[cut:held_out]), ("base", order[held_out:])):
        with open(folder / f"{name}.f32", "wb") as out:
            for row in chosen:
                out.write(content[row * dim * 4:(row + 1) * dim * 4])
    count = rows - held_out
    return with_truth(programs, folder, "vectors", path.stem, folder / "base.f32", count, dim)
