"""How requests are recognised that enter a branch, or that are in one, in what every proxy knows: exact values and
regular expressions (RE2) on headers, query parameters and hosts.

Each pattern means what `envoy/encode/lua/enter.lua` and `marks.lua` do, so that a request enters the same branch on a
cluster. RE2 has no look-ahead: "the first member of this name" is spelled out, character by character.
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from mesh.resources.meshmall.branch import BAGGAGE_MEMBER, ENTRY_ORDER, Branch, NameValue
from mesh.resources.values.cookies import cookie_pattern

BLANKS = r"[ \t]*"


class Condition(NamedTuple):
    """One condition on a request. `part` is "host", "query" or "header"; `name` is "" for the host.

    `is_member`: the request already carries the branch's own member of baggage, so that nothing has to be added.
    """

    part: str
    name: str
    exact: str = ""
    regex: str = ""
    is_member: bool = False


def entries(branches: Iterable[Branch], preview_host: Callable[[str], str]) -> list[tuple[str, Condition]]:
    """Every way into every branch, in the order in which the mesh tries them: the first that fits decides.

    Kinds come before branches, and of one kind fields (names of cookies, headers, ...) in the order in which the
    branches name them.
    """
    ordered = sorted(branches, key=lambda branch: branch.metadata.name)
    ways: list[tuple[str, Condition]] = []
    for kind in ENTRY_ORDER:
        written = [
            (branch.metadata.name, value)
            for branch in ordered
            for entry in branch.spec.enter
            if (value := getattr(entry, kind))
        ]
        if kind == "baggage":
            # Before all other members: a request that another hop has marked stays in its branch.
            ways += [(branch.metadata.name, member_is(branch.metadata.name)) for branch in ordered]
        fields = list(dict.fromkeys(_field(value) for _, value in written))
        written.sort(key=lambda way: fields.index(_field(way[1])))
        ways += [(branch, _condition(kind, value)) for branch, value in written]
        if kind == "host":
            names = [branch.metadata.name for branch in ordered]
            ways += [(name, _condition(kind, preview_host(name))) for name in names]
    return ways


def _field(value: NameValue | str) -> str:
    return value.name.lower() if isinstance(value, NameValue) else ""


def member_is(name: str) -> Condition:
    """The baggage says that the request is in this branch."""
    return Condition("header", "baggage", regex=_member(BAGGAGE_MEMBER, re.escape(name)), is_member=True)


def _condition(kind: str, value: NameValue | str) -> Condition:
    if isinstance(value, str):
        # A browser sends the port; a host's name has no case (RFC 9110, section 4.2.3).
        return Condition("host", "", regex=rf"(?i)^{re.escape(value)}(:[0-9]+)?$")
    match kind:
        case "cookie":
            return Condition("header", "cookie", regex=cookie_pattern(value.name, value.value))
        case "header":
            return Condition("header", value.name.lower(), exact=value.value)
        case "query":
            return Condition("query", value.name, regex=f"^{_encoded(value.value)}$")
    return Condition("header", "baggage", regex=_member(value.name, _encoded(value.value)))


def _encoded(text: str) -> str:
    """A pattern for a value each of whose bytes may be percent-encoded."""
    pattern = ""
    for character in text:
        encoded = "".join(f"%{byte:02x}" for byte in character.encode())
        pattern += f"(?:{re.escape(character)}|(?i:{encoded}))"
    return pattern


def _member(name: str, value: str) -> str:
    """A whole baggage header whose first member of this name has a value that fits; properties may follow it."""
    return rf"^(?:{_other_member(name)},)*{BLANKS}{re.escape(name)}{BLANKS}={BLANKS}{value}(?:[; \t,].*)?$"


def _other_member(name: str) -> str:
    """Any text without a comma that is no member of this name."""
    # Behind the whole name: the end, or what makes it a longer one.
    pattern = rf"{BLANKS}(?:[^=, \t][^,]*)?"
    for number, character in reversed(list(enumerate(name))):
        blanks = r" \t" if number == 0 else ""
        pattern = f"(?:[^{re.escape(character)},{blanks}][^,]*|{re.escape(character)}{pattern})?"
    return BLANKS + pattern


# The baggage names some branch.
ANY_MEMBER = Condition("header", "baggage", regex=_member(BAGGAGE_MEMBER, "[^;, \t]+"))
