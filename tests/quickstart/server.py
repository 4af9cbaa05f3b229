"""A mixmatchd process on a free port of the local machine."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time
from typing import Iterator, List, Optional

import mixmatch

_START_SECONDS = 120
_STOP_SECONDS = 60


class Server:
    """Started by start(); `client` talks to it."""

    def __init__(self, binary: pathlib.Path, data: pathlib.Path, flags: Optional[List[str]] = None, log: str = "server"):
        self._binary, self._data, self._flags = binary, data, flags or []
        self.log_path = data.with_name(log + ".log")
        self._process: Optional[subprocess.Popen] = None
        self.address = ""
        self.client: mixmatch.Client = None

    def start(self) -> float:
        """Returns the seconds until it took calls. RuntimeError with the end of its log if it does not come up."""
        self._data.mkdir(parents=True, exist_ok=True)
        port_file = self._data.with_name(self.log_path.stem + ".port")
        port_file.unlink(missing_ok=True)
        start = time.monotonic()
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                [str(self._binary), "--listen", "127.0.0.1:0", "--data-dir", str(self._data), "--port-file",
                 str(port_file), *self._flags], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        while not (port_file.exists() and port_file.read_text().strip()):
            self._fail_if_ended()
            if time.monotonic() - start > _START_SECONDS:
                self.stop()
                raise RuntimeError(f"mixmatchd was not ready within {_START_SECONDS} s; its log: {self.log_path}")
            time.sleep(0.02)
        self.address = "127.0.0.1:" + port_file.read_text().strip().rsplit(":", 1)[-1]
        self.client = mixmatch.Client(self.address)
        self.client.wait_until_ready(_START_SECONDS)
        return time.monotonic() - start

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def data(self) -> pathlib.Path:
        return self._data

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """SIGTERM, which drains; SIGKILL if that takes too long."""
        if self.client is not None:
            self.client.close()
            self.client = None
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def resident_bytes(self) -> int:
        pages = int(pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _fail_if_ended(self) -> None:
        if self._process.poll() is not None:
            tail = self.log_path.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"mixmatchd ended with status {self._process.returncode}; the end of its log:\n{tail}")


@contextlib.contextmanager
def copy_with(original: Server, flags: List[str], name: str) -> Iterator[Server]:
    """A second server with other flags on a copy of the data of a stopped one. The copy is removed at the end."""
    copy = original._data.with_name(name)
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(original._data, copy, ignore=shutil.ignore_patterns("LOCK"))
    server = Server(original._binary, copy, flags, log=name)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(copy, ignore_errors=True)
