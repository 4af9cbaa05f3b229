"""A stand-in for mixmatchd in the test's own process: it stores, filters and lists, but its search is blind.

Hits come in an order that a hash of query and item gives, so every direction must score at chance.
"""

import concurrent.futures
import contextlib
import hashlib
import threading
from typing import Iterator

import grpc
import mixmatch
from mixmatch.v1 import (admin_service_pb2, admin_service_pb2_grpc, item_pb2, item_service_pb2, item_service_pb2_grpc,
                         learning_service_pb2, learning_service_pb2_grpc, search_service_pb2, search_service_pb2_grpc)

_MODALITIES = {"text": 1, "image": 2, "audio": 3, "video": 4}


def matches(item: item_pb2.Item, condition) -> bool:
    """True if the item meets a filter made of all, any, equals and in over metadata."""
    kind = condition.WhichOneof("kind")
    if kind is None:
        return True
    if kind == "all":
        return all(matches(item, part) for part in condition.all.filters)
    test = condition.condition
    key = test.field[len("metadata."):]
    if key not in item.metadata:
        return False
    wanted = getattr(test, "in").values if test.WhichOneof("test") == "in" else [test.equals]
    return item.metadata[key] in wanted


class _Services(item_service_pb2_grpc.ItemServiceServicer, search_service_pb2_grpc.SearchServiceServicer,
                learning_service_pb2_grpc.LearningServiceServicer, admin_service_pb2_grpc.AdminServiceServicer):
    def __init__(self):
        self._lock = threading.Lock()
        self.items, self.contents, self.by_request = {}, {}, {}
        self.events = {}

    def Upload(self, requests, context):
        header, data, digest = None, b"", b""
        for request in requests:
            which = request.WhichOneof("message")
            if which == "header":
                header = request.header
            elif which == "chunk":
                data += request.chunk
            else:
                digest = request.finish.sha256
        if hashlib.sha256(data).digest() != digest:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "upload.sha256: wrong")
        if not data:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "upload: empty content")
        with self._lock:
            return self._store(header, data)

    def _store(self, header, data):
        if header.request_id in self.by_request:
            item = self.items[self.by_request[header.request_id]]
            return item_service_pb2.UploadResponse(item=item, repeated_request=True)
        modality = _MODALITIES[header.media_type.split("/")[0]]
        item = item_pb2.Item(item_id=len(self.items) + 1, modality=modality, name=header.name,
                             media_type=header.media_type, metadata=header.metadata, size_bytes=len(data),
                             event_ids=[header.event_id])
        self.items[item.item_id], self.contents[item.item_id] = item, data
        self.by_request[header.request_id] = item.item_id
        self.events.setdefault(header.event_id, []).append(item.item_id)
        return item_service_pb2.UploadResponse(item=item)

    def List(self, request, context):
        found = [item for _, item in sorted(self.items.items()) if matches(item, request.filter)]
        start = int(request.page_token or 0)
        end = start + (request.page_size or 100)
        return item_service_pb2.ItemServiceListResponse(items=found[start:end],
                                                        next_page_token=str(end) if end < len(found) else "")

    def Delete(self, request, context):
        if self.items.pop(request.item_id, None) is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "item_id: no such item")
        return item_service_pb2.ItemServiceDeleteResponse()

    def Download(self, request, context):
        yield item_service_pb2.DownloadResponse(chunk=self.contents[request.item_id])

    def Search(self, request, context):
        query = request.query[0].SerializeToString() if request.query else b""
        found = [item for item in list(self.items.values()) if self._is_target(item, request)]
        scored = sorted(((self._score(query, item), item) for item in found), key=lambda pair: -pair[0])
        return search_service_pb2.SearchResponse(
            hits=[search_service_pb2.Hit(item=item, score=score, generation=1) for score, item in scored[:request.k]])

    def BatchSearch(self, request, context):
        """The last search first; those without a term are refused."""
        for index, search in reversed(list(enumerate(request.searches))):
            if search.query:
                yield search_service_pb2.BatchSearchResponse(index=index, response=self.Search(search, context))
            else:
                error = search_service_pb2.SearchError(code=3, message="query: got 0 terms")
                yield search_service_pb2.BatchSearchResponse(index=index, error=error)

    def StreamSearch(self, requests, context):
        messages = list(requests)
        request = messages[0].request
        request.query.add().content.data = b"".join(message.chunk for message in messages[1:])
        return search_service_pb2.StreamSearchResponse(response=self.Search(request, context))

    @staticmethod
    def _is_target(item, request) -> bool:
        has_sound = "sound" in item.metadata and item.metadata["sound"].text == "yes"
        modalities = {item.modality} | ({_MODALITIES["audio"]} if has_sound else set())
        return (not request.target_modalities or modalities & set(request.target_modalities)) and \
            matches(item, request.filter)

    @staticmethod
    def _score(query: bytes, item) -> float:
        digest = hashlib.sha256(query + str(item.item_id).encode()).digest()
        return int.from_bytes(digest[:4], "big") / 2**32

    def Status(self, request, context):
        status = learning_service_pb2.LearningStatus(state=learning_service_pb2.LEARNING_STATE_IDLE,
                                                     events_seen=len(self.items), generation=1)
        return learning_service_pb2.StatusResponse(status=status)

    def Pause(self, request, context):
        return learning_service_pb2.PauseResponse()

    def Resume(self, request, context):
        return learning_service_pb2.ResumeResponse()

    def Stats(self, request, context):
        return admin_service_pb2.StatsResponse(items=len(self.items))


@contextlib.contextmanager
def running() -> Iterator[tuple]:
    """Yields (client, services) of a fake server on a free port."""
    services = _Services()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    item_service_pb2_grpc.add_ItemServiceServicer_to_server(services, server)
    search_service_pb2_grpc.add_SearchServiceServicer_to_server(services, server)
    learning_service_pb2_grpc.add_LearningServiceServicer_to_server(services, server)
    admin_service_pb2_grpc.add_AdminServiceServicer_to_server(services, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with mixmatch.Client(f"127.0.0.1:{port}") as client:
            yield client, services
    finally:
        server.stop(None).wait()
