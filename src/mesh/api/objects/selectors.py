"""Label and field selectors, as they come in the query of Kubernetes' list and watch.

Labels: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a>1`, `a<1`, `a`, `!a`, joined by commas.
Fields: `metadata.name`, `metadata.namespace`, and those that `FIELDS` has for a kind (Kubernetes' own choice).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from mesh.api.transport.status_errors import Problem

Labels = Mapping[str, str]
Matches = Callable[[Mapping[str, Any]], bool]

PART = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
KEY = rf"(?:{PART}/)?{PART}"
VALUE = rf"(?:{PART})?"
SET = re.compile(rf"({KEY})\s+(in|notin)\s*\(([^()]*)\)")
EQUAL = re.compile(rf"({KEY})\s*(==|=|!=)\s*({VALUE})")
COMPARED = re.compile(rf"({KEY})\s*([<>])\s*([^,]*)")
EXISTS = re.compile(rf"(!?)\s*({KEY})")
LONGEST_LABEL, LONGEST_NUMBER = 63, 19
FIELDS: Mapping[str, Mapping[str, str]] = {
    "Pod": {
        "status.phase": "",
        "status.podIP": "",
        "status.nominatedNodeName": "",
        "spec.nodeName": "",
        "spec.restartPolicy": "",
        "spec.schedulerName": "",
        "spec.serviceAccountName": "",
        "spec.hostNetwork": "false",
    },
    "Event": {
        **{f"involvedObject.{name}": "" for name in ("kind", "name", "namespace", "uid", "apiVersion")},
        # The same under the names that events.k8s.io has for them.
        **{f"regarding.{name}": "" for name in ("kind", "name", "namespace", "uid", "apiVersion")},
        "regarding.resourceVersion": "",
        "regarding.fieldPath": "",
        "reportingController": "",
        "involvedObject.resourceVersion": "",
        "involvedObject.fieldPath": "",
        "reason": "",
        "reportingComponent": "",
        "source": "",
        "type": "",
    },
    "Namespace": {"status.phase": ""},
    "Node": {"spec.unschedulable": "false"},
    "Secret": {"type": ""},
    "Service": {"spec.type": "", "spec.clusterIP": ""},
    "Job": {"status.successful": "0"},
    "ReplicationController": {"status.replicas": "0"},
}
"""By kind, the fields besides COMMON, each with the text that stands for one that is not set."""

# Fields that are selected by another name than they are stored under.
REGARDING = ("kind", "name", "namespace", "uid", "apiVersion", "resourceVersion", "fieldPath")
PLACES = {
    "source": "source.component",
    "status.successful": "status.succeeded",
    "reportingController": "reportingComponent",
    **{f"regarding.{name}": f"involvedObject.{name}" for name in REGARDING},
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
        for pattern, make in ((SET, _by_set), (EQUAL, _by_value), (COMPARED, _by_number), (EXISTS, _by_key)):
            match = pattern.match(rest)
            if match and re.match(r"\s*(,|$)", rest[match.end() :]):
                _check_lengths(match)
                tests.append(_on_labels(make(match)))
                rest = rest[match.end() :].lstrip().removeprefix(",").strip()
                break
        else:
            raise Problem(400, f'labelSelector: cannot read "{rest}"; for example, app=mall,version in (v1,v2)')
    return tests


def _check_lengths(match: re.Match[str]) -> None:
    """Raises Problem (400) for what no label can be."""
    # The prefix of a key (`example.com/`) may be longer.
    for part in match.groups():
        if part and "(" not in part and "," not in part and len(part.rpartition("/")[2]) > LONGEST_LABEL:
            raise Problem(400, f'labelSelector: "{part[:80]}" is longer than {LONGEST_LABEL} characters')


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


def _by_number(match: re.Match[str]) -> Callable[[Labels], bool]:
    key, operator, text = match.group(1), match.group(2), match.group(3).strip()
    limit = _whole(text)
    if limit is None:
        raise Problem(400, f'labelSelector: "{text}" is not a whole number, which "{key}{operator}" is compared with')

    def test(labels: Labels) -> bool:
        number = _whole(labels.get(key, ""))
        return number is not None and (number > limit if operator == ">" else number < limit)

    return test


def _whole(text: str) -> int | None:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < LONGEST_NUMBER else None


def _by_key(match: re.Match[str]) -> Callable[[Labels], bool]:
    absent, key = match.groups()
    if absent:
        return lambda labels: key not in labels
    return lambda labels: key in labels


def _fields(text: str, kind: str) -> list[Matches]:
    selectable = {**dict.fromkeys(COMMON, ""), **FIELDS.get(kind, {})}
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
        tests.append(_by_field(PLACES.get(path, path).split("."), value, selectable[path], equal=operator != "!="))
    return tests


def _by_field(path: list[str], value: str, absent: str, *, equal: bool) -> Matches:
    def test(body: Mapping[str, Any]) -> bool:
        field: Any = body
        for name in path:
            field = (field or {}).get(name)
        text = absent if field is None else str(field).lower() if isinstance(field, bool) else str(field)
        return (text == value) is equal

    return test
