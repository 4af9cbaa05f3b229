"""The Python client against a fake server in the same process."""

import concurrent.futures
import contextlib
import os
import pathlib
import tempfile
import unittest
from unittest import mock

import grpc
import mixmatch
from mixmatch.v1 import access_service_pb2
from tests.quickstart.fake_server import running


class ClientTest(unittest.TestCase):
    def test_what_is_put_is_listed_and_downloaded(self):
        with running() as (client, _):
            item = client.put_text("a crow", event="crow", metadata={"lang": "en", "year": 2022, "good": True})
            self.assertEqual(client.download(item.item_id), b"a crow")
            self.assertEqual([found.item_id for found in client.list(mixmatch.where(lang="en"))], [item.item_id])
            self.assertEqual(list(client.list(mixmatch.where(lang=["fr", "de"]))), [])

    def test_a_listing_goes_over_all_pages(self):
        with running() as (client, _):
            for number in range(25):
                client.put_text(f"text {number}")
            self.assertEqual(len(list(client.list(page_size=10))), 25)

    def test_a_large_upload_is_sent_in_chunks_and_arrives_whole(self):
        with running() as (client, _):
            data = bytes(range(256)) * 8000
            item = client.put(data, media_type="image/png")
            self.assertEqual(client.download(item.item_id), data)

    def test_a_query_too_large_for_one_message_is_streamed(self):
        with running() as (client, _):
            client.put_text("a crow")
            hits = client.search(mixmatch.content(b"x" * 4_000_000, "image/png"), k=3)
            self.assertEqual(len(hits), 1)

    def test_many_searches_are_answered_in_their_order_and_each_for_itself(self):
        with running() as (client, _):
            client.put_text("a crow")
            queries = ["a crow", mixmatch.item(1), [mixmatch.text("a"), mixmatch.text("b", weight=-1.0)], [],
                       mixmatch.search_request(mixmatch.text("c"), k=3)]
            answers = client.search_many(queries * 60, k=1)
            self.assertEqual(len(answers), 300)
            for place, answer in enumerate(answers):
                if place % 5 == 3:
                    self.assertEqual(answer, mixmatch.SearchError(3, "query: got 0 terms"))
                else:
                    self.assertEqual(len(answer.hits), 1)

    def test_filters_of_places_ranges_and_combinations(self):
        circle = mixmatch.within(48.86, 2.35, 5000)
        self.assertEqual(circle.condition.within.radius_meters, 5000)
        years = mixmatch.where(year=slice(1990, None))
        self.assertEqual(years.condition.range.min, 1990)
        self.assertFalse(years.condition.range.HasField("max"))
        either = mixmatch.any_of(circle, mixmatch.not_(years))
        self.assertEqual([part.WhichOneof("kind") for part in either.any.filters], ["condition", "not"])

    def test_an_error_says_its_code(self):
        with running() as (client, _):
            with self.assertRaises(mixmatch.Error) as raised:
                client.delete(99)
            self.assertEqual(raised.exception.code().name, "NOT_FOUND")

    def test_metadata_of_another_type_is_refused_before_the_call(self):
        with self.assertRaises(TypeError):
            mixmatch.where(lang=b"en")
        with self.assertRaises(ValueError):
            from mixmatch.client import modality_number
            modality_number("smell")

    def test_every_kind_of_term_makes_a_query(self):
        terms = [mixmatch.text("a"), mixmatch.content(b"a"), mixmatch.item(1), mixmatch.part(1), mixmatch.upload("r"),
                 mixmatch.vector([0.0] * 512, weight=-1.0)]
        kinds = [term.WhichOneof("kind") for term in terms]
        self.assertEqual(kinds, ["content", "content", "item_id", "part_id", "upload_request_id", "vector"])


class _Listener(grpc.GenericRpcHandler):
    """Refuses every call, and keeps what it was shown."""

    def __init__(self):
        self.shown = []

    def service(self, details):
        self.shown.append(dict(details.invocation_metadata).get("authorization"))
        return None


@contextlib.contextmanager
def listening():
    listener = _Listener()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), handlers=(listener,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", listener
    finally:
        server.stop(None)


class CredentialsTest(unittest.TestCase):
    def test_every_kind_of_call_shows_the_token(self):
        with listening() as (address, listener), mixmatch.Client(address, token="mm_1") as client:
            for call in (lambda: client.access.WhoAmI(access_service_pb2.WhoAmIRequest()),  # One message each way,
                         lambda: client.put(b"a crow", media_type="text/plain"),            # many there,
                         lambda: client.download(1),                                        # many back,
                         lambda: list(client.live([b"x"]))):                                # many each way.
                with self.assertRaises(mixmatch.Error):
                    call()
            self.assertEqual(listener.shown, ["Bearer mm_1"] * 4)

    def test_without_a_token_none_is_shown(self):
        with listening() as (address, listener), mixmatch.Client(address) as client:
            with self.assertRaises(mixmatch.Error):
                client.access.WhoAmI(access_service_pb2.WhoAmIRequest())
            self.assertEqual(listener.shown, [None])

    def test_a_token_comes_from_a_file_or_from_the_environment(self):
        with tempfile.TemporaryDirectory() as folder, listening() as (address, listener):
            path = pathlib.Path(folder, "token")
            path.write_text("mm_file\n")
            for arguments, environment in (({"token_file": path}, {"MIXMATCH_TOKEN": "mm_other"}),
                                           ({}, {"MIXMATCH_TOKEN_FILE": str(path)}),
                                           ({}, {"MIXMATCH_TOKEN": "mm_environment"})):
                with mock.patch.dict(os.environ, environment), mixmatch.Client(address, **arguments) as client:
                    with self.assertRaises(mixmatch.Error):
                        client.access.WhoAmI(access_service_pb2.WhoAmIRequest())
            self.assertEqual(listener.shown, ["Bearer mm_file", "Bearer mm_file", "Bearer mm_environment"])

    def test_a_token_does_not_go_to_another_machine_unencrypted(self):
        with self.assertRaises(ValueError) as raised:
            mixmatch.Client("search.example.org:7411", token="mm_secret")
        self.assertNotIn("mm_secret", str(raised.exception))
        mixmatch.Client("search.example.org:7411", token="mm_secret", tls=True).close()
        mixmatch.Client("search.example.org:7411", token="mm_secret", insecure_token=True).close()
        mixmatch.Client("[::1]:7411", token="mm_secret").close()


if __name__ == "__main__":
    unittest.main()
