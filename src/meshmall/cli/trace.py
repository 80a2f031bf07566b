"""`meshmall trace`: one request through the whole mesh, as a tree."""

import http.client
import json
import time
import uuid
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from rich.markup import escape
from rich.tree import Tree

from mesh.client.api import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import BAGGAGE_MEMBER
from mesh.resources.values.body import Body
from meshmall.cli.branch.diff import header_of
from meshmall.cli.context import Context

LIMIT = 60.0
TOLD_LIMIT = 5.0
LARGEST_ANSWER = 64 << 20


def show_trace(
    context: Context, url: str | None, *, branch: str, method: str, headers: Sequence[str], request_id: str, output: str
) -> None:
    """Sends a request and prints its tree; without a URL, prints that of the last request, or of the one named.

    Raises Failure when it cannot be sent, or nothing is known of it.
    """
    if output not in ("text", "json"):
        raise Failure(f"-o {output}: known are text, json", code=2)
    pairs = [header_of(each) for each in headers]
    try:
        if url is not None:
            spans = _told(context, _send(context, url, branch, method, pairs))
        else:
            spans = _of(context, request_id)
    except ApiError as error:
        raise Failure(error.message) from None
    if output == "json":
        context.view.plain(json.dumps(spans, indent=2))
    else:
        context.view.drawn(tree(spans))


def _of(context: Context, request_id: str) -> list[Body]:
    request_id = request_id or context.client.last_request()
    spans = context.client.request(request_id) if request_id else []
    if not spans:
        what = f"request {request_id}" if request_id else "any request"
        raise Failure(f"nothing is known of {what}", "the mesh keeps the last 10,000 since it was started")
    return list(spans)


def _send(context: Context, url: str, branch: str, method: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Sends the request; returns its x-request-id."""
    settings = context.home.settings()
    if url.startswith("/"):
        url = f"{settings.gateway_url}{url}"
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise Failure(
            f'"{url[:200]}" is not a URL of the gateway', f"as {settings.gateway_url}/api/mall, or /api/mall", 2
        )
    request_id = str(uuid.uuid4())
    headers = {"Host": parts.netloc, "x-request-id": request_id, **dict(pairs)}
    if branch:
        name = next((key for key in headers if key.lower() == "baggage"), "baggage")
        headers[name] = ",".join(filter(None, (f"{BAGGAGE_MEMBER}={branch}", headers.get(name, ""))))
    # A preview host is the gateway's, whatever this machine's resolver makes of it.
    preview = parts.hostname.endswith(".localhost")
    host = settings.address if preview else parts.hostname
    connection = http.client.HTTPConnection(host, parts.port or 80, timeout=LIMIT)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, path, headers=headers)
        connection.getresponse().read(LARGEST_ANSWER)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Failure(f"{url} does not answer: {error}", f"the gateway is at {settings.gateway_url}") from None
    finally:
        connection.close()
    return next((value for name, value in headers.items() if name.lower() == "x-request-id"), request_id)


def _told(context: Context, request_id: str) -> list[Body]:
    """The spans, once Envoy has told the outermost one and no more come."""
    deadline = time.monotonic() + TOLD_LIMIT
    before = -1
    while time.monotonic() < deadline:
        spans = context.client.request(request_id)
        if any(span["parent"] is None and not span["source"] for span in spans) and len(spans) == before:
            return list(spans)
        before = len(spans)
        time.sleep(0.15)
    if before > 0:
        return list(context.client.request(request_id))
    raise Failure("Envoy told nothing of the request", "was it sent to this mesh's gateway?")


def tree(spans: Sequence[Body]) -> Tree:
    """The spans as a tree for a terminal."""
    whole = max(span["start"] + span["milliseconds"] / 1000 for span in spans) - min(span["start"] for span in spans)
    top = Tree(f"[dim]request {escape(spans[0]['requestId'])}, {len(spans)} hops, {whole * 1000:.1f} ms[/]")
    made: dict[int, Tree] = {}
    for number in _outer_first(spans):
        parent = spans[number]["parent"]
        above = made[parent] if parent is not None else top
        made[number] = above.add(_line(spans[number]))
    return top


def _outer_first(spans: Sequence[Body]) -> Iterator[int]:
    below: dict[int | None, list[int]] = {}
    for number, span in enumerate(spans):
        below.setdefault(span["parent"], []).append(number)
    waiting = list(reversed(below.get(None, [])))
    while waiting:
        number = waiting.pop()
        yield number
        waiting += reversed(below.get(number, []))


def _line(span: Body) -> str:
    answered = span["destination"]
    name = span["service"].rpartition("/")[2]
    who = f"[bold]{escape(name)}[/]"
    if answered:
        version = answered["version"]
        who += f" [{'magenta' if answered['branch'] else 'cyan'}]{escape(version)}[/]" if version else ""
        who += f" [dim]{escape(answered['workload'])}[/]"
    marks = []
    if span["fallback"]:
        marks.append(f"[yellow]fallback of {escape(span['branch'])}[/]")
    elif answered and answered["branch"]:
        marks.append(f"[magenta]branch {escape(answered['branch'])}[/]")
    if span["flags"]:
        marks.append(f"[red]{escape(span['flags'])}[/]")
    failed = span["status"] >= 500 or span["status"] == 0
    status = f"[red]{span['status']}[/]" if failed else str(span["status"])
    path = escape(urlsplit(span["url"]).path)
    rule = span.get("rule")
    by = f" [dim]by {escape(rule['row'])}[/]" if rule else ""
    return (
        f"{who} {escape(span['method'])} {path} {status} {span['milliseconds']:.1f} ms{by} {' '.join(marks)}".rstrip()
    )
