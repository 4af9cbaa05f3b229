"""Captions of real documents find their figures: the GIMP manual, learned from four fifths of its pages.

Pages of the first four fifths are uploaded whole, as documents; the server finds figures and captions in them by itself. Of
the last fifth only the figures are uploaded, as pictures without names; their captions are the queries and are never stored.
"""

import hashlib
import pathlib
from typing import Callable, Dict, List

import mixmatch
from tests.corpora import gimp
from tests.quickstart.figures import chance, hit_rate
from tests.quickstart.ingest import wait_until_learned
from tests.quickstart.server import Server, copy_with

_RANDOM_HEAD = ["--head", "random", "--learning", "off"]
_CUTS = (1, 5, 10)


def held_out(page: str) -> bool:
    return hashlib.sha256(page.encode()).digest()[0] % 5 == 0


def questions(pages: List[gimp.Page]) -> List[gimp.Figure]:
    """Figures of held-out pages that no other page shows, each picture once."""
    def digest(figure: gimp.Figure) -> bytes:
        return hashlib.sha256(figure.picture.read_bytes()).digest()
    seen = {digest(figure) for page in pages if not held_out(page.name) for figure in page.figures}
    kept = []
    for page in pages:
        for figure in page.figures if held_out(page.name) else ():
            if digest(figure) not in seen:
                seen.add(digest(figure))
                kept.append(figure)
    return kept


def measure(server: Server, quick: bool, say: Callable[[str], None], root: pathlib.Path = gimp.DEFAULT_ROOT) -> Dict[str, float]:
    """Stops the server at its end. {} if the package is not here."""
    try:
        pages = gimp.pages(root)
    except FileNotFoundError as missing:
        say(f"captions: {missing}")
        return {}
    if quick:
        pages = pages[::8]
    learned = [page for page in pages if not held_out(page.name)]
    asked = questions(pages)
    say(f"captions: {len(learned)} pages to learn from, {len(asked)} held-out figures")
    found = {0: 0, 1: 0}
    for page in learned:
        item = server.client.put(page.html, name=page.name + ".html", media_type="text/html", metadata={"held": False})
        found[0] += item.part_count
        found[1] += len(page.figures)
    items = {}
    for figure in asked:
        item = server.client.put(figure.picture.read_bytes(), metadata={"held": True})
        items[item.item_id] = str(figure.picture)
    wait_until_learned(server.client)
    result = {"caption_pages": len(learned), "caption_parts": found[0], "caption_figures_learned": found[1],
              "caption_candidates": len(items)}
    for k in _CUTS:
        result[f"caption_to_figure_chance_r{k}"] = chance(len(items), 1, k)
    result.update(_scores(server.client, asked, items, ""))
    server.stop()
    with copy_with(server, _RANDOM_HEAD, "captions-random") as other:
        result.update(_scores(other.client, asked, items, "_random"))
    return result


def _scores(client: mixmatch.Client, asked: List[gimp.Figure], items: Dict[int, str], suffix: str) -> Dict[str, float]:
    answers = []
    for figure in asked:
        hits = client.search(mixmatch.text(figure.caption), k=max(_CUTS), modalities=["image"], where=mixmatch.where(held=True))
        answers.append([items.get(hit.item.item_id, "") for hit in hits])
    positives = [{str(figure.picture)} for figure in asked]
    return {f"caption_to_figure{suffix}_r{k}": hit_rate(answers, positives, k) for k in _CUTS}
