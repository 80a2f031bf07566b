"""Text to JSON values: YAML as Kubernetes reads it, or JSON. Size, depth and the expansion of aliases are limited."""

import json
import re
from typing import Any

import yaml

from mesh.resources.values.problems import FieldError, Invalid

LARGEST_TEXT = 3 << 20
MOST_DOCUMENTS = 10_000
MOST_NODES = 500_000

_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)"
)


def documents(text: str, source: str = "") -> list[tuple[Any, int]]:
    """The documents that are not empty, each with the line on which it begins.

    Raises Invalid, which names source and line.
    """
    if len(text) > LARGEST_TEXT:
        raise Invalid([FieldError("", f"{len(text)} characters; at most {LARGEST_TEXT}")], source)
    parsed = _json(text) if text.lstrip()[:1] in ("{", "[") else None
    return parsed if parsed is not None else _yaml(text, source)


class _Loader(yaml.CSafeLoader):
    """Dates and times of day stay strings; duplicate keys and whatever JSON cannot express are refused."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            # "<<" may come twice, and its keys are defaults: only written keys can be duplicates.
            if key.tag == _TAG + "merge":
                continue
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str | int | float | bool) and name is not None:
                raise yaml.constructor.ConstructorError(None, None, "a key is a map or list", key.start_mark)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f'duplicate field "{name}"', key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _mapping(loader: _Loader, node: yaml.Node) -> Any:
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """YAML 1.1's, without dates, "=" and numbers to base 60 ("12:30"), which Kubernetes reads as strings."""
    kept_tags = {_TAG + name for name in ("bool", "null", "merge")}
    resolvers = {
        first: [(tag, pattern) for tag, pattern in pairs if tag in kept_tags]
        for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }
    # PyYAML looks a scalar's resolvers up by its first character.
    for first in "+-.0123456789":
        resolvers.setdefault(first, []).extend(
            [(_TAG + "int", _to_the_end(_INT)), (_TAG + "float", _to_the_end(_FLOAT))]
        )
    return resolvers


def _to_the_end(pattern: re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern.pattern})\Z")


_Loader.yaml_implicit_resolvers = _resolvers()
_Loader.yaml_constructors = {
    tag: construct
    for tag, construct in yaml.CSafeLoader.yaml_constructors.items()
    if tag is None or str(tag).removeprefix(_TAG) in ("null", "bool", "int", "float", "str", "seq")
}
_Loader.add_constructor(_TAG + "map", _mapping)


def _yaml(text: str, source: str) -> list[tuple[Any, int]]:
    bodies: list[tuple[Any, int]] = []
    loader = None
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            assert node is not None
            # Before anything is constructed: nested aliases of a few lines expand to gigabytes.
            _bound(node)
            body = loader.construct_document(node)
            # An empty document ("---" twice, or at the end) is allowed, as kubectl allows it.
            if body is not None:
                bodies.append((body, node.start_mark.line + 1))
            if len(bodies) > MOST_DOCUMENTS:
                raise Invalid([FieldError("", f"more than {MOST_DOCUMENTS} documents")], source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}:{mark.line + 1}" if mark and source else f"line {mark.line + 1}" if mark else source
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise Invalid([FieldError("", f"not YAML: {problem}")], where) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid([FieldError("", f"not YAML: {error}")], source) from None
    finally:
        if loader is not None:
            loader.dispose()
    return bodies


def _bound(node: Any) -> None:
    """Counts the values of a document with its aliases expanded. Raises ValueError when there are too many."""
    count = 0
    waiting = [node]
    while waiting:
        current = waiting.pop()
        count += 1
        if count > MOST_NODES:
            raise ValueError(f"more than {MOST_NODES} values (are aliases nested?)")
        if isinstance(current, yaml.MappingNode):
            for key, value in current.value:
                waiting += (key, value)
        elif isinstance(current, yaml.SequenceNode):
            waiting += current.value


def _json(text: str) -> list[tuple[Any, int]] | None:
    """The documents of JSON text; None when it is not JSON, so that the YAML parser can say what is wrong."""
    decoder = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
    bodies: list[tuple[Any, int]] = []
    at = 0
    try:
        while begin := re.compile(r"\S").search(text, at):
            body, at = decoder.raw_decode(text, begin.start())
            bodies.append((body, text.count("\n", 0, begin.start()) + 1))
            if len(bodies) > MOST_DOCUMENTS:
                return None
    except (ValueError, RecursionError):
        return None
    return bodies


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("duplicate key")
    return mapping


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
