"""Removes secrets from a report: known ones wherever they are, and what looks like one. Pure.

A report is made to be handed around. Values of variables, headers and bodies are never collected; this is for what gets
into it otherwise: logs, addresses, messages.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from mesh.resources.values.body import Body
from meshmall.report.document import Document, Section

MARK = "[redacted]"
# Shorter values are words such as "true", which would be removed everywhere.
SHORTEST = 6
# What follows these names is a secret: in variables, JSON, headers and query strings.
_NAME = r"(?:[\w.-]*(?:passw(?:or)?d|passwd|secret|token|api[_-]?key|private[_-]?key|credential)[\w-]*|authorization)"
PATTERNS = (
    re.compile(r"-----BEGIN [^-]+-----.*?(?:-----END [^-]+-----|\Z)", re.DOTALL),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"),
    re.compile(r"(?i)(?<=\bbearer )[\w.~+/=-]{6,}|(?<=\bbasic )[\w+/=]{6,}"),
    # The password of an address: http://user:password@host.
    re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"),
    re.compile(rf"(?i)(?<![\w.-]){_NAME}[\"']?\s*[=:]\s*(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s&,;\"'}}]+)"),
)
VALUE = re.compile(r"^([^=:]*?[\"']?\s*[=:]\s*).*$", re.DOTALL)
COOKIE = re.compile(r"(?i)\b((?:set-)?cookie[\"']?\s*[=:]\s*).*")


def secret_values(secrets: Iterable[Body]) -> list[str]:
    """The values of Secrets, the longest first, so that no part of one stays."""
    values = set()
    for body in secrets:
        for encoded in (body.get("data") or {}).values():
            values.add(str(encoded))
            try:
                values.add(base64.b64decode(encoded).decode())
            except (binascii.Error, ValueError):
                continue
        values |= {str(value) for value in (body.get("stringData") or {}).values()}
    return sorted((value for value in values if len(value) >= SHORTEST), key=len, reverse=True)


def redacted(text: str, known: Sequence[str]) -> str:
    """The text without known secrets, and without what looks like one."""
    for value in known:
        text = text.replace(value, MARK)
    text = COOKIE.sub(rf"\1{MARK}", text)
    for pattern in PATTERNS:
        text = pattern.sub(_marked, text)
    return text


def redacted_document(document: Document, known: Sequence[str]) -> Document:
    """The whole report without secrets."""

    def clean(text: str) -> str:
        return redacted(text, known)

    def section(part: Section) -> Section:
        return Section(
            clean(part.title),
            [clean(line) for line in part.lines],
            part.header,
            [[clean(cell) for cell in row] for row in part.rows],
            clean(part.text),
        )

    return replace(
        document,
        summary=[(name, clean(value)) for name, value in document.summary],
        problems=[clean(problem) for problem in document.problems],
        sections=[section(part) for part in document.sections],
    )


def _marked(match: re.Match[str]) -> str:
    """A match with its name, if it has one, in front of the mark."""
    text = match[0]
    named = VALUE.match(text) if match.re is PATTERNS[-1] else None
    return f"{named[1]}{MARK}" if named is not None else MARK
