"""Requests and answers on top of ASGI: bounded bodies, JSON, streams."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import msgspec
import yaml

from mesh.api.transport import protobuf
from mesh.api.transport.status_errors import Problem, invalid_options
from mesh.api.transport.upgrade import UPGRADE, Upgrade
from mesh.resources.validation.documents import documents
from mesh.resources.values.problems import Invalid

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
JSON, YAML = "application/json", "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
# In the scope of a request whose client has shown a certificate of the mesh's authority.
CERTIFIED = "meshmall.certified"
# In the scope: what to call once the client has authenticated, so that its connection is not closed for others.
AUTHENTICATED = "meshmall.authenticated"
FALSE = frozenset({"false", "0"})


class Request:
    """One request. `query` has the last value of each name, `queries` have all; names of `headers` are lower case."""

    def __init__(self, scope: Scope, receive: Receive, *, largest_body: int, body_limit: float) -> None:
        self.method: str = scope["method"]
        # Some clients (httpx with a base URL, as in kr8s) ask for `/version/`.
        self.path: str = scope["path"].rstrip("/") or "/"
        self.headers = _joined(scope["headers"])
        text = scope["query_string"].decode("latin-1")
        self.query: dict[str, str] = dict(parse_qsl(text, keep_blank_values=True))
        self.queries: dict[str, list[str]] = parse_qs(text, keep_blank_values=True)
        self.certified = bool(scope.get(CERTIFIED))
        self.upgrade: Upgrade | None = scope.get(UPGRADE)
        self._authenticated: Callable[[], None] | None = scope.get(AUTHENTICATED)
        self.raw_json = b""
        """The body as it came, once `json` has read it; empty when it is not JSON."""

        # Set by the router from the path's pattern.
        self.parameters: dict[str, str] = {}
        self._receive = receive
        self._largest = largest_body
        self._limit = body_limit

    def authenticated(self) -> None:
        """Notes that the client has shown who it is. Idempotent."""
        if self._authenticated is not None:
            self._authenticated()

    def flag(self, name: str) -> bool:
        """A boolean from the query, false when it is absent."""
        return name in self.query and boolean(self.query[name])

    def number(self, name: str) -> int | None:
        """A whole number >= 0 from the query, None when it is absent. Raises Problem (400)."""
        text = self.query.get(name, "")
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise Problem(400, f'{name}: "{text}" is not a whole number')
        return int(text)

    @property
    def dry_run(self) -> bool:
        """Whether nothing may be stored. Raises Problem (422) for a value that Kubernetes does not define."""
        value = self.query.get("dryRun", "")
        if value not in ("", "All"):
            raise invalid_options(
                self.options, "dryRun", "FieldValueNotSupported", f'Unsupported value: "{value}"; use "All"'
            )
        return value == "All"

    @property
    def options(self) -> str:
        """The kind of this request's options (meta/v1)."""
        kinds = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}
        return kinds.get(self.method, "ListOptions")

    async def body(self) -> bytes:
        """The complete body. Raises Problem: 413 when it is too large, 408 when it does not arrive in time."""
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limit):
                while True:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        raise Problem(400, "the connection was closed before the body was complete")
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    if size > self._largest:
                        raise Problem(413, f"the body has more than {self._largest} bytes")
                    if not message.get("more_body"):
                        return b"".join(chunks)
        except TimeoutError:
            raise Problem(408, f"the body did not arrive within {self._limit:g} s") from None

    async def json(self) -> Any:
        """The body as JSON, None when it is empty. Raises Problem (400, 415)."""
        raw = await self.body()
        if not raw:
            return None
        kind = self.headers.get("content-type", JSON).partition(";")[0].strip()
        if kind == PROTOBUF:
            return protobuf.decode(raw)
        if kind == YAML:
            return _one_document(raw)
        if kind != JSON:
            raise Problem(415, f'the body is "{kind[:80]}"; {JSON}, {YAML} and {PROTOBUF} are accepted')
        self.raw_json = raw
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Problem(400, f"the body is not JSON: {error}") from None

    async def json_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises Problem (400)."""
        body = await self.json()
        if not isinstance(body, dict):
            raise Problem(400, "the body is not a JSON object")
        return body

    async def disconnected(self) -> None:
        """Returns when the client has disconnected. Call it only after the body has been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


@dataclass(slots=True)
class Reply:
    """A complete answer: `body` is encoded as JSON, or sent as it is when it is bytes."""

    body: Any
    code: int = 200
    content_type: str = JSON
    warnings: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, request: Request, send: Send) -> None:
        raw, content_type = self._encoded(request)
        headers = [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(raw)).encode()),
            (b"cache-control", b"no-cache, private"),
            (b"x-content-type-options", b"nosniff"),
            *((name.encode(), value.encode()) for name, value in self.headers.items()),
            *((b"warning", _warning(text)) for text in self.warnings),
        ]
        await send({"type": "http.response.start", "status": self.code, "headers": headers})
        await send({"type": "http.response.body", "body": raw})

    def _encoded(self, request: Request) -> tuple[bytes, str]:
        """The body, and its type: JSON, unless it is bytes already or the client would rather have YAML."""
        if request.headers.get("accept", "").startswith(YAML) and self.content_type == JSON:
            # An object that is read often is stored as JSON already.
            return yaml_of(msgspec.json.decode(self.body) if isinstance(self.body, bytes) else self.body), YAML
        if isinstance(self.body, bytes):
            return self.body, self.content_type
        raw = msgspec.json.encode(self.body)
        return (msgspec.json.format(raw, indent=2) if request.flag("pretty") else raw), self.content_type


@dataclass(slots=True)
class Stream:
    """An open-ended answer: pieces as they come, until they end, the client disconnects, or `closing` is set."""

    pieces: AsyncGenerator[bytes, None]
    closing: asyncio.Event
    content_type: str = JSON

    async def send(self, request: Request, send: Send) -> None:
        headers = [(b"content-type", self.content_type.encode()), (b"cache-control", b"no-cache, private")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        work = asyncio.ensure_future(self._pump(send))
        ends = [asyncio.ensure_future(request.disconnected()), asyncio.ensure_future(self.closing.wait())]
        try:
            await asyncio.wait([work, *ends], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (work, *ends):
                task.cancel()
            await asyncio.gather(work, *ends, return_exceptions=True)
        if not ends[0].done() or ends[0].cancelled():
            with suppress(OSError):
                await send({"type": "http.response.body", "body": b""})

    async def _pump(self, send: Send) -> None:
        async with aclosing(self.pieces) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})


@dataclass(slots=True)
class Takeover:
    """An answer that takes the connection over (see `mesh.api.transport.upgrade`) and ends with it."""

    serve: Callable[[], Awaitable[None]]

    async def send(self, request: Request, send: Send) -> None:
        try:
            await self.serve()
        except Problem as problem:
            # What the client asked for cannot be spoken; the connection has not been taken over.
            await Reply(problem.status(), problem.code).send(request, send)


Answer = Reply | Stream | Takeover
Handler = Callable[[Request], Awaitable[Answer]]


def boolean(text: str) -> bool:
    """A boolean as Kubernetes reads it from a query: everything but `false` and `0` is true, a bare name too."""
    return text.lower() not in FALSE


def yaml_of(body: Any) -> bytes:
    """A JSON value as YAML."""
    text: str = yaml.dump(body, Dumper=yaml.CSafeDumper, default_flow_style=False, allow_unicode=True)
    return text.encode()


def _one_document(raw: bytes) -> Any:
    """The only document of a YAML text. Raises Problem (400)."""
    try:
        bodies = [body for body, _ in documents(raw.decode())]
    except (Invalid, UnicodeDecodeError) as error:
        raise Problem(400, f"the body is not YAML: {error}") from None
    if len(bodies) != 1:
        raise Problem(400, f"the body has {len(bodies)} YAML documents; one is expected")
    return bodies[0]


def _joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name; the values of one that is repeated are joined by commas (RFC 9110, section 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _warning(text: str) -> bytes:
    """A Warning header's value (RFC 7234, as Kubernetes uses it): one line, ASCII."""
    plain = " ".join(text.split()).encode("ascii", "replace").decode()
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{escaped[:1000]}"'.encode()
