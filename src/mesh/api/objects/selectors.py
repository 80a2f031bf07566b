"""Label and field selectors, as they come in the query of Kubernetes' list and watch.

Labels: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas.
Fields: `metadata.name`, `metadata.namespace`, and of a Pod `status.phase` and `spec.nodeName`, of an Event
those of its involvedObject.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from mesh.api.transport.status_errors import Problem

Labels = Mapping[str, str]
Matches = Callable[[Mapping[str, Any]], bool]

KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
SET = re.compile(rf"({KEY})\s+(in|notin)\s*\(([^()]*)\)")
EQUAL = re.compile(rf"({KEY})\s*(==|=|!=)\s*({VALUE})")
EXISTS = re.compile(rf"(!?)\s*({KEY})")
FIELDS: Mapping[str, frozenset[str]] = {
    "Pod": frozenset({"status.phase", "spec.nodeName", "status.podIP", "spec.restartPolicy"}),
    "Event": frozenset(
        {
            "involvedObject.kind",
            "involvedObject.name",
            "involvedObject.namespace",
            "involvedObject.uid",
            "reason",
            "type",
        }
    ),
    "Namespace": frozenset({"status.phase"}),
    "Secret": frozenset({"type"}),
}
COMMON = frozenset({"metadata.name", "metadata.namespace"})


def selection(labels: str, fields: str, kind: str) -> Matches | None:
    """A test for an object's body; None when both selectors are empty. Raises Problem (400)."""
    tests = [*_labels(labels), *_fields(fields, kind)]
    if not tests:
        return None
    return lambda body: all(test(body) for test in tests)


def _labels(text: str) -> list[Matches]:
    tests = []
    rest = text.strip()
    while rest:
        # The longest form first: "a in (b)" begins like "a".
        for pattern, make in ((SET, _by_set), (EQUAL, _by_value), (EXISTS, _by_key)):
            match = pattern.match(rest)
            if match and re.match(r"\s*(,|$)", rest[match.end() :]):
                tests.append(_on_labels(make(match)))
                rest = rest[match.end() :].lstrip().removeprefix(",").strip()
                break
        else:
            raise Problem(400, f'labelSelector: cannot read "{rest}"; for example, app=mall,version in (v1,v2)')
    return tests


def _on_labels(test: Callable[[Labels], bool]) -> Matches:
    return lambda body: test(body["metadata"].get("labels") or {})


def _by_set(match: re.Match[str]) -> Callable[[Labels], bool]:
    key, operator, listed = match.groups()
    values = {value.strip() for value in listed.split(",")}
    if operator == "in":
        return lambda labels: labels.get(key) in values
    return lambda labels: labels.get(key) not in values


def _by_value(match: re.Match[str]) -> Callable[[Labels], bool]:
    key, operator, value = match.groups()
    if operator == "!=":
        return lambda labels: labels.get(key) != value
    return lambda labels: labels.get(key) == value


def _by_key(match: re.Match[str]) -> Callable[[Labels], bool]:
    absent, key = match.groups()
    if absent:
        return lambda labels: key not in labels
    return lambda labels: key in labels


def _fields(text: str, kind: str) -> list[Matches]:
    selectable = COMMON | FIELDS.get(kind, frozenset())
    tests = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"([\w.]+?)\s*(==|=|!=)\s*(.*)", part)
        if not match:
            raise Problem(400, f'fieldSelector: cannot read "{part}"; for example, metadata.name=mall')
        path, operator, value = match.groups()
        if path not in selectable:
            raise Problem(
                400, f'fieldSelector: "{path}" is not a field to select {kind} by: {", ".join(sorted(selectable))}'
            )
        tests.append(_by_field(path.split("."), value, equal=operator != "!="))
    return tests


def _by_field(path: list[str], value: str, *, equal: bool) -> Matches:
    def test(body: Mapping[str, Any]) -> bool:
        field: Any = body
        for name in path:
            field = (field or {}).get(name)
        return (str(field or "") == value) is equal

    return test
