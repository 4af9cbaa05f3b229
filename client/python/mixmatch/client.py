"""The client: one object a server, safe to share between threads."""

import hashlib
import json
import mimetypes
import os
import pathlib
import uuid
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import grpc

from mixmatch import credentials
from mixmatch import query as terms
from mixmatch import where as filters
from mixmatch.v1 import (access_service_pb2_grpc, admin_service_pb2, admin_service_pb2_grpc, event_service_pb2,
                         event_service_pb2_grpc, filter_pb2, item_pb2, item_service_pb2, item_service_pb2_grpc,
                         learning_service_pb2, learning_service_pb2_grpc, search_service_pb2, search_service_pb2_grpc)

Error = grpc.RpcError  # .code() says which, .details() says where, what was got, what was wanted and what to do.

_CHUNK_BYTES = 512 * 1024
_UNARY_QUERY_BYTES = 3 * 1024 * 1024
_BATCH_SEARCHES = 256  # The server's default of --max-batch-queries.
_BATCH_BYTES = 4 * 1024 * 1024
# gRPC tries a refused search again by itself, when the server's pushback says or else after these times.
_RETRIES = {"methodConfig": [{"name": [{"service": "mixmatch.v1.SearchService"}], "retryPolicy": {
    "maxAttempts": 4, "initialBackoff": "0.05s", "maxBackoff": "2s", "backoffMultiplier": 2,
    "retryableStatusCodes": ["RESOURCE_EXHAUSTED"]}}]}
_OPTIONS = (("grpc.max_receive_message_length", 64 * 1024 * 1024), ("grpc.service_config", json.dumps(_RETRIES)),
            ("grpc.per_rpc_retry_buffer_size", 16 * 1024 * 1024))


# What search_many takes for one search.
Query = Union[str, search_service_pb2.QueryTerm, Sequence[search_service_pb2.QueryTerm], search_service_pb2.SearchRequest]


class SearchError(NamedTuple):
    """Why one of many searches failed."""

    code: int  # Of gRPC, e.g. grpc.StatusCode.NOT_FOUND.value[0].
    message: str


class Client:
    """Calls raise mixmatch.Error. `timeout` is in seconds for each call; None waits for ever.

    `token` is sent with each call; without it, that of the file `token_file`, of MIXMATCH_TOKEN or of the file
    MIXMATCH_TOKEN_FILE. With `tls`, or a PEM file `tls_ca` or `tls_cert` (with `tls_key`), the connection is encrypted.
    ValueError: the token would go to another machine unencrypted; `insecure_token` allows it.
    """

    def __init__(self, address: str, timeout: Optional[float] = 120.0, *, token: str = "",
                 token_file: Union[str, os.PathLike, None] = None, tls: bool = False,
                 tls_ca: Union[str, os.PathLike, None] = None, tls_cert: Union[str, os.PathLike, None] = None,
                 tls_key: Union[str, os.PathLike, None] = None, tls_server_name: str = "",
                 insecure_token: bool = False):
        encryption = credentials.encryption(tls, tls_ca, tls_cert, tls_key)
        token = credentials.find_token(token, token_file)
        if token and encryption is None and not insecure_token and not credentials.is_on_this_machine(address):
            raise ValueError("the token would go to another machine unencrypted; give tls=True or tls_ca, or "
                             "insecure_token=True where something else encrypts")
        self._connection = credentials.connect(address, encryption, tls_server_name, _OPTIONS)
        self._channel = credentials.with_token(self._connection, token)
        self._timeout = timeout
        self.items = item_service_pb2_grpc.ItemServiceStub(self._channel)
        self.events = event_service_pb2_grpc.EventServiceStub(self._channel)
        self.searches = search_service_pb2_grpc.SearchServiceStub(self._channel)
        self.learning = learning_service_pb2_grpc.LearningServiceStub(self._channel)
        self.admin = admin_service_pb2_grpc.AdminServiceStub(self._channel)
        self.access = access_service_pb2_grpc.AccessServiceStub(self._channel)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def wait_until_ready(self, seconds: float = 60.0) -> None:
        """Returns when the server takes calls; grpc.FutureTimeoutError if it does not in time."""
        grpc.channel_ready_future(self._connection).result(timeout=seconds)

    def put(self, source: Union[str, os.PathLike, bytes], *, event: str = "", name: str = "", media_type: str = "",
            metadata: Optional[Dict[str, Any]] = None, origin: str = "", request_id: str = "",
            observed_time: Optional[float] = None, location: Optional[Tuple[float, float]] = None) -> item_pb2.Item:
        """Uploads a file, or bytes, and returns the stored item. Repeating a request id changes nothing.

        `origin` is the source, `observed_time` in seconds since 1970, `location` degrees north and east.
        """
        if isinstance(source, bytes):
            data = source
        else:
            data = pathlib.Path(source).read_bytes()
            name = name or pathlib.Path(source).name
        media_type = media_type or mimetypes.guess_type(name)[0] or ""
        header = item_service_pb2.UploadHeader(request_id=request_id or str(uuid.uuid4()), media_type=media_type,
                                               name=name, metadata=filters.values(metadata or {}), source=origin,
                                               event_id=event)
        if observed_time is not None:
            header.observed_time.FromMicroseconds(round(observed_time * 1e6))
        if location is not None:
            header.location.latitude, header.location.longitude = location
        return self.items.Upload(_upload_messages(header, data), timeout=self._timeout).item

    def live(self, chunks: Iterable[bytes], *, event: str = "", name: str = "", media_type: str = "",
             metadata: Optional[Dict[str, Any]] = None, origin: str = "",
             observed_time: Optional[float] = None) -> Iterator[item_service_pb2.LiveResponse]:
        """Stores a sound or video while it is being made: a container that can be read as it comes, such as MPEG-TS,
        Matroska, Ogg, MP3 or WAV. Yields what became searchable; the last answer has the item as it stays."""
        header = item_service_pb2.UploadHeader(media_type=media_type, name=name, source=origin, event_id=event,
                                               metadata=filters.values(metadata or {}))
        if observed_time is not None:
            header.observed_time.FromMicroseconds(round(observed_time * 1e6))

        def messages() -> Iterator[item_service_pb2.LiveRequest]:
            yield item_service_pb2.LiveRequest(header=header)
            for chunk in chunks:
                yield item_service_pb2.LiveRequest(chunk=chunk)
            yield item_service_pb2.LiveRequest(end=item_service_pb2.LiveEnd())

        yield from self.items.Live(messages())

    def put_text(self, words: str, **arguments: Any) -> item_pb2.Item:
        return self.put(words.encode("utf-8"), media_type="text/plain", **arguments)

    def link(self, item_ids: Iterable[int], event: str = "") -> event_service_pb2.Event:
        """Says that the items occurred together."""
        members = [event_service_pb2.EventMember(item_id=item_id) for item_id in item_ids]
        request = event_service_pb2.LinkRequest(event_id=event, members=members, request_id=str(uuid.uuid4()))
        return self.events.Link(request, timeout=self._timeout).event

    def links(self, item_id: int = 0, **conditions: Any) -> Iterator[event_service_pb2.Link]:
        """What is learned as occurring together, and why; all of it, or of an item. More conditions by the names of
        ListLinksRequest: part_id, event_id, kind, state, source, principal."""
        request = event_service_pb2.ListLinksRequest(item_id=item_id, page_size=1000, **conditions)
        while True:
            page = self.events.ListLinks(request, timeout=self._timeout)
            yield from page.links
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def correct_link(self, link_id: str, *, weight: Optional[float] = None, undo: bool = False,
                     restore: bool = False) -> List[event_service_pb2.Link]:
        """Exactly one of weight, undo and restore. An event's id means all links of it."""
        if (weight is not None) + undo + restore != 1:
            raise ValueError("correct_link: wanted exactly one of weight, undo and restore")
        change = {"weight": weight} if weight is not None else {"undo": True} if undo else {"restore": True}
        request = event_service_pb2.CorrectLinkRequest(link_id=link_id, **change)
        return list(self.events.CorrectLink(request, timeout=self._timeout).links)

    def hold_links(self, *, source: Optional[str] = None,
                   principal: Optional[str] = None) -> event_service_pb2.HoldLinksResponse:
        """Learns nothing from a source or a principal, now and from now on."""
        return self.events.HoldLinks(event_service_pb2.HoldLinksRequest(source=source, principal=principal),
                                     timeout=self._timeout)

    def release_links(self, *, source: Optional[str] = None,
                      principal: Optional[str] = None) -> event_service_pb2.ReleaseLinksResponse:
        """Takes a hold back."""
        return self.events.ReleaseLinks(event_service_pb2.ReleaseLinksRequest(source=source, principal=principal),
                                        timeout=self._timeout)

    def remove_links(self, *, source: Optional[str] = None,
                     principal: Optional[str] = None) -> event_service_pb2.RemoveLinksResponse:
        """Unlearns for good all that a source or a principal brought so far; the items stay."""
        return self.events.RemoveLinks(event_service_pb2.RemoveLinksRequest(source=source, principal=principal),
                                       timeout=self._timeout)

    def search(self, *terms: search_service_pb2.QueryTerm, k: int = 10, modalities: Sequence[str] = (),
               where: Optional[filter_pb2.Filter] = None,
               group_by: str = "item") -> List[search_service_pb2.Hit]:
        """The k nearest, nearest first. `modalities` are names such as "image"; group_by is item, event or part."""
        return list(self.search_response(*terms, k=k, modalities=modalities, where=where, group_by=group_by).hits)

    def search_response(self, *terms: search_service_pb2.QueryTerm, k: int = 10, modalities: Sequence[str] = (),
                        where: Optional[filter_pb2.Filter] = None,
                        group_by: str = "item") -> search_service_pb2.SearchResponse:
        """As search, with the generation and the server's own times."""
        request = search_request(*terms, k=k, modalities=modalities, where=where, group_by=group_by)
        if request.ByteSize() <= _UNARY_QUERY_BYTES:
            return self.searches.Search(request, timeout=self._timeout)
        return self.searches.StreamSearch(_search_messages(request), timeout=self._timeout).response

    def search_many(self, queries: Iterable[Query], k: int = 10, modalities: Sequence[str] = (),
                    where: Optional[filter_pb2.Filter] = None,
                    group_by: str = "item") -> List[Union[search_service_pb2.SearchResponse, "SearchError"]]:
        """Many searches, answered in the order of `queries`: each a response, or a SearchError in its place.

        A query is words, a term, a list of terms, or a SearchRequest, which says k and all else itself.
        """
        answers: Dict[int, Union[search_service_pb2.SearchResponse, SearchError]] = {}
        for place, answer in self.stream_search_many(queries, k=k, modalities=modalities, where=where,
                                                     group_by=group_by):
            answers[place] = answer
        return [answers[place] for place in sorted(answers)]

    def stream_search_many(
            self, queries: Iterable[Query], k: int = 10, modalities: Sequence[str] = (),
            where: Optional[filter_pb2.Filter] = None,
            group_by: str = "item") -> Iterator[Tuple[int, Union[search_service_pb2.SearchResponse, "SearchError"]]]:
        """As search_many, but each answer as it is ready, with the place of its query.

        Sent in calls of at most 256 searches; those of one call are answered by one generation.
        """
        first, batch, size = 0, [], 0
        for query in queries:
            if isinstance(query, search_service_pb2.SearchRequest):
                request = query
            else:
                request = search_request(*_terms(query), k=k, modalities=modalities, where=where, group_by=group_by)
            if batch and (len(batch) == _BATCH_SEARCHES or size + request.ByteSize() > _BATCH_BYTES):
                yield from self._one_batch(first, batch)
                first, batch, size = first + len(batch), [], 0
            batch.append(request)
            size += request.ByteSize()
        if batch:
            yield from self._one_batch(first, batch)

    def _one_batch(self, first: int, batch):
        request = search_service_pb2.BatchSearchRequest(searches=batch)
        for answer in self.searches.BatchSearch(request, timeout=self._timeout):
            if answer.WhichOneof("outcome") == "response":
                yield first + answer.index, answer.response
            else:
                yield first + answer.index, SearchError(answer.error.code, answer.error.message)

    def get(self, item_id: int, parts: bool = False, vectors: bool = False) -> item_pb2.Item:
        request = item_service_pb2.ItemServiceGetRequest(item_id=item_id, include_parts=parts, include_vectors=vectors)
        return self.items.Get(request, timeout=self._timeout).item

    def list(self, where: Optional[filter_pb2.Filter] = None, page_size: int = 1000) -> Iterator[item_pb2.Item]:
        """All items that meet the filter, by ascending id."""
        token = ""
        while True:
            page = self.items.List(item_service_pb2.ItemServiceListRequest(filter=where, page_size=page_size,
                                                                           page_token=token), timeout=self._timeout)
            yield from page.items
            token = page.next_page_token
            if not token:
                return

    def download(self, item_id: int) -> bytes:
        request = item_service_pb2.DownloadRequest(item_id=item_id)
        return b"".join(answer.chunk for answer in self.items.Download(request, timeout=self._timeout))

    def delete(self, item_id: int) -> None:
        self.items.Delete(item_service_pb2.ItemServiceDeleteRequest(item_id=item_id), timeout=self._timeout)

    def learning_status(self) -> learning_service_pb2.LearningStatus:
        return self.learning.Status(learning_service_pb2.StatusRequest(), timeout=self._timeout).status

    def pause_learning(self) -> learning_service_pb2.LearningStatus:
        return self.learning.Pause(learning_service_pb2.PauseRequest(), timeout=self._timeout).status

    def resume_learning(self) -> learning_service_pb2.LearningStatus:
        return self.learning.Resume(learning_service_pb2.ResumeRequest(), timeout=self._timeout).status

    def stats(self) -> admin_service_pb2.StatsResponse:
        return self.admin.Stats(admin_service_pb2.StatsRequest(), timeout=self._timeout)


def search_request(*terms: search_service_pb2.QueryTerm, k: int = 10, modalities: Sequence[str] = (),
                   where: Optional[filter_pb2.Filter] = None,
                   group_by: str = "item") -> search_service_pb2.SearchRequest:
    """What Client.search sends."""
    return search_service_pb2.SearchRequest(
        query=terms, k=k, filter=where, target_modalities=[modality_number(name) for name in modalities],
        group_by=search_service_pb2.GroupBy.Value("GROUP_BY_" + group_by.upper()))


def _terms(query: Query) -> Sequence[search_service_pb2.QueryTerm]:
    if isinstance(query, str):
        return [terms.text(query)]
    if isinstance(query, search_service_pb2.QueryTerm):
        return [query]
    return query


def modality_number(name: str) -> int:
    """"image" gives MODALITY_IMAGE. ValueError for an unknown name."""
    return item_pb2.Modality.Value("MODALITY_" + name.upper())


def modality_name(number: int) -> str:
    return item_pb2.Modality.Name(number)[len("MODALITY_"):].lower()


def _upload_messages(header: item_service_pb2.UploadHeader, data: bytes) -> Iterator[item_service_pb2.UploadRequest]:
    yield item_service_pb2.UploadRequest(header=header)
    for start in range(0, len(data), _CHUNK_BYTES):
        yield item_service_pb2.UploadRequest(chunk=data[start:start + _CHUNK_BYTES])
    finish = item_service_pb2.UploadFinish(sha256=hashlib.sha256(data).digest())
    yield item_service_pb2.UploadRequest(finish=finish)


def _search_messages(request: search_service_pb2.SearchRequest) -> Iterator[search_service_pb2.StreamSearchRequest]:
    """The request without its largest content, then that content in chunks."""
    sizes = [term.content.ByteSize() for term in request.query]
    largest = request.query[sizes.index(max(sizes))]
    if largest.WhichOneof("kind") != "content" or largest.weight not in (0.0, 1.0):
        raise ValueError("search: a query of more than 3 MiB needs its largest content to have weight 1")
    data = largest.content.data or largest.content.text.encode("utf-8")
    head = search_service_pb2.SearchRequest()
    head.CopyFrom(request)
    del head.query[sizes.index(max(sizes))]
    yield search_service_pb2.StreamSearchRequest(request=head)
    for start in range(0, len(data), _CHUNK_BYTES):
        yield search_service_pb2.StreamSearchRequest(chunk=data[start:start + _CHUNK_BYTES])
