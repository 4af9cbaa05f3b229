"""Searches through gRPC against the same searches in process."""
PROGRAMS = ("mixmatchd", "mixmatch-decoder", "index_bench_grpc")


class Unavailable(Exception):
    """Why this part cannot be measured here."""


def measure(programs, settings, say):
    raise Unavailable("no program for it yet")
