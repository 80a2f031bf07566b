"""`meshmall trace`: the path of one request through the mesh, as a tree."""

import http.client
import json
import time
import uuid
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from rich.markup import escape
from rich.tree import Tree

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import BAGGAGE_MEMBER
from mesh.resources.values.body import Body
from meshmall.cli.branch.diff import header_of
from meshmall.cli.branch.wait import existing
from meshmall.cli.context import Context
from meshmall.cli.options import require_output

LIMIT = 60.0
SPANS_LIMIT = 5.0
LARGEST_ANSWER = 64 << 20


def show_trace(
    context: Context, url: str | None, *, branch: str, method: str, headers: Sequence[str], request_id: str, output: str
) -> None:
    """Sends a request and prints its tree; without a URL, prints the tree of `request_id` or of the last request.

    Raises Failure when the request cannot be sent or is not found.
    """
    require_output(output, "text", "json")
    pairs = list(map(header_of, headers))
    if branch:
        branch = existing(context, branch)
    try:
        if url is not None:
            spans = _reported(context, _send(context, url, branch, method, pairs))
        else:
            spans = _of(context, request_id)
    except ApiError as error:
        raise Failure(error.message) from None
    if output == "json":
        context.view.plain(json.dumps(spans, indent=2))
    else:
        context.view.render(tree(spans))


def _of(context: Context, request_id: str) -> list[Body]:
    request_id = request_id or context.client.last_request()
    spans = context.client.request(request_id) if request_id else []
    if not spans:
        message = f"request {request_id} not found" if request_id else "no request yet"
        raise Failure(message, "the mesh remembers the last 10,000 requests since it started")
    return list(spans)


def _send(context: Context, url: str, branch: str, method: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Sends the request; returns its x-request-id."""
    settings = context.settings
    if url.startswith("/"):
        url = f"{settings.gateway_url}{url}"
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise Failure(
            f'"{url[:200]}" is not a URL of the gateway', f"for example {settings.gateway_url}/, or a path such as /", 2
        )
    request_id = str(uuid.uuid4())
    headers = {"Host": parts.netloc, "x-request-id": request_id, **dict(pairs)}
    if branch:
        name = next((key for key in headers if key.lower() == "baggage"), "baggage")
        headers[name] = ",".join(filter(None, (f"{BAGGAGE_MEMBER}={branch}", headers.get(name, ""))))
    # A preview host means the gateway, even where this machine's resolver does not know names under localhost.
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


def _reported(context: Context, request_id: str) -> list[Body]:
    """The spans, once Envoy has reported the outermost one and no more arrive."""
    deadline = time.monotonic() + SPANS_LIMIT
    before = -1
    while time.monotonic() < deadline:
        spans = context.client.request(request_id)
        if any(span["parent"] is None and not span["source"] for span in spans) and len(spans) == before:
            return list(spans)
        before = len(spans)
        time.sleep(0.15)
    if before > 0:
        return list(context.client.request(request_id))
    raise Failure("Envoy did not report the request", "was it sent to this mesh's gateway?")


def tree(spans: Sequence[Body]) -> Tree:
    """The spans as a tree for a terminal."""
    seconds = max(span["start"] + span["milliseconds"] / 1000 for span in spans) - min(span["start"] for span in spans)
    count = "1 hop" if len(spans) == 1 else f"{len(spans)} hops"
    top = Tree(f"[dim]request {escape(spans[0]['requestId'])}, {count}, {seconds * 1000:.1f} ms[/]")
    branches: dict[int, Tree] = {}
    for number in _outer_first(spans):
        parent = spans[number]["parent"]
        above = branches[parent] if parent is not None else top
        branches[number] = above.add(_line(spans[number]))
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
    pod = span["destination"]
    name = span["service"].rpartition("/")[2]
    who = f"[bold]{escape(name)}[/]"
    if pod:
        version = pod["version"]
        who += f" [{'magenta' if pod['branch'] else 'cyan'}]{escape(version)}[/]" if version else ""
        who += f" [dim]{escape(pod['workload'])}[/]"
    marks = []
    if span["fallback"]:
        marks.append(f"[yellow]fallback from branch {escape(span['branch'])}[/]")
    elif pod and pod["branch"]:
        marks.append(f"[magenta]branch {escape(pod['branch'])}[/]")
    if span["problem"] or span["flags"]:
        marks.append(f"[red]({escape(span['problem'] or span['flags'])})[/]")
    failed = span["status"] >= 500 or span["status"] == 0
    status = f"[red]{span['status']}[/]" if failed else str(span["status"])
    path = escape(urlsplit(span["url"]).path)
    rule = span.get("rule")
    by = f" [dim]by {escape(rule['row'])}[/]" if rule else ""
    return (
        f"{who} {escape(span['method'])} {path} {status} {span['milliseconds']:.1f} ms{by} {' '.join(marks)}".rstrip()
    )
