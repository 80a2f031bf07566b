"""The recorded answers of a kube-apiserver, and the requests that they belong to."""

import copy
import gzip
import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

Body = dict[str, Any]
FOLDER = Path(__file__).parent / "recorded"
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
REMOVED = "<del>"
# Stands for data of more than a megabyte, also when it is read as base64.
LONG, LONG_DATA = "<long>", {"a": "x" * (3 << 19)}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was answered: `fields` are those of the causes, sorted; `stored` the object, where it was recorded.

    `causes` are reason and field; empty where they were not recorded.
    """

    code: int
    reason: str = ""
    fields: tuple[str, ...] = ()
    message: str = ""
    causes: tuple[tuple[str, str], ...] = ()
    stored: Body = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """A base object with changes, created, or written over the unchanged base (`update`)."""

    name: str
    operation: str
    resource: str
    base: Body
    changes: list[list[Any]]
    field_validation: str
    answer: Recorded
    prepared: bool = True
    """Whether the base is there before an update."""

    raw: bytes | None = None
    """The body, for requests whose body is not an object."""

    content_type: str = "application/json"
    namespace: str = "v"
    versioned: bool = True
    """Whether an update has the stored object's fields, metadata.resourceVersion among them."""


@dataclass(frozen=True, slots=True)
class Default:
    """An object, and what is stored of it."""

    name: str
    resource: str
    body: Body
    answer: Recorded


def lines(name: str) -> list[Any]:
    """The recorded lines of a file."""
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_lines(name: str, rows: list[Any]) -> None:
    """Writes recorded lines; the same rows make the same bytes."""
    text = "".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in rows)
    (FOLDER / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def changed(base: Body, changes: list[list[Any]]) -> Body:
    """The base object with a value at each path; `<del>` removes what is there."""
    body = copy.deepcopy(base)
    for path, value in changes:
        steps = [int(number) if number else name for name, number in _STEP.findall(path)]
        _put(body, steps, LONG_DATA if value == LONG else copy.deepcopy(value))
    return body


def _put(at: Any, steps: list[str | int], value: Any) -> None:
    *parents, last = steps
    for step, following in zip(parents, steps[1:], strict=True):
        fresh: Any = [] if isinstance(following, int) else {}
        if isinstance(at, list):
            assert isinstance(step, int)
            if step == len(at):
                at.append(fresh)
            at = at[step]
        else:
            at = at.setdefault(step, fresh)
    if value == REMOVED:
        del at[last]
    elif isinstance(at, list) and last == len(at):
        at.append(value)
    else:
        at[last] = value


def _recorded(answer: Body) -> Recorded:
    return Recorded(
        answer["code"],
        answer.get("reason") or "",
        # Kubernetes adds "<nil>" where rules of a CustomResourceDefinition were not looked at, which says nothing.
        tuple(sorted({field for field in answer.get("fields") or () if field != "<nil>"})),
        answer.get("message", ""),
        tuple(sorted({(reason, field) for reason, field in answer.get("causes", ()) if field != "<nil>"})),
        answer.get("stored", {}),
    )


# The bodies of requests that were recorded without one.
RAW = {
    "empty body": b"",
    "not json": b"{",
    "json array": b"[]",
    "bad content type": b"hello",
    "dup json key strict": (
        b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"doubled"},"data":{"a":"1","a":"2"}}'
    ),
    "list as object": b'{"apiVersion":"v1","kind":"List","items":[]}',
}
# What the base object of an update has in addition.
PREPARED: dict[str, list[list[Any]]] = {
    "cm immutable": [["immutable", True]],
    "sec immutable": [["immutable", True]],
    "cm un-immutable": [["immutable", True]],
}


@cache
def cases() -> tuple[Case, ...]:
    """All recorded requests of one object each that is wrong or odd."""
    objects = {row["short"]: row for row in lines("objects")}
    recorded = []
    for row in lines("answers"):
        base = objects[row["base"]]
        label, prepared = row["label"], PREPARED.get(row["label"], [])
        strictness = re.search(r"\[(\w*)\]$", label)
        recorded.append(
            Case(
                f"{row['op']} {row['base']}: {label}",
                row["op"],
                base["resource"],
                changed(base["object"], prepared) if row["op"] == "update" else base["object"],
                [["immutable", False]] if label == "cm un-immutable" else row["changes"],
                "Foo" if label == "fieldValidation bad" else strictness.group(1) if strictness else "Strict",
                _recorded(row["kubernetes"]),
                prepared=not label.startswith("PUT creates"),
                raw=RAW.get(label),
                content_type="text/plain" if label == "bad content type" else "application/json",
                namespace="nowhere" if label == "ns missing" else "v",
                versioned=label != "crd scope",
            )
        )
    return tuple(recorded)


@cache
def defaults() -> tuple[Default, ...]:
    """All recorded objects with what is stored of them."""
    return tuple(
        Default(
            f"{row['object']['apiVersion']} {row['object']['kind']} {row['object']['metadata']['name']}",
            row["resource"],
            row["object"],
            _recorded(row["kubernetes"]),
        )
        for row in lines("defaults")
    )
