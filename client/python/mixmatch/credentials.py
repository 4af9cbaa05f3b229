"""What a client shows a server: a token with each call, a certificate at the connection."""

import collections
import ipaddress
import os
import pathlib
from typing import Any, Optional, Union

import grpc

Path = Union[str, os.PathLike, None]


def find_token(token: str, token_file: Path) -> str:
    """The token, or that of the file, of MIXMATCH_TOKEN, of the file MIXMATCH_TOKEN_FILE; "" if there is none."""
    if token:
        return token
    if token_file is None:
        if os.environ.get("MIXMATCH_TOKEN"):
            return os.environ["MIXMATCH_TOKEN"].strip()
        token_file = os.environ.get("MIXMATCH_TOKEN_FILE") or None
    return pathlib.Path(token_file).read_text().strip() if token_file else ""


def is_on_this_machine(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    if address.startswith(("unix:", "unix-abstract:")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def encryption(tls: bool, ca: Path, certificate: Path, key: Path) -> Optional[grpc.ChannelCredentials]:
    """None: none."""
    def read(path: Path) -> Optional[bytes]:
        return pathlib.Path(path).read_bytes() if path else None

    if bool(certificate) != bool(key):
        raise ValueError("tls_cert, tls_key: got one, wanted both or none")
    if not (tls or ca or certificate):
        return None
    return grpc.ssl_channel_credentials(read(ca), read(key), read(certificate))


def connect(address: str, credentials: Optional[grpc.ChannelCredentials], server_name: str,
            options: Any) -> grpc.Channel:
    if credentials is None:
        return grpc.insecure_channel(address, options=options)
    if server_name:
        options = (*options, ("grpc.ssl_target_name_override", server_name))
    return grpc.secure_channel(address, credentials, options=options)


def with_token(channel: grpc.Channel, token: str) -> grpc.Channel:
    return grpc.intercept_channel(channel, _SendToken(token)) if token else channel


_Details = collections.namedtuple("_Details", ("method", "timeout", "metadata", "credentials", "wait_for_ready",
                                               "compression"))


class _SendToken(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamUnaryClientInterceptor,
                 grpc.StreamStreamClientInterceptor):
    """gRPC's own call credentials need TLS; a token over loopback has none."""

    def __init__(self, token: str):
        self._pair = ("authorization", "Bearer " + token)

    def _add(self, continuation: Any, details: Any, request: Any) -> Any:
        metadata = [*(details.metadata or ()), self._pair]
        return continuation(_Details(details.method, details.timeout, metadata, details.credentials,
                                     details.wait_for_ready, details.compression), request)

    def intercept_unary_unary(self, continuation, details, request):
        return self._add(continuation, details, request)

    def intercept_unary_stream(self, continuation, details, request):
        return self._add(continuation, details, request)

    def intercept_stream_unary(self, continuation, details, requests):
        return self._add(continuation, details, requests)

    def intercept_stream_stream(self, continuation, details, requests):
        return self._add(continuation, details, requests)
