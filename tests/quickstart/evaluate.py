"""Runs the queries of every direction and scores the answers."""

import concurrent.futures
import dataclasses
import statistics
from typing import Dict, List, Sequence

import mixmatch
from tests.quickstart.directions import Task
from tests.quickstart.figures import chance, hit_rate
from tests.quickstart.progress import Progress
from tests.quickstart.queries import Query

_SEARCHES_AT_ONCE = 4
K = 10


@dataclasses.dataclass
class Score:
    """How one direction did. Rates are shares of queries with a right answer among the first 1 or 10."""

    name: str
    queries: int
    candidates: int
    r1: float
    r10: float
    chance1: float
    chance10: float


def evaluate(client: mixmatch.Client, tasks: List[Task], queries: Dict[str, List[Query]], row_of_item: Dict[int, str],
             title: str) -> List[Score]:
    """Scores by direction, in the order of the tasks. A direction without queries is left out."""
    total = sum(len(queries[task.direction.name]) for task in tasks)
    scores = []
    with Progress(title, total) as step, concurrent.futures.ThreadPoolExecutor(_SEARCHES_AT_ONCE) as pool:
        for task in tasks:
            asked = queries[task.direction.name]
            answers = []
            for answer in pool.map(lambda query: _ask(client, task, query, row_of_item), asked):
                answers.append(answer)
                step()
            if asked:
                scores.append(_score(task, asked, answers))
    return scores


def _ask(client: mixmatch.Client, task: Task, query: Query, row_of_item: Dict[int, str]) -> Sequence[str]:
    hits = client.search(query.term, k=K, modalities=[task.direction.modality], where=candidates_filter(task))
    return [row_of_item.get(hit.item.item_id, "") for hit in hits]


def candidates_filter(task: Task):
    conditions = dict(task.direction.where)
    if task.direction.kinds:
        conditions["kind"] = list(task.direction.kinds)
    return mixmatch.where(**conditions) if conditions else None


def _score(task: Task, asked: List[Query], answers: List[Sequence[str]]) -> Score:
    right = [task.positives[query.row.id] for query in asked]

    def by_chance(k: int) -> float:
        return statistics.fmean(chance(task.candidates, len(rows), k) for rows in right)

    return Score(task.direction.name, len(asked), task.candidates, hit_rate(answers, right, 1),
                 hit_rate(answers, right, K), by_chance(1), by_chance(K))
