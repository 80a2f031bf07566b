"""Whole conversations with an API server, beside what a real kube-apiserver answered in them.

It was kube-apiserver 1.37 with its controller manager, etcd and the custom resource definitions of Istio and the
Gateway API, without a kubelet and without a scheduler. A conversation is a probe of verbs, or a kubectl command.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.conformance.api_server.documented import FOLDER
from tests.conformance.api_server.recorded_answers import lines

# Of an error's summary: its wording is free, the rest is what programs look at.
WORDING = frozenset({"msg"})


def answers(name: str) -> Mapping[str, Any]:
    """The recorded answers by their cases; a case that was recorded several times is numbered."""
    by_case: dict[str, Any] = {}
    for row in lines(name):
        case, count = row["case"], 1
        while case in by_case:
            count += 1
            case = f"{row['case']} ({count})"
        by_case[case] = row["answer"]
    return by_case


def reasons(name: str) -> Mapping[str, str]:
    """The known differences of a recording, each with its reason."""
    differences: dict[str, str] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return differences


def record(name: str, differing: Iterable[str]) -> None:
    """Renews the known differences: what is new has the reason "not yet", to be replaced by a better one."""
    known = reasons(name)
    listed = {case: known.get(case, "not yet") for case in differing}
    (FOLDER / f"{name}.json").write_text(json.dumps(listed, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def without_wording(answer: Any) -> Any:
    """An answer without the free text of its messages."""
    if isinstance(answer, dict):
        return {name: without_wording(value) for name, value in answer.items() if name not in WORDING}
    if isinstance(answer, list | tuple):
        # An error where a watch was to begin: code, reason, message.
        if len(answer) == 3 and isinstance(answer[0], int) and answer[0] >= 400 and isinstance(answer[2], str):
            return list(answer[:2])
        return [without_wording(value) for value in answer]
    return answer


def undocumented(expected: Mapping[str, Any], given: Mapping[str, Any], differences: Mapping[str, str]) -> list[str]:
    """What is wrong with the list of differences: those that it lacks, and entries that do not differ (any more)."""
    problems = []
    for case, answer in expected.items():
        agrees = given.get(case) == answer
        if agrees and case in differences:
            problems.append(f"{case}: agrees now; remove it from the known differences")
        elif not agrees and case not in differences:
            problems.append(f"{case}\n  Kubernetes: {_short(answer)}\n  here:       {_short(given.get(case))}")
    problems += [f"{case}: was not recorded" for case in differences if case not in expected]
    return problems


def _short(answer: Any) -> str:
    text = answer if isinstance(answer, str) else json.dumps(answer, sort_keys=True)
    return text if len(text) < 1500 else f"{text[:1500]}..."
