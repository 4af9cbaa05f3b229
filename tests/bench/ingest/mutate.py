"""Damage as a stranger would do it: a mutated copy of a seed is a function of the seed's bytes and a number."""

import random
from typing import Callable, List, Sequence

_MOST_BYTES = 4 << 20
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF,
             0xFFFFFFFFFFFFFFFF)
_HEADER = 512  # Most damage of a header happens here: it says how large all else is.


def _flip_bits(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> bytearray:
    for _ in range(draw.choice((1, 1, 2, 8, 64))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return data


def _flip_header_bits(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> bytearray:
    for _ in range(draw.choice((1, 2, 4))):
        data[draw.randrange(min(_HEADER, len(data)))] ^= 1 << draw.randrange(8)
    return data


def _write_extreme(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> bytearray:
    """A length, count or offset that no honest file has."""
    width = draw.choice((1, 2, 4, 8))
    reach = min(len(data), _HEADER) if draw.random() < 0.5 else len(data)
    at = draw.randrange(max(1, reach - width))
    value = draw.choice(_EXTREMES) & ((1 << 8 * width) - 1)
    data[at:at + width] = value.to_bytes(width, draw.choice(("big", "little")))
    return data


def _cut(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> bytearray:
    return data[:draw.randrange(len(data))]


def _remove_inside(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> bytearray:
    at, size = draw.randrange(len(data)), draw.choice((1, 4, 64, 1024))
    del data[at:at + size]
    return data


def _repeat_inside(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> bytearray:
    at, size = draw.randrange(len(data)), draw.choice((4, 64, 1024, 8192))
    return data[:at] + data[at:at + size] * draw.choice((2, 16, 64)) + data[at:]


def _insert_noise(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> bytearray:
    at = draw.randrange(len(data))
    return data[:at] + bytearray(draw.randbytes(draw.choice((1, 16, 256, 4096)))) + data[at:]


def _overwrite(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> bytearray:
    at, size = draw.randrange(len(data)), draw.choice((16, 256, 4096))
    fill = draw.choice((b"\0", b"\xff", b"A", b"<", b"[", b'"'))
    data[at:at + size] = fill * min(size, len(data) - at)
    return data


def _splice(data: bytearray, draw: random.Random, seeds: Sequence[bytes]) -> bytearray:
    other = draw.choice(seeds)
    return data[:draw.randrange(len(data))] + other[draw.randrange(len(other)):]


def _other_head(data: bytearray, draw: random.Random, seeds: Sequence[bytes]) -> bytearray:
    """The beginning of another file: what it seems to be is not what it is."""
    size = draw.choice((4, 16, 64))
    return bytearray(draw.choice(seeds)[:size]) + data[size:]


_WAYS: List[Callable] = [_flip_bits, _flip_header_bits, _write_extreme, _cut, _remove_inside, _repeat_inside,
                         _insert_noise, _overwrite, _splice, _other_head]


def mutated(seeds: Sequence[bytes], number: int) -> bytes:
    """Seed number % len(seeds), damaged in one to three ways; at most 4 MiB, at least a byte, never the seed itself."""
    draw = random.Random(number)
    seed = seeds[number % len(seeds)]
    data = bytearray(seed)
    while data == seed:
        for _ in range(draw.choice((1, 1, 2, 3))):
            data = draw.choice(_WAYS)(data or bytearray(b"\0"), draw, seeds)[:_MOST_BYTES]
    return bytes(data) or b"\0"
