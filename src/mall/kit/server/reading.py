"""Bytes to requests (RFC 9112). httptools (llhttp, as in Node.js) parses; this adds what a server decides itself.

llhttp is strict unless told otherwise, and is not told otherwise: it refuses Content-Length beside Transfer-Encoding,
repeated or odd lengths, bare CR and LF, folded headers and broken chunks. What it accepts and is refused here: codings
other than `chunked`, chunks in HTTP/1.0, other versions, and a request without exactly one Host. Trailers are dropped:
a header that comes after the body must not count as one that the proxy in front has seen.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import unquote

import httptools

from mall.kit.problem import Problem
from mall.kit.request import Headers, Request

LONGEST_TARGET = 8 * 1024
# Envoy forwards at most 60 KiB and 100 headers unless configured otherwise.
LARGEST_HEAD = 64 * 1024
MOST_HEADERS = 128
# A client may send requests before it has the answers to earlier ones. So many may wait; whatever comes with the last
# of them is dropped, and the connection closed after its answer. Clients then repeat what was not answered.
MOST_WAITING = 128
# Headers that decide how a request is read. Every other one is only stored.
DECISIVE = frozenset((b"host", b"content-length", b"transfer-encoding", b"expect", b"connection"))
# Chunks have sizes and extensions, and trailers come after them: a body may take so many times its length on the wire.
CHUNK_OVERHEAD = 8
_ERRORS = (httptools.HttpParserError, httptools.HttpParserUpgrade)


class _Stop(Exception):
    """Ends parsing from within a callback of the parser."""


class Reader:
    """Collects what a connection sends in `ready`: requests, and at most one Problem as the last item.

    `refuse` says why a request must not be sent a `100 Continue` (no such path, for example), from its head alone.
    `head` is the request whose body is being read.
    `over` becomes True when nothing more will be read. `awaits_continue` is True when the client waits for a `100
    Continue` before it sends the body, `partial` when part of a request has come and the rest is still to come.
    `refuses_head` is True when the Problem is for a HEAD: its answer must not have a body (RFC 9110, 9.3.2), also where
    the rest of its head is missing or wrong. Before the target has begun nobody knows the method, and there is a body.
    """

    __slots__ = (
        "_body", "_decisive", "_fed", "_headers", "_max_body", "_parser", "_refuse_head", "_url",
        "awaits_continue", "head", "over", "partial", "ready", "refuses_head",
    )  # fmt: skip

    def __init__(self, max_body: int, refuse: Callable[[Request], Problem | None]) -> None:
        self.ready: deque[Request | Problem] = deque()
        self.awaits_continue = False
        self.over = False
        self.partial = False
        self.refuses_head = False
        self._max_body = max_body
        self._refuse_head = refuse
        self._parser = httptools.HttpRequestParser(self)
        self._fed = 0
        self.head: Request | None = None
        self._url = b""
        self._headers: Headers = []
        self._decisive: Headers = []
        self._body = b""

    def feed(self, data: bytes) -> None:
        """More bytes from the client."""
        if self.over:
            return
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except _ERRORS as error:
            # Any error after `over` is about bytes that are not going to be read.
            if not self.over:
                self._end(Problem(400, f"not a valid HTTP/1.1 request: {error}"))
            return
        if self._fed > LARGEST_HEAD and self.partial:
            if self.head is None:
                self._end(self._too_large())
            elif self._fed > LARGEST_HEAD + CHUNK_OVERHEAD * self._max_body:
                self._end(self._body_too_large())

    def give_up(self, problem: Problem) -> None:
        """Reads nothing more, and answers the request that is being read with this problem."""
        self._end(problem)

    def on_message_begin(self) -> None:
        self.partial = True
        self._url = b""
        self._headers = []
        self._decisive = []
        self._body = b""

    def on_url(self, url: bytes) -> None:
        self._url += url
        if len(self._url) > LONGEST_TARGET:
            self._stop(Problem(414, f"the URL is longer than {LONGEST_TARGET} bytes"))

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head is not None:
            return  # A trailer.
        name = name.lower()
        self._headers.append((name, value))
        if name in DECISIVE:
            self._decisive.append((name, value))

    def on_headers_complete(self) -> None:
        url = self._url
        # `_fed` also counts what came after this head in the same read, so it is only a reason to look closer.
        if len(self._headers) > MOST_HEADERS:
            self._stop(self._too_large())
        if self._fed > LARGEST_HEAD and sum(len(n) + len(v) + 4 for n, v in self._headers) > LARGEST_HEAD:
            self._stop(self._too_large())
        try:
            path, query = _target(url)
        except httptools.HttpParserInvalidURLError:
            self._stop(Problem(400, "the target of the request is neither a path nor a URL"))
        method = self._parser.get_method().decode()
        request = Request(method, path, query, self._headers, keep_alive=self._parser.should_keep_alive())
        self.head = request
        self._check(request)

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > self._max_body:
            self._stop(self._body_too_large())

    def on_message_complete(self) -> None:
        request = self.head
        assert request is not None
        request.body = self._body
        request.begun = time.perf_counter()
        self.ready.append(request)
        self.head = None
        # Bytes that follow and are no request must not be taken for one with this target.
        self._url = b""
        self._fed = 0
        self.partial = self.awaits_continue = False
        if len(self.ready) >= MOST_WAITING:
            request.keep_alive = False
        if not request.keep_alive:
            self._stop(None)

    def _check(self, request: Request) -> None:
        """Everything that must be known before the body is read."""
        hosts = lengths = 0
        chunked = connection = False
        expects = b""
        for name, value in self._decisive:
            if name == b"host":
                hosts += 1
            elif name == b"content-length":
                lengths = int(value)
            elif name == b"transfer-encoding":
                chunked = True
                if value.strip().lower() != b"chunked":
                    self._stop(Problem(501, "transfer-encoding: only chunked is supported"))
            elif name == b"expect":
                expects = value.lower()
            else:
                connection = True
        # Only HTTP/1.1 keeps a connection without being asked to; asking the parser costs as much as all of this.
        version = "1.1" if request.keep_alive and not connection else self._parser.get_http_version()
        if version not in ("1.0", "1.1"):
            self._stop(Problem(505, f"HTTP/{version}: use HTTP/1.1"))
        if version == "1.0" and chunked:
            self._stop(Problem(400, "transfer-encoding is not part of HTTP/1.0"))
        if hosts != 1 and (version == "1.1" or hosts):
            self._stop(Problem(400, f"a request has one host header; this one has {hosts}"))
        if lengths > self._max_body:
            self._stop(self._body_too_large())
        if self._parser.should_upgrade():
            # An upgrade may be ignored, but the parser would take a body for the other protocol's bytes.
            request.keep_alive = False
            if lengths or chunked:
                self._stop(Problem(501, "an upgrade with a body is not supported"))
        request.announce_keep_alive = version == "1.0" and request.keep_alive
        if expects:
            self._expected(request, expects, bool(lengths or chunked) and version == "1.1")

    def _expected(self, request: Request, expects: bytes, waits: bool) -> None:
        if expects != b"100-continue":
            self._stop(Problem(417, "expect: only 100-continue is supported"))
        if waits:
            problem = self._refuse_head(request)
            if problem is not None:
                self._stop(problem)
            self.awaits_continue = True

    def _too_large(self) -> Problem:
        return Problem(431, f"the headers are larger than {LARGEST_HEAD} bytes or more than {MOST_HEADERS}")

    def _body_too_large(self) -> Problem:
        return Problem(413, f"the body is larger than {self._max_body} bytes")

    def _end(self, problem: Problem | None) -> None:
        if problem is not None:
            self.ready.append(problem)
            self.refuses_head = bool(self._url) and self._parser.get_method() == b"HEAD"
        self.over = True
        self.partial = self.awaits_continue = False

    def _stop(self, problem: Problem | None) -> NoReturn:
        self._end(problem)
        raise _Stop


def _target(url: bytes) -> tuple[str, bytes]:
    """The decoded path and the query of a request's target, which may be a whole URL (RFC 9112, 3.2)."""
    if url.startswith(b"/"):
        path, _, query = url.partition(b"#")[0].partition(b"?")
    else:
        # `*` and the `host:port` of CONNECT become paths that no service has.
        parsed = httptools.parse_url(url)
        path, query = parsed.path or b"", parsed.query or b""
    text = path.decode("latin-1")
    return (unquote(text) if "%" in text else text), query
