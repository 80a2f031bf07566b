"""Kubernetes' JSONPath, as far as the columns of a CustomResourceDefinition use it.

`.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`, `.spec.hosts[*]`, `.metadata.labels.app\\.io/name`,
`.spec['host']`, `.items[0]`.
"""

import re
from typing import Any

STEP = re.compile(
    r"""\.(?P<name>(?:\\.|[^.\[\\])+)"""
    r"""|\[\?\(\s*@\.(?P<key>[\w./-]+)\s*==\s*(?P<quote>["'])(?P<value>.*?)(?P=quote)\s*\)\]"""
    r"""|\[(?P<index>-?\d+)\]|\[(?P<all>\*)\]|\[(?P<mark>["'])(?P<quoted>.*?)(?P=mark)\]"""
)


def find(body: Any, path: str) -> list[Any]:
    """All values at a path; none when there are none, or when the path cannot be read."""
    text = path.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    text = text if text.startswith((".", "[")) else f".{text}"
    values, position = [body], 0
    while position < len(text):
        step = STEP.match(text, position)
        if step is None:
            return []
        values = [inner for value in values for inner in _take(value, step)]
        position = step.end()
    return values


def _take(value: Any, step: re.Match[str]) -> list[Any]:
    name = step["quoted"] if step["mark"] else step["name"]
    if name == "*":
        return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    if name is not None:
        name = name if step["mark"] else re.sub(r"\\(.)", r"\1", name)
        return [value[name]] if isinstance(value, dict) and name in value else []
    if not isinstance(value, list):
        return list(value.values()) if step["all"] and isinstance(value, dict) else []
    if step["all"]:
        return value
    if step["index"]:
        index = int(step["index"])
        return [value[index]] if -len(value) <= index < len(value) else []
    return [item for item in value if find(item, step["key"]) == [step["value"]]]
