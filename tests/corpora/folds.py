"""Folds for cross-validation: events that share content stay together, so that none is asked for what another taught.

Grouping is by union-find over the content keys of rows and over further links of a corpus (forms and lines of a unit).
"""

import collections
from typing import Callable, Dict, Hashable, Iterable, List, Tuple

from tests.corpora.manifest import INGEST, Row, sha256_hex


class Groups:
    """Union-find. A group is named by its least member, so names do not depend on the order of joining."""

    def __init__(self) -> None:
        self._parent: Dict[Hashable, Hashable] = {}

    def find(self, member):
        root = member
        while self._parent.setdefault(root, root) != root:
            root = self._parent[root]
        while self._parent[member] != root:
            self._parent[member], member = root, self._parent[member]
        return root

    def join(self, a, b) -> None:
        first, second = sorted((self.find(a), self.find(b)))
        self._parent[second] = first


def groups_of(rows: Iterable[Row], links: Iterable[Tuple[str, str]] = ()) -> Dict[str, str]:
    """For each event the name of its group. `links` are pairs of an event and of anything that it shares with others.

    Rows that are never uploaded do not group: nearly every held-out sound of Wesnoth is one file of a few.
    """
    groups = Groups()
    events: List[str] = []
    for row in rows:
        events.append(row.event)
        if row.role == INGEST:
            groups.join("event:" + row.event, "key:" + row.content_key)
    for event, shared in links:
        groups.join("event:" + event, "link:" + shared)
    return {event: groups.find("event:" + event) for event in dict.fromkeys(events)}


def fold_of(rows: Iterable[Row], n: int = 5, links: Iterable[Tuple[str, str]] = (),
            corpus_of: Callable[[str], str] = lambda event: event.partition(":")[0]) -> Dict[str, int]:
    """For each event a fold in [0, n): whole groups, the largest first, each to the fold that has least of its corpora.

    So every fold has about as many events of each corpus. Ties go by a hash. The same rows give the same folds in any
    order; other rows may give others.
    """
    members: Dict[str, List[str]] = collections.defaultdict(list)
    for event, group in groups_of(rows, links).items():
        members[group].append(event)
    loads = [collections.Counter() for _ in range(n)]
    result: Dict[str, int] = {}
    ordered = sorted(members, key=lambda group: (-len(members[group]), sha256_hex(f"mixmatch:fold:{group}".encode())))
    for group in ordered:
        counts = collections.Counter(corpus_of(event) for event in members[group])
        fold = min(range(n), key=lambda fold: (sum(loads[fold][corpus] for corpus in counts), fold))
        loads[fold] += counts
        result.update((event, fold) for event in members[group])
    return result
