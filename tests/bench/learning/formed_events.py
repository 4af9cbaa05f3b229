"""What events that form by themselves are worth: clips split into a silent video and its sound, uploaded apart.

    PYTHONPATH=.:client/python python3 -m tests.bench.learning.formed_events --build build/release --manifest MANIFEST

The manifest is one of the quickstart's corpora (build/quickstart/corpora/manifest.jsonl). The same pairs are learned in turn
by declared event ids, by source and time alone (clips at random times, with a mean distance), and not at all; then altered
copies of the sounds ask for the videos. Right is a video with the very same sound, as in the quickstart. Prints JSON.
"""

import argparse
import collections
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
from typing import Dict, List

import mixmatch
from mixmatch.v1 import event_service_pb2 as events
from tests.corpora.manifest import Row, read
from tests.quickstart import alter
from tests.quickstart.figures import chance, hit_rate
from tests.quickstart.ingest import wait_until_learned
from tests.quickstart.server import Server

_K = 10
_SECONDS = 1_777_600_000.0


def clips_of(rows: List[Row]) -> List[Row]:
    """Tracks of clips with sound, each with the path of its clip."""
    return sorted((row for row in rows if row.kind == "track" and row.metadata.get("sound") == "yes"),
                  key=lambda row: row.id)


def silent_video(track: Row, folder: pathlib.Path) -> bytes:
    """The clip of a track without its sound."""
    path = folder / (pathlib.Path(track.path).stem + ".mp4")
    if not path.exists():
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(pathlib.Path(track.path).with_suffix(".mp4")),
                        "-an", "-c:v", "copy", str(path)], check=True)
    return path.read_bytes()


def moments(count: int, mean_gap: float, seed: int) -> List[float]:
    """When each clip begins: the last one's three seconds at most, and a gap of this mean."""
    rng, at, times = random.Random(seed), _SECONDS, []
    for _ in range(count):
        times.append(at)
        at += 3.0 + rng.expovariate(1.0 / mean_gap)
    return times


def learn_and_ask(binary: pathlib.Path, work: pathlib.Path, tracks: List[Row], queries: Dict[str, bytes], how: str,
                  mean_gap: float = 0.0, flags: List[str] = ()) -> Dict[str, float]:
    """Uploads all pairs in one of the ways to a new server; hit rates of sound -> video."""
    data = work / "data"
    shutil.rmtree(data, ignore_errors=True)
    server = Server(binary, data, ["--slow-learning", "off", *flags])
    server.start()
    try:
        client = server.client
        uploads = []
        times = moments(len(tracks), mean_gap, 0) if mean_gap else [None] * len(tracks)
        for track, when in zip(tracks, times):
            event = track.id if how == "declared" else ""
            for kind in ("video", "audio"):
                uploads.append((kind, track, event, when))
        random.Random(1).shuffle(uploads)
        takes, of_track = {}, collections.defaultdict(list)
        for kind, track, event, when in uploads:
            data_of = silent_video(track, work) if kind == "video" else pathlib.Path(track.path).read_bytes()
            item = client.put(data_of, event=event, origin="arena", observed_time=when)
            of_track[track.id].append(item.item_id)
            if kind == "video":
                takes[item.item_id] = track.metadata["take"]
        wait_until_learned(client)
        answers, right = [], []
        for track in tracks:
            hits = client.search(mixmatch.content(queries[track.id]), k=_K, modalities=["video"])
            answers.append([str(hit.item.item_id) for hit in hits])
            right.append({str(item) for item, take in takes.items() if take == track.metadata["take"]})
        pairs = {tuple(link.item_ids) for link in client.links(kind=events.EVENT_KIND_TIME)}
        own = {tuple(sorted(ids)) for ids in of_track.values()}
        return {"r1": hit_rate(answers, right, 1), "r10": hit_rate(answers, right, _K), "linked_pairs": len(pairs),
                "linked_right": len(pairs & own),
                "chance10": sum(chance(len(takes), len(rows), _K) for rows in right) / len(right)}
    finally:
        server.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--manifest", type=pathlib.Path, required=True)
    parser.add_argument("--clips", type=int, default=0, help="only so many clips; 0: all")
    arguments = parser.parse_args()
    tracks = clips_of(read(arguments.manifest))
    tracks = tracks[:arguments.clips] if arguments.clips else tracks
    binary = arguments.build / "bin" / "mixmatchd"
    result = {"clips": len(tracks)}
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        queries = {track.id: alter.sound(pathlib.Path(track.path), "query:" + track.id)[0] for track in tracks}
        result["declared"] = learn_and_ask(binary, work, tracks, queries, "declared")
        for gap in (60.0, 10.0, 2.0):
            result[f"time_gap_{gap:.0f}_s"] = learn_and_ask(binary, work, tracks, queries, "time", gap)
        result["nothing"] = learn_and_ask(binary, work, tracks, queries, "nothing")
    json.dump(result, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
