"""Thousands of damaged files through the public API: none may harm the server, and each must be answered."""

import collections
import concurrent.futures
import time
from typing import Callable, Dict, Tuple

import grpc

from tests.bench.ingest.mutate import mutated
from tests.bench.ingest.processes import descriptors, resident_bytes
from tests.bench.ingest.seeds import seeds
from tests.quickstart.server import Server

FILES, QUICK_FILES = 10_000, 400
_AT_ONCE = 4
_DEADLINE_SECONDS = 60.0
# What a bad file may be told. A crash of its decoder counts as an answer too: UNAVAILABLE never does.
_CLEAR = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.RESOURCE_EXHAUSTED}


def measure(server: Server, files: int, say: Callable[[str], None]) -> Dict[str, object]:
    kinds = seeds()
    originals = [seed.data for seed in kinds]
    refused = [seed.name for seed in kinds if _upload(server, seed.data, seed)[0] != "OK"]
    if refused:
        say(f"hostile: undamaged files that this server does not take: {', '.join(refused)}")
    pid = server.pid
    # What a server takes once (threads, tables of the learner) it has by the middle; a leak goes on.
    before = memory = 0
    slowest = (0.0, 0)
    answers: collections.Counter = collections.Counter()
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        tasks = (pool.submit(_upload, server, mutated(originals, number), kinds[number % len(kinds)], number % 2 == 0)
                 for number in range(files))
        for done, (answer, seconds) in enumerate(_in_order(tasks), 1):
            answers[answer] += 1
            slowest = max(slowest, (seconds, done - 1))
            if done == files // 2 and server.running():
                before, memory = descriptors(pid, server.data), resident_bytes(pid)
            if done % max(1, files // 10) == 0:
                say(f"hostile: {done} of {files}, {time.monotonic() - start:.0f} s, {dict(answers)}")
    alive = server.running()
    sound = alive and all(_upload(server, seed.data, seed)[0] == "OK" for seed in kinds if seed.name not in refused)
    clear = answers["OK"] + sum(answers[code.name] for code in _CLEAR)
    return {"hostile_files": files, "hostile_files_survived": clear if sound else 0, "server_crashes": 0 if alive else 1,
            "descriptor_leak": descriptors(pid, server.data) - before if alive else None,
            "hostile_memory_growth_mb": (resident_bytes(pid) - memory) / 1e6 if alive else None,
            "hostile_files_per_second": files / (time.monotonic() - start), "answers": dict(answers),
            "hostile_slowest_seconds": slowest[0], "hostile_slowest_number": slowest[1],
            "seeds_refused": refused}


def _in_order(tasks):
    """Results as they come, with few tasks made ahead."""
    waiting: collections.deque = collections.deque()
    for task in tasks:
        waiting.append(task)
        if len(waiting) > 4 * _AT_ONCE:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _upload(server: Server, data: bytes, seed, hinted: bool = True) -> Tuple[str, float]:
    """The name of the status it was answered with, and after how long; what is kept is deleted again."""
    start = time.monotonic()
    try:
        item = server.client.put(data, name=seed.name, media_type=seed.media_type if hinted else "application/octet-stream")
        took = time.monotonic() - start
        server.client.delete(item.item_id)
        return "OK", took
    except grpc.RpcError as error:
        return error.code().name, time.monotonic() - start
