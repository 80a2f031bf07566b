"""`branch diff`: sends the same requests to the baseline and a branch, and shows what differs."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from mesh.branches.compare import SAFE, Ask, CannotCompare, Compared, Gateway, answering, compare
from mesh.daemon.failure import Failure
from meshmall.cli.branch.junit import junit
from meshmall.cli.branch.wait import fetch
from meshmall.cli.context import Context
from meshmall.cli.options import require_output

SPANS_LIMIT = 2.0
MOST_SHOWN = 40


def show_differences(
    context: Context,
    name: str,
    paths: Sequence[str],
    ask: Ask,
    *,
    unsafe: bool,
    ignored: Sequence[str],
    report: str,
    output: str,
) -> None:
    """Prints what differs for each path; exit code 1 if anything does. Raises Failure when it cannot.

    `ignored` are shell patterns of differences that do not count; `report` is a file for the result as JUnit XML, also
    when requests cannot be compared.
    """
    require_output(output, "text", "json")
    if ask.method not in SAFE and not unsafe:
        raise Failure(f"{ask.method} may change data, in the baseline too", "to send it anyway: --unsafe", 2)
    fetch(context, name)
    results = [(path, _compared(context, name, path, ask, ignored)) for path in paths]
    if report:
        try:
            Path(report).write_text(junit(name, ask.method, results), encoding="utf-8")
        except OSError as error:
            raise Failure(f"--junit {report}: {error.strerror}") from None
    for _, result in results:
        if isinstance(result, CannotCompare):
            raise Failure(result.message, result.remedy)
    comparisons = [result for _, result in results if isinstance(result, Compared)]
    if output == "json":
        body = {
            compared.path: {
                "milliseconds": {"baseline": compared.baseline_milliseconds, "branch": compared.branch.milliseconds},
                "differences": [
                    {"what": d.what, "baseline": d.baseline, "branch": d.branch} for d in compared.differences
                ],
            }
            for compared in comparisons
        }
        context.view.plain(json.dumps(body, indent=2))
    else:
        for compared in comparisons:
            _print(context, name, f"{ask.method} {compared.path}", compared)
    if any(compared.differences for compared in comparisons):
        raise SystemExit(1)


def _compared(context: Context, name: str, path: str, ask: Ask, ignored: Sequence[str]) -> Compared | CannotCompare:
    """What differs for one path, or why that cannot be known."""
    gateway = Gateway(context.settings.address, context.settings.gateway_port)

    def workloads(request_id: str) -> Mapping[str, str]:
        """The workload that answered for each service; {} when Envoy has not reported the request in time."""
        deadline = time.monotonic() + SPANS_LIMIT
        while time.monotonic() < deadline:
            answered = answering(context.client.request(request_id))
            if answered is not None:
                return answered
            time.sleep(0.02)
        return {}

    try:
        compared = compare(gateway, name, path, ask, workloads)
    except CannotCompare as error:
        return error
    counted = (d for d in compared.differences if not any(fnmatchcase(d.what, pattern) for pattern in ignored))
    return replace(compared, differences=tuple(counted))


def header_of(line: str) -> tuple[str, str]:
    """The name and value of `-H 'NAME: VALUE'`. Raises Failure."""
    key, colon, value = line.partition(":")
    if not colon or not key.strip():
        raise Failure(f"-H {line!r}: use 'NAME: VALUE', for example 'cookie: user=fox'", code=2)
    return key.strip(), value.strip()


def _print(context: Context, name: str, title: str, compared: Compared) -> None:
    view, lines = context.view, compared.differences
    timing = f"baseline {compared.baseline_milliseconds:.1f} ms, {name} {compared.branch.milliseconds:.1f} ms"
    if not lines:
        view.say(f"{title}: no difference [dim]({timing})[/]")
        return
    count = "1 difference" if len(lines) == 1 else f"{len(lines)} differences"
    view.say(f"{title}: {count} [dim]({timing})[/]")
    view.columns(["WHAT", "BASELINE", name.upper()], [[e.what, e.baseline, e.branch] for e in lines[:MOST_SHOWN]])
    if len(lines) > MOST_SHOWN:
        view.say(f"... and {len(lines) - MOST_SHOWN} more; see all with -o json")
