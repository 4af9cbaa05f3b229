"""Items and bytes a second by modality, and what they are spent on."""

import concurrent.futures
import pathlib
import time
from typing import Callable, Dict, List, NamedTuple, Sequence, Union

from tests.bench.ingest import seeds
from tests.bench.ingest.pdf import pdf
from tests.quickstart.server import Server

_AT_ONCE = 4


class Thing(NamedTuple):
    """One upload: bytes, or a file."""

    content: Union[bytes, pathlib.Path]
    name: str


def real_files(root: pathlib.Path, pattern: str, most: int) -> List[Thing]:
    return [Thing(path, path.name) for path in sorted(root.rglob(pattern))[:most]]


def things(modality: str, most: int) -> List[Thing]:
    """Real files of the quickstart's packages where there are such; else made ones, each different."""
    stamps, game = pathlib.Path("/usr/share/tuxpaint/stamps"), pathlib.Path("/usr/share/games/wesnoth/1.16")
    if modality == "image":
        return real_files(stamps, "*.png", most)
    if modality == "audio":
        return real_files(stamps, "*_desc_*.ogg", most)
    if modality == "text":
        return real_files(game / "data", "*.cfg", most)
    if modality == "video":
        few = max(8, most // 20)
        return [Thing(seeds.clip(number), f"{number}.mp4") for number in range(few)]
    if modality == "document":
        return [Thing(pdf(3 + number % 5, first=7 * number), f"{number}.pdf") for number in range(max(8, most // 20))]
    if modality == "table":
        return [Thing(_table(number).encode(), f"{number}.csv") for number in range(most)]
    if modality == "score":
        return [Thing(seeds.midi(number, notes=120), f"{number}.mid") for number in range(most)]
    return [Thing(_series(number).encode(), f"{number}.csv") for number in range(most)]


def _table(number: int) -> str:
    rows = (f"{('crow', 'wren', 'kite')[(number + i) % 3]},{i * number % 97},{i * 0.37 + number:.2f},2024-02-{i % 28 + 1:02d}\n"
            for i in range(200))
    return "bird,count,weight,seen\n" + "".join(rows)


def _series(number: int) -> str:
    rows = (f"{i * 0.1:.1f},{20 + (i * (number + 3)) % 11},{1000 - (i * i + number) % 53}\n" for i in range(600))
    return "seconds,temperature [C],pressure [hPa]\n" + "".join(rows)


def measure(server: Server, modalities: Sequence[str], most: int, say: Callable[[str], None]) -> Dict[str, dict]:
    """By modality: items and MB a second with four uploads at once, and the shares of decode, encode and store."""
    found = {}
    for modality in modalities:
        batch = things(modality, most)
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
            sizes = list(pool.map(lambda thing: server.client.put(thing.content, name=thing.name).size_bytes, batch))
        seconds = time.monotonic() - start
        cost = next((one for one in server.client.stats().ingest if _name(one.modality) == modality), None)
        if cost is None:
            say(f"speed: nothing of {modality} was stored as such")
            continue
        encode = cost.describe_seconds + cost.encode_seconds
        total = cost.decode_seconds + encode + cost.store_seconds
        found[modality] = {"items": len(sizes), "items_per_second": len(sizes) / seconds,
                           "mb_per_second": sum(sizes) / 1e6 / seconds, "decode_share": cost.decode_seconds / total,
                           "encode_share": encode / total, "store_share": cost.store_seconds / total}
        say(f"speed: {modality}: {found[modality]['items_per_second']:.1f} items/s")
    return found


def _name(modality: int) -> str:
    from mixmatch.v1 import item_pb2
    return item_pb2.Modality.Name(modality)[len("MODALITY_"):].lower()
