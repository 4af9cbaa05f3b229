"""Mix-Match from Python: upload anything, search across modalities, watch it learn.

    import mixmatch

    with mixmatch.Client("127.0.0.1:7411") as client:
        client.put("crow.png", event="crow")
        client.put("crow.ogg", event="crow")
        for hit in client.search(mixmatch.file("caw.wav"), modalities=["image"], k=5):
            print(hit.score, hit.item.name)

Messages are those of proto/mixmatch/v1, importable as mixmatch.v1.item_pb2 and so on.
"""

from mixmatch import _stubs

# The generated modules call themselves mixmatch.v1: they become part of this package.
__path__.append(str(_stubs.folder() / "mixmatch"))

from mixmatch.client import Client, Error, SearchError, search_request  # noqa: E402
from mixmatch.query import content, file, item, part, text, upload, vector  # noqa: E402
from mixmatch.where import all_of, any_of, not_, where, within  # noqa: E402

__all__ = ["Client", "Error", "SearchError", "all_of", "any_of", "content", "file", "item", "not_", "part",
           "search_request", "text", "upload", "vector", "where", "within"]
