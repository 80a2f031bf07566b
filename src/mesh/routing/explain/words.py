"""Matches and effects of rows in words, for people. Pure."""

import re
from collections.abc import Iterator

from mesh.routing.model.match import Match, MatchKind, Pattern
from mesh.routing.model.route import Fault, Forward, Rewrite, Route

HOLDS = {
    MatchKind.EXACT: "is",
    MatchKind.PREFIX: "begins with",
    MatchKind.PATH_PREFIX: "is below",
    MatchKind.REGEX: "matches",
}
DIFFERS = {
    MatchKind.EXACT: "is not",
    MatchKind.PREFIX: "does not begin with",
    MatchKind.PATH_PREFIX: "is not below",
}


def describe_match(match: Match) -> str:
    """All conditions of a match."""
    parts = [f"path {describe_pattern(match.path)}"] if match.path is not None else []
    fields = [(field.invert, field.name, field.pattern) for field in (*match.headers, *match.query)]
    fields += [(claim.invert, f"the token's {'.'.join(claim.path)}", claim.pattern) for claim in match.claims]
    parts += [f"{'not ' if invert else ''}{name} {describe_pattern(pattern)}" for invert, name, pattern in fields]
    parts += [f"the caller's {key} is {value}" for key, value in match.source_labels]
    if match.destination is not None:
        parts.append(f"the connection goes to an address that {describe_pattern(match.destination)}")
    return ", ".join(parts) or "matches every request"


def describe_pattern(pattern: Pattern) -> str:
    """What a value must be like, as the end of a sentence."""
    return f"{HOLDS.get(pattern.kind, 'is present')} {pattern.value}".rstrip()


def describe_difference(pattern: Pattern) -> str:
    """How a value differs from a pattern, as the end of a sentence."""
    if pattern.kind is MatchKind.REGEX:
        return f"does not match {pattern.value}"
    return f'{DIFFERS.get(pattern.kind, "is not")} "{pattern.value}"'


def effects(route: Route, path: str = "") -> Iterator[str]:
    """What a row does besides its destinations, one line each; `path` is the request's, where there is one."""
    if route.authentication:
        yield token_must_be_valid(route.authentication)
    if route.fault is not None:
        yield from fault_lines(route.fault)
    if isinstance(route.action, Forward):
        yield from _forward(route.action)
        if route.action.rewrite is not None:
            yield from _rewrite(route.action.rewrite, route.match.path, path)


def token_must_be_valid(providers: tuple[str, ...]) -> str:
    return f"a token, if sent or required, must be valid ({', '.join(providers)}); otherwise 401"


def fault_lines(fault: Fault) -> Iterator[str]:
    """What a fault does, one line each."""
    if fault.abort_status is not None:
        yield f"fault: {fault.abort_percent:g} % are answered with {fault.abort_status}"
    if fault.abort_grpc is not None:
        yield f"fault: {fault.abort_percent:g} % are answered with the gRPC status {fault.abort_grpc}"
    if fault.delay is not None:
        yield f"fault: {fault.delay_percent:g} % are delayed by {fault.delay:g} s"


def _forward(action: Forward) -> Iterator[str]:
    if action.timeout is not None:
        yield f"timeout {action.timeout:g} s"
    if action.retry is not None:
        yield f"{action.retry.attempts} retries on {', '.join(action.retry.retry_on)}"
    for cluster, percent in action.mirrors:
        yield f"{percent:g} % are copied to {cluster}"


def _rewrite(rewrite: Rewrite, pattern: Pattern | None, path: str) -> Iterator[str]:
    if rewrite.authority is not None:
        yield f"rewrites the authority: {rewrite.authority}"
    if rewrite.prefix is None and rewrite.regex is None:
        return
    if path:
        after = rewritten(rewrite, pattern, path)
        doubled = " (mind the double slash: prefix and rewrite should both end with /, or neither)"
        yield f"rewrites the path: {path} to {after}{doubled if '//' in after and '//' not in path else ''}"
    elif rewrite.prefix is not None:
        yield f"rewrites the path's matched part to {rewrite.prefix}"
    else:
        yield f"rewrites the path: replaces what matches {rewrite.regex} with {rewrite.substitution or 'nothing'}"


def rewritten(rewrite: Rewrite, pattern: Pattern | None, path: str) -> str:
    """The path that the service sees. Envoy replaces the matched prefix; of an exact or regex match, the whole path."""
    if rewrite.regex is not None:
        return re.sub(rewrite.regex, rewrite.substitution or "", path)
    if rewrite.prefix is None:
        return path
    if pattern is not None and pattern.kind in (MatchKind.EXACT, MatchKind.REGEX):
        return rewrite.prefix
    matched = pattern.value if pattern is not None else "/"
    return rewrite.prefix + path[len(matched) :]
