"""A web server on the loopback address, with files in memory and the manners of bad ones."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """What is answered to a GET (or HEAD) of one path."""

    content: bytes = b""
    status: int = 200
    ranges: bool = True
    """Whether parts can be asked for."""
    cut: int | None = None
    """After so many bytes of an answer the connection is closed."""
    length: bool = True
    """Whether it says how long it is."""
    headers: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None
    """Called before anything is sent."""
    between: Callable[[], object] = lambda: None
    """Called after the first `cut` bytes; where it is set the rest follows."""


@dataclass
class FileServer:
    """Files by path, which tests may replace; what was asked for, with the range of each."""

    url: str
    files: dict[str, Answer | list[Answer]]
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def answer(self, path: str) -> Answer:
        """What to answer, whatever stands after a ?; of a list each answer in turn, the last one for good."""
        found = self.files.get(path) or self.files.get(path.partition("?")[0], Answer(status=404))
        if isinstance(found, Answer):
            return found
        return found.pop(0) if len(found) > 1 else found[0]


@contextmanager
def serving(files: Mapping[str, Answer | list[Answer]] | None = None) -> Iterator[FileServer]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(body=True)

        def do_HEAD(self) -> None:
            self._send(body=False)

        def _send(self, body: bool) -> None:
            asked = self.headers.get("Range")
            if body:
                state.asked.append((self.path, asked))
            answer = state.answer(self.path)
            answer.before()
            start, status = 0, answer.status
            if asked and answer.ranges and status == 200:
                start = int(re.match(r"bytes=(\d+)-", asked)[1])
                status = 206 if start < len(answer.content) else 416
            content = answer.content[start:] if status != 416 else b""
            self.send_response(status)
            if status == 206 and "Content-Range" not in answer.headers:
                total = len(answer.content)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            if answer.length:
                self.send_header("Content-Length", str(len(content)))
            else:
                self.close_connection = True
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self._write(answer, content)

        def _write(self, answer: Answer, content: bytes) -> None:
            if answer.cut is None or len(content) <= answer.cut:
                self.wfile.write(content)
                return
            self.wfile.write(content[: answer.cut])
            self.wfile.flush()
            answer.between()
            self.close_connection = True
            if answer.between is not Answer.between:
                self.wfile.write(content[answer.cut :])

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # who asked has gone
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = FileServer(f"http://127.0.0.1:{server.server_address[1]}", dict(files or {}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
