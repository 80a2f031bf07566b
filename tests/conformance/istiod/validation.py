"""What Istio's validation and ours say of the same objects: recorded odd ones, and Istio's own data sets."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.conformance.istiod.recorded_lines import FOLDER, lines, write_lines

Json = dict[str, Any]
RECORDED = "validation"
# Names of objects that are judged otherwise here, each with the reason.
DOCUMENTED = FOLDER.parent / "validation_differences.json"
# Kinds of Istio's that have no effect here, so that only their shape is checked.
INERT = ("EnvoyFilter", "WasmPlugin", "Telemetry", "ProxyConfig", "WorkloadEntry", "WorkloadGroup", "TrafficExtension")


def documented() -> dict[str, str]:
    reasons: dict[str, str] = json.loads(DOCUMENTED.read_text())
    return reasons


def rejected_here(body: Json) -> str:
    """Why an object is rejected here; "" when it is stored."""
    try:
        validate(body)
    except Invalid as problem:
        return str(problem)
    return ""


def differences(rows: Sequence[Json]) -> Iterator[tuple[str, str]]:
    """The names of the objects that only one of the two rejects, and why it does."""
    for row in rows:
        here = rejected_here(row["object"])
        if bool(here) != bool(row["error"]):
            yield row["name"], f"here: {here}" if here else f"Istio: {row['error']}"


def recorded() -> list[Json]:
    """Odd objects with Istio's verdicts."""
    return lines(RECORDED)


def record(verdicts: Sequence[tuple[str, str]]) -> None:
    """Writes the verdicts of the recorded objects anew."""
    rows = [
        {**row, "error": error, "warnings": warnings}
        for row, (error, warnings) in zip(recorded(), verdicts, strict=True)
    ]
    write_lines(RECORDED, rows)


def data_sets(module: Path) -> Iterator[tuple[str, Json]]:
    """The documents of Istio's own validation data sets, read from its module: name and object."""
    folders = (module / "pkg/config/validation/testdata/crds", module / "pkg/test/datasets/validation/dataset")
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            for number, document in enumerate(yaml.safe_load_all(path.read_text())):
                if isinstance(document, dict) and document.get("kind") not in INERT:
                    # What Istio's own test expects of the document.
                    document.pop("_err", None)
                    meta = document.setdefault("metadata", {})
                    document["metadata"] = {"name": "odd", "namespace": "mesh", **meta}
                    # As JSON, in which every key is a text.
                    yield f"{path.name}[{number}]", json.loads(json.dumps(document))
