"""Kubernetes' own objects with every field set, in protobuf and in JSON: what is decoded is the JSON.

They are test data of the Go module k8s.io/api, read from where Go keeps it.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mesh.api.transport.protobuf import decode
from mesh.api.transport.status_errors import Problem

MODULE = "k8s.io/api@v0.37.2"
# Served in these versions; the older ones differ in their fields, and nobody can send them here.
VERSIONS = ("v1", "v2")
LIMIT = 300.0
# Fields of alpha features, which no API server accepts without a feature gate.
ALPHA = ("JobSchedulingConfiguration", "TokenRequestSpec")


def samples() -> Path:
    """The folder of the samples; skips without Go."""
    if (go := shutil.which("go")) is None:
        pytest.skip("no go on this machine")
    words = [go, "mod", "download", "-json", MODULE]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False, cwd="/")
    if ran.returncode:
        pytest.skip(f"go cannot fetch {MODULE} here")
    return Path(json.loads(ran.stdout)["Dir"]) / "testdata" / "HEAD"


def differences(decoded: Any, expected: Any, path: str = "") -> list[str]:
    """The paths at which two JSON values differ."""
    if isinstance(decoded, dict) and isinstance(expected, dict):
        keys = decoded.keys() | expected.keys()
        pairs = [(f"{path}.{key}", decoded.get(key), expected.get(key)) for key in sorted(keys)]
    elif isinstance(decoded, list) and isinstance(expected, list) and len(decoded) == len(expected):
        pairs = [(f"{path}[{number}]", *pair) for number, pair in enumerate(zip(decoded, expected, strict=True))]
    else:
        return [] if decoded == expected else [f"{path}: {decoded!r} instead of {expected!r}"]
    return [line for pair in pairs for line in differences(pair[1], pair[2], pair[0])]


def test_every_field_of_every_kind_is_decoded() -> None:
    decoded, wrong = 0, {}
    for path in sorted(samples().glob("*.pb")):
        if path.name.split(".")[-3] not in VERSIONS:
            continue
        try:
            body = decode(path.read_bytes())
        except Problem as problem:
            unknown = problem.code == 415 and problem.message.startswith('a "')
            if not unknown and not any(name in problem.message for name in ALPHA):
                wrong[path.name] = [problem.message]
            continue
        decoded += 1
        if lines := differences(body, json.loads(path.with_suffix(".json").read_text())):
            wrong[path.name] = lines
    assert wrong == {}
    assert decoded > 40
