"""What a request's cookies say: RFC 6265, section 4.2.1 (`name=value` pairs between semicolons), and nothing else.

A comma or a quotation mark is part of a value. Several Cookie lines count as one, joined by `; ` (RFC 9113, section
8.2.3). `envoy/encode/lua/enter.lua` reads cookies the same way, and so does the pattern below, for proxies that know
regular expressions only.
"""

import re
from collections.abc import Iterable

BLANKS = " \t"


def first_cookie(lines: Iterable[str], name: str) -> str | None:
    """The value of the first cookie with this name, exactly as sent; None if there is none.

    Of several with one name the first counts: browsers send the one with the longest path first.
    """
    for pair in ";".join(lines).split(";"):
        key, equals, value = pair.strip(BLANKS).partition("=")
        if equals and key == name:
            return value
    return None


def cookie_pattern(name: str, value: str) -> str:
    """A regular expression (RE2) that matches a whole Cookie header in which `first_cookie` is this value."""
    pair = re.escape(f"{name}={value}")
    return rf"^(?:[ \t]*{_without_prefix(f'{name}=')};)*[ \t]*{pair}[ \t]*(?:;.*)?$"


def _without_prefix(prefix: str) -> str:
    """Matches any text without a semicolon that does not begin with `prefix`.

    RE2 has no look-ahead, so it is spelled out: what differs at the first character, or at the second, ...
    """
    pattern = ""
    for number, character in reversed(list(enumerate(prefix))):
        # The blanks before a name belong to no name: they must not make a pair look like another one.
        blanks = r" \t" if number == 0 else ""
        others = rf"[^{re.escape(character)};{blanks}][^;]*"
        pattern = f"(?:{others}|{re.escape(character)}{pattern})?" if pattern else f"(?:{others})?"
    return pattern
