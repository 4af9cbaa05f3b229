"""Terms of a query. Several terms make a mix; a negative weight pushes away."""

import mimetypes
import os
import pathlib
from typing import Sequence, Union

from mixmatch.v1 import search_service_pb2 as pb


def text(words: str, weight: float = 1.0) -> pb.QueryTerm:
    return pb.QueryTerm(weight=weight, content=pb.Content(media_type="text/plain", text=words))


def content(data: bytes, media_type: str = "", weight: float = 1.0) -> pb.QueryTerm:
    """A picture, sound or video, at most 4 MiB. The server looks at the bytes; the media type is a hint."""
    return pb.QueryTerm(weight=weight, content=pb.Content(media_type=media_type, data=data))


def file(path: Union[str, os.PathLike], weight: float = 1.0) -> pb.QueryTerm:
    """The content of a file, text or not."""
    media_type = mimetypes.guess_type(str(path))[0] or ""
    data = pathlib.Path(path).read_bytes()
    if media_type.startswith("text/"):
        return text(data.decode("utf-8"), weight)
    return content(data, media_type, weight)


def item(item_id: int, weight: float = 1.0) -> pb.QueryTerm:
    return pb.QueryTerm(weight=weight, item_id=item_id)


def part(part_id: int, weight: float = 1.0) -> pb.QueryTerm:
    return pb.QueryTerm(weight=weight, part_id=part_id)


def upload(request_id: str, weight: float = 1.0) -> pb.QueryTerm:
    """An earlier upload, by its request id."""
    return pb.QueryTerm(weight=weight, upload_request_id=request_id)


def vector(values: Sequence[float], weight: float = 1.0) -> pb.QueryTerm:
    return pb.QueryTerm(weight=weight, vector=pb.Vector(values=values))
