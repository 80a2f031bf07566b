"""Two rules that no linter has: no class of more than 200 lines, no passage of eight lines that exists twice.

`make lint` runs `python -m tools.house_rules`. Lines are compared by their tokens: comments, docstrings, blank lines,
imports and indentation do not count. An exception needs a reason; one that is not needed any more fails.
"""

import ast
import io
import sys
import token
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "bench", "tools", "tests")
LONGEST_CLASS = 200
SHORTEST_PASSAGE = 8

# "path:Class": why it may be longer.
LONG_CLASSES: dict[str, str] = {
    "tests/conformance/reference.py:Reference": "the second reading of the rules stays one readable piece",
}

# A pair of paths that share a passage: why. The order of the two does not matter.
SHARED_PASSAGES: dict[tuple[str, str], str] = {
    ("src/mesh/api/transport/protobuf_tables.py", "src/mesh/api/transport/protobuf_tables.py"): (
        "generated: Container and EphemeralContainerCommon have the same fields in Kubernetes"
    ),
}

SKIPPED_TOKENS = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of code: its number, and its tokens as text."""

    number: int
    tokens: str


@dataclass(frozen=True, slots=True)
class Passage:
    """Code that exists twice: `lines` lines at `first` and `second`, each (path, number of the first line)."""

    lines: int
    first: tuple[str, int]
    second: tuple[str, int]

    @property
    def files(self) -> frozenset[str]:
        return frozenset((self.first[0], self.second[0]))

    def __str__(self) -> str:
        return f"{self.first[0]}:{self.first[1]} and {self.second[0]}:{self.second[1]}: {self.lines} equal lines"


def main() -> int:
    """Prints every violation; returns the exit code."""
    sources = {path.relative_to(ROOT).as_posix(): path.read_text() for path in _files()}
    problems = [*class_problems(sources, LONG_CLASSES), *passage_problems(sources, SHARED_PASSAGES)]
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if problems else 0


def _files() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def class_problems(sources: Mapping[str, str], exceptions: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each class that is too long, and for each exception that is not needed."""
    too_long = {}
    for path, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_CLASS:
                    too_long[f"{path}:{node.name}"] = length
    for name, length in sorted(too_long.items()):
        if name not in exceptions:
            yield f"{name}: a class of {length} lines; at most {LONGEST_CLASS}. Take it apart (tools/house_rules.py)"
    for name in sorted(exceptions.keys() - too_long.keys()):
        yield f"tools/house_rules.py: LONG_CLASSES no longer needs {name}"


def passage_problems(sources: Mapping[str, str], exceptions: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """A sentence for each passage that exists twice, and for each exception that is not needed."""
    allowed = {frozenset(pair) for pair in exceptions}
    used = set()
    for passage in passages({path: code_lines(source) for path, source in sources.items()}):
        if passage.files in allowed:
            used.add(passage.files)
        else:
            yield f"{passage}. Keep one of them (tools/house_rules.py)"
    for pair in sorted(exceptions):
        if frozenset(pair) not in used:
            yield f"tools/house_rules.py: SHARED_PASSAGES no longer needs {' and '.join(pair)}"


def code_lines(source: str) -> list[Line]:
    """The lines that count, without comments, docstrings, blank lines and imports."""
    skipped = _skipped_lines(ast.parse(source))
    tokens: dict[int, list[str]] = defaultdict(list)
    for item in tokenize.generate_tokens(io.StringIO(source).readline):
        if item.type not in SKIPPED_TOKENS and item.type != token.ENDMARKER and item.start[0] not in skipped:
            tokens[item.start[0]].append(item.string)
    return [Line(number, " ".join(words)) for number, words in sorted(tokens.items())]


def _skipped_lines(tree: ast.Module) -> set[int]:
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) or _is_docstring(node):
            skipped.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return skipped


def _is_docstring(node: ast.AST) -> TypeGuard[ast.Expr]:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def passages(files: Mapping[str, Sequence[Line]]) -> list[Passage]:
    """The longest passages that exist twice, each reported once."""
    places: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for path, lines in files.items():
        for start in range(len(lines) - SHORTEST_PASSAGE + 1):
            window = tuple(line.tokens for line in lines[start : start + SHORTEST_PASSAGE])
            places[window].append((path, start))
    result: list[Passage] = []
    covered: set[tuple[str, int, str, int]] = set()
    for first, second in sorted(_pairs(places.values())):
        (path, start), (other, other_start) = first, second
        if (path, start, other, other_start) in covered or _overlap(first, second):
            continue
        length = _common(files[path], start, files[other], other_start)
        covered |= {(path, start + step, other, other_start + step) for step in range(length)}
        result.append(Passage(length, (path, files[path][start].number), (other, files[other][other_start].number)))
    return result


def _pairs(groups: Iterable[Sequence[tuple[str, int]]]) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
    for group in groups:
        # The first place with each of the others: all pairs of n equal passages would be n²/2 messages.
        for other in group[1:]:
            yield group[0], other


def _overlap(first: tuple[str, int], second: tuple[str, int]) -> bool:
    return first[0] == second[0] and abs(first[1] - second[1]) < SHORTEST_PASSAGE


def _common(one: Sequence[Line], start: int, other: Sequence[Line], other_start: int) -> int:
    """How many lines are equal from these two on."""
    length = 0
    while (
        start + length < len(one)
        and other_start + length < len(other)
        and one[start + length].tokens == other[other_start + length].tokens
    ):
        length += 1
    return length


if __name__ == "__main__":
    sys.exit(main())
