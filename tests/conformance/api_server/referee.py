"""Asks a real kube-apiserver what was recorded, and records what it answers now (`make referee-api`)."""

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.api_server.recorded_answers import Body, Recorded, cases, defaults, lines, write_lines
from tests.conformance.api_server.replay import (
    CASES_NAMESPACE,
    DEFAULTS_NAMESPACE,
    SERVER_METADATA,
    SURROUNDINGS,
    ask_case,
    ask_default,
    case_difference,
    stored_differences,
)
from tests.support.api import Answer

LONGEST_MESSAGE = 300
ESTABLISHED_WITHIN = 300


class Referee:
    """A running kube-apiserver."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self._tls = ssl._create_unverified_context()

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._ask("GET", "/readyz", None, "application/json").code == 200
        except OSError:
            return False

    async def ask(self, method: str, path: str, body: Any = None, *, content_type: str = "application/json") -> Answer:
        """One request. Raises OSError when there is no answer."""
        raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        return await asyncio.to_thread(self._ask, method, path, raw, content_type)

    def _ask(self, method: str, path: str, raw: bytes | None, content_type: str) -> Answer:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type}
        request = urllib.request.Request(self._url + path, raw, headers, method=method)
        try:
            with urllib.request.urlopen(request, context=self._tls, timeout=60) as response:
                return Answer(response.status, _read(response.read()), response.headers)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _read(error.read()), error.headers)


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return {"message": raw.decode(errors="replace")}


async def renew(referee: Referee, definitions: Sequence[Path], *, write: bool) -> str:
    """Asks everything; returns what changed, as text. `definitions` are files of CustomResourceDefinitions."""
    await _prepare(referee, definitions)
    stored = [await ask_default(referee.ask, default) for default in defaults()]
    # Some of them are there already: the objects whose defaults were asked are surroundings, too.
    for path, body in SURROUNDINGS:
        await referee.ask("POST", path, body)
    answers = [await ask_case(referee.ask, number, case) for number, case in enumerate(cases())]
    changes = [
        f"{case.name}\n    {difference}"
        for case, answer in zip(cases(), answers, strict=True)
        if (difference := case_difference(case.answer, answer))
    ]
    for default, answer in zip(defaults(), stored, strict=True):
        for path, difference in stored_differences(default.answer, answer).items():
            changes.append(f"{default.name}: {path}\n    {difference}")
    if write:
        rows = [{**row, "kubernetes": _row(answer)} for row, answer in zip(lines("answers"), answers, strict=True)]
        write_lines("answers", rows)
        rows = [{**row, "kubernetes": _row(answer)} for row, answer in zip(lines("defaults"), stored, strict=True)]
        write_lines("defaults", rows)
    summary = f"{len(answers)} requests and {len(stored)} objects asked, {len(changes)} answers changed\n"
    return "".join(f"{change}\n" for change in changes) + summary


async def _prepare(referee: Referee, definitions: Sequence[Path]) -> None:
    names = []
    for body in _bodies(definitions):
        created = await referee.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)
        if created.code == 201:
            names.append(body["metadata"]["name"])
    for name in names:
        await _established(referee, name)
    for namespace in (CASES_NAMESPACE, DEFAULTS_NAMESPACE):
        new_namespace: Body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        await referee.ask("POST", "/api/v1/namespaces", new_namespace)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        await referee.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)


async def _established(referee: Referee, name: str) -> None:
    async with asyncio.timeout(ESTABLISHED_WITHIN):
        while True:
            shown = await referee.ask("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
            conditions = ((shown.body or {}).get("status") or {}).get("conditions") or []
            if any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions):
                return
            await asyncio.sleep(0.2)


def _bodies(definitions: Sequence[Path]) -> Iterator[Body]:
    for path in definitions:
        for body in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if isinstance(body, dict) and body.get("kind") == "CustomResourceDefinition":
                yield body


def _row(answer: Recorded) -> Body:
    row: Body = {"code": answer.code}
    if answer.code < 400:
        metadata = {k: v for k, v in answer.stored["metadata"].items() if k not in SERVER_METADATA}
        return {**row, "stored": {**answer.stored, "metadata": metadata}}
    return {
        **row,
        "reason": answer.reason,
        "fields": list(answer.fields),
        "causes": [list(cause) for cause in answer.causes],
        "message": answer.message[:LONGEST_MESSAGE],
    }
