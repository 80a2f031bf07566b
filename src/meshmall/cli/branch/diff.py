"""`branch diff`: the same requests to baseline and branch, and what differs."""

import json
import time
from collections.abc import Mapping, Sequence

from mesh.branches.compare import SAFE, Ask, CannotCompare, Compared, Gateway, answering, compare
from mesh.daemon.failure import Failure
from meshmall.cli.branch.wait import fetch
from meshmall.cli.context import Context

TOLD_LIMIT = 2.0
MOST_SHOWN = 40


def show_differences(context: Context, name: str, paths: Sequence[str], ask: Ask, *, unsafe: bool, output: str) -> None:
    """Prints what differs for each path. Raises Failure with exit code 1, without a message, when something does."""
    if ask.method not in SAFE and not unsafe:
        raise Failure(f"{ask.method} may change something, at the baseline too", "--unsafe sends it all the same", 2)
    fetch(context, name)
    settings = context.home.settings()
    gateway = Gateway(settings.address, settings.gateway_port)

    def workloads(request_id: str) -> Mapping[str, str]:
        """{} when Envoy has not told it in time."""
        deadline = time.monotonic() + TOLD_LIMIT
        while time.monotonic() < deadline:
            found = answering(context.client.request(request_id))
            if found is not None:
                return found
            time.sleep(0.02)
        return {}

    try:
        found = [compare(gateway, name, path, ask, workloads) for path in paths]
    except CannotCompare as error:
        raise Failure(error.message, error.remedy) from None
    if output == "json":
        told = {
            each.path: {
                "milliseconds": {"baseline": each.baseline_milliseconds, "branch": each.branch.milliseconds},
                "differences": [{"what": d.what, "baseline": d.baseline, "branch": d.branch} for d in each.differences],
            }
            for each in found
        }
        context.view.plain(json.dumps(told, indent=2))
    else:
        for each in found:
            _print(context, name, f"{ask.method} {each.path}", each)
    if any(each.differences for each in found):
        raise SystemExit(1)


def header_of(line: str) -> tuple[str, str]:
    """-H's "NAME: VALUE". Raises Failure."""
    key, colon, value = line.partition(":")
    if not colon:
        raise Failure(f"-H {line!r} is not 'NAME: VALUE'", code=2)
    return key.strip(), value.strip()


def _print(context: Context, name: str, title: str, compared: Compared) -> None:
    view, lines = context.view, compared.differences
    timing = f"baseline {compared.baseline_milliseconds:.1f} ms, {name} {compared.branch.milliseconds:.1f} ms"
    if not lines:
        view.say(f"{title}: no difference [dim]({timing})[/]")
        return
    view.say(f"{title}: {len(lines)} differences [dim]({timing})[/]")
    view.columns(["WHAT", "BASELINE", name.upper()], [[e.what, e.baseline, e.branch] for e in lines[:MOST_SHOWN]])
    if len(lines) > MOST_SHOWN:
        view.say(f"... and {len(lines) - MOST_SHOWN} more; -o json has them all")
