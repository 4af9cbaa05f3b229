"""What hours of video and hundreds of pages cost: time, and the memory of server and decoders together."""

import pathlib
import subprocess
import time
from typing import Callable, Dict

import mixmatch
from tests.bench.ingest.pdf import pdf
from tests.bench.ingest.processes import PeakMemory
from tests.quickstart.server import Server

HOURS_SECONDS, QUICK_SECONDS = 7200, 60
PAGES, QUICK_PAGES = 500, 20
SIZE, QUICK_SIZE = "1920x1080", "320x180"
_RATE = 25
_SCENE = 30  # Seconds of film that are made; the rest repeats them with other cuts.


def film(folder: pathlib.Path, seconds: int, size: str = SIZE) -> pathlib.Path:
    """H.264 with AAC in MP4, kept between runs. Scenes of 30 s in turns: a zoom, a test card, cells that grow."""
    path = folder / f"film-{size}-{seconds}.mp4"
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    scenes = []
    for name, picture, tone in (("zoom", f"mandelbrot=size={size}:rate={_RATE}", 220),
                                ("card", f"testsrc2=size={size}:rate={_RATE}", 440),
                                ("life", f"life=size=480x270:rate={_RATE}:mold=10:ratio=0.2,scale={size.replace('x', ':')}", 880)):
        scene = folder / f"scene-{size}-{name}.mp4"
        if not scene.is_file():
            part = scene.with_suffix(".part.mp4")
            subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i",
                            f"sine={tone}:beep_factor=4", "-t", str(_SCENE), "-c:v", "libx264", "-preset", "veryfast", "-crf",
                            "28", "-pix_fmt", "yuv420p", "-c:a", "aac", str(part)], check=True)
            part.rename(scene)
        scenes.append(scene)
    order = folder / "order.txt"
    order.write_text("".join(f"file '{scenes[(i + i // 3) % 3].resolve()}'\n" for i in range(max(2, seconds // _SCENE))))
    part = path.with_suffix(".part.mp4")
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i", str(order), "-c", "copy",
                    str(part)], check=True)
    part.rename(path)
    return path


def measure_video(server: Server, folder: pathlib.Path, seconds: int, size: str,
                  say: Callable[[str], None]) -> Dict[str, float]:
    path = film(folder, seconds, size)
    say(f"video: {seconds} s of {size}, {path.stat().st_size / 1e6:.0f} MB")
    item, took, memory = _put(server, path)
    length = item.duration.seconds + item.duration.nanos * 1e-9
    return {"video_seconds": length, "video_parts": item.part_count, "video_times_real_time": length / took,
            "video_peak_rss_mb": memory.peak / 1e6, "video_rss_growth_mb": (memory.peak - memory.before) / 1e6}


def measure_pdf(server: Server, folder: pathlib.Path, pages: int, say: Callable[[str], None]) -> Dict[str, float]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"pages-{pages}.pdf"
    if not path.is_file():
        path.write_bytes(pdf(pages))
    say(f"pdf: {pages} pages, {path.stat().st_size / 1e6:.0f} MB")
    item, took, memory = _put(server, path)
    return {"pdf_pages": pages, "pdf_parts": item.part_count, "pdf_pages_per_second": pages / took,
            "pdf500_peak_rss_mb": memory.peak / 1e6, "pdf_rss_growth_mb": (memory.peak - memory.before) / 1e6}


def _put(server: Server, path: pathlib.Path):
    """The item, the seconds until it could be found, and the memory meanwhile. The client's copy is not counted."""
    with mixmatch.Client(server.address, timeout=None) as client, PeakMemory(server.pid) as memory:
        start = time.monotonic()
        item = client.put(path)
        took = time.monotonic() - start
    return item, took, memory
