"""Makes the gRPC stubs from proto/ with protoc, when they are missing or older than the protos.

They lie in $MIXMATCH_STUBS, else in build/python of the checkout.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess

_ROOT = pathlib.Path(__file__).resolve().parents[3]
_PROTOS = _ROOT / "proto"


def folder() -> pathlib.Path:
    """The folder that holds mixmatch/v1/*_pb2.py; makes it if need be."""
    out = pathlib.Path(os.environ.get("MIXMATCH_STUBS") or _ROOT / "build" / "python")
    protos = sorted(_PROTOS.glob("mixmatch/v1/*.proto"))
    if not _is_fresh(out, protos):
        out.mkdir(parents=True, exist_ok=True)
        with open(out / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_fresh(out, protos):
                _generate(out, protos)
    return out


def _is_fresh(out: pathlib.Path, protos) -> bool:
    stamp = out / ".made"
    return stamp.exists() and all(proto.stat().st_mtime < stamp.stat().st_mtime for proto in protos)


def _generate(out: pathlib.Path, protos) -> None:
    plugin = shutil.which("grpc_python_plugin")
    if plugin is None or shutil.which("protoc") is None:
        raise ImportError("mixmatch: protoc or grpc_python_plugin is missing; "
                          "install protobuf-compiler and protobuf-compiler-grpc")
    subprocess.run(["protoc", f"-I{_PROTOS}", f"--plugin=protoc-gen-grpc_python={plugin}", f"--python_out={out}",
                    f"--grpc_python_out={out}", *map(str, protos)], check=True)
    (out / ".made").touch()
