"""Generates the reference of the commands and of Branch, which `make docs` puts into the site.

`python -m tools.docs.reference FOLDER` writes commands.md, branch.md and branch.schema.json. Nothing of it is
committed: it is always that of the program beside it.
"""

import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mesh.resources.kinds import REGISTRY
from mesh.resources.meshmall.branch import Branch
from meshmall.cli.app import app
from meshmall.cli.declare import REQUIRED, Argument, Command, Group, Option, Parameter
from meshmall.cli.schema import json_schema

PROGRAM = "meshmall"
# Kubernetes' own structs are described there; here is only where they stand.
FOREIGN = ("core.", "values.meta.")
COMMANDS_INTRODUCTION = """\
Every command has `--help`, and accepts `--home` and `--namespace` before or after its name. Exit codes: 0 when all is
well, 1 when something failed, 2 when the command line is wrong, 130 after Ctrl-C, 141 when nobody reads the output any
more. With `-o json` nothing else is written to stdout."""
BRANCH_INTRODUCTION = """\
The object behind `meshmall branch`: `apiVersion: meshmall.dev/v1`, `kind: Branch`. [Branches](../branches.md) says what
it means. `kubectl explain branch.spec` prints the same as this page.

For editors there is a [JSON schema](branch.schema.json), which `meshmall schema branch` prints, too. The YAML extension
of VS Code, and every editor with yaml-language-server, uses it for a file that begins with:

```yaml
# yaml-language-server: $schema=branch.schema.json
```"""
KUBERNETES = "https://kubernetes.io/docs/reference/kubernetes-api/"


def main(arguments: Sequence[str]) -> None:
    """Writes the files into the folder."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    schema = json_schema(REGISTRY.by_type(Branch))
    (folder / "commands.md").write_text("\n".join(commands()) + "\n")
    (folder / "branch.md").write_text("\n".join(branch(schema)) + "\n")
    (folder / "branch.schema.json").write_text(json.dumps(schema, indent=2) + "\n")


def commands() -> Iterator[str]:
    """The page of commands: a section each, with its arguments and options."""
    yield "# Commands"
    yield ""
    yield COMMANDS_INTRODUCTION
    yield ""
    yield "| command | |"
    yield "|---|---|"
    for words, command in _walk(app, [PROGRAM]):
        name = " ".join(words)
        yield f"| [`{name}`](#{name.replace(' ', '-')}) | {_cell(_first_line(command))} |"
    for words, command in _walk(app, [PROGRAM]):
        yield from _section(words, command)


def _walk(group: Group, words: list[str]) -> Iterator[tuple[list[str], Command]]:
    for command in group.commands.values():
        yield [*words, command.name], command
    for nested in group.groups.values():
        yield from _walk(nested, [*words, nested.name])


def _section(words: list[str], command: Command) -> Iterator[str]:
    arguments = [parameter for parameter in command.parameters if isinstance(parameter.declaration, Argument)]
    options = [
        parameter
        for parameter in command.parameters
        if isinstance(parameter.declaration, Option) and not parameter.unused
    ]
    usage = [*words, "[OPTIONS]" if options else "", *map(_placeholder, arguments)]
    yield ""
    yield f"## {' '.join(words)}"
    yield ""
    yield inspect.cleandoc(command.function.__doc__ or "")
    yield ""
    yield "```text"
    yield " ".join(filter(None, usage))
    yield "```"
    rows = [(f"`{_placeholder(row)}`", row.declaration.help, "") for row in arguments if row.declaration.help]
    rows += [(_names(row), row.declaration.help, _default(row)) for row in options]
    if rows:
        yield ""
        yield "| | | default |"
        yield "|---|---|---|"
        for name, text, default in rows:
            yield f"| {name} | {_cell(text)} | {default} |"


def _placeholder(parameter: Parameter) -> str:
    declared = parameter.declaration.metavar or parameter.name.upper()
    if parameter.declaration.metavar:
        return declared
    text = declared + ("..." if parameter.many else "")
    return text if parameter.default is REQUIRED else f"[{text}]"


def _names(parameter: Parameter) -> str:
    option = parameter.declaration
    assert isinstance(option, Option)
    names = option.names or (f"--{parameter.name.replace('_', '-')}",)
    value = "" if parameter.kind is bool else f" {option.metavar or parameter.kind.__name__.upper()}"
    spelled = ", ".join(f"`{name}`" for names_ in names for name in names_.split("/"))
    return spelled + (f" `{_cell(value.strip())}`" if value and option.metavar else "")


def _default(parameter: Parameter) -> str:
    shown = parameter.declaration.show_default
    if isinstance(shown, str):
        return f"`{shown}`"
    hidden = parameter.default in (None, False, "", REQUIRED) or not shown
    return "" if hidden or parameter.default is True else f"`{parameter.default}`"


def _first_line(command: Command) -> str:
    return inspect.cleandoc(command.function.__doc__ or "").partition("\n")[0]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def branch(schema: dict[str, Any]) -> Iterator[str]:
    """The page of Branch: a section for each of its structs, with the fields' types and descriptions."""
    yield "# Branch"
    yield ""
    yield BRANCH_INTRODUCTION
    top = str(schema["$ref"]).rpartition("/")[2]
    for name in schema["definitions"]:
        if name != top and any(part in name for part in FOREIGN):
            continue
        definition = schema["definitions"][name]
        yield ""
        yield f"## {_short(name)}"
        yield ""
        yield str(definition.get("description", ""))
        yield ""
        yield "| field | type | |"
        yield "|---|---|---|"
        required = definition.get("required", ())
        for field, value in definition["properties"].items():
            mark = " (required)" if field in required else ""
            yield f"| `{field}`{mark} | {_type(value)} | {_cell(value.get('description', ''))} |"


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _type(schema: dict[str, Any]) -> str:
    if "allOf" in schema or "$ref" in schema:
        name = str((schema.get("allOf") or [schema])[0]["$ref"]).rpartition("/")[2]
        foreign = any(part in name for part in FOREIGN)
        return f"[{_short(name)}]({KUBERNETES})" if foreign else f"[{_short(name)}](#{_short(name).lower()})"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if schema.get("type") == "object" and "additionalProperties" in schema:
        values = schema["additionalProperties"]
        return f"map of {_type(values)}" if isinstance(values, dict) else "object"
    if "oneOf" in schema:
        return " or ".join(_type(choice) for choice in schema["oneOf"])
    return str(schema.get("type", "any"))


if __name__ == "__main__":
    main(sys.argv[1:])
