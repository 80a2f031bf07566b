"""Ordinary command lines mean without typer what they mean with it, and the common commands never import it."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshmall.cli.app import app
from meshmall.cli.declare import Argument, Group, Option, parameters_of
from meshmall.cli.full import typer_app
from meshmall.cli.quick import Call, read
from meshmall.cli.words import with_options_last

VALUES = ("pods", "5", "2.5", "-", "-5", "--", "", "a b", "x=y", "é", "\udc80", "1_000", " 7", "loopback", ".", "text")


def by_typer(group: Group, words: list[str]) -> list[Call] | int:
    """What typer calls for these words, or its exit code."""
    calls: list[Call] = []
    try:
        typer_app(group, calls.append)(words, prog_name="meshmall")
    except SystemExit as end:
        return calls if not end.code else int(end.code)
    return calls


def normal(call: Call) -> tuple[str, dict[str, object]]:
    # An option that may be given several times and is not given: None here, () there; the commands take both alike.
    return call.function.__name__, {name: value or None for name, value in call.values.items()}


def names_of(group: Group) -> list[str]:
    nested = [word for inner in group.groups.values() for word in (inner.name, *names_of(inner))]
    return [*group.commands, *nested]


def options_of(group: Group) -> list[str]:
    functions = [command.parameters for command in group.commands.values()]
    names = [
        name
        for parameters in functions
        for parameter in parameters
        if isinstance(parameter.declaration, Option)
        for declared in parameter.declaration.names or (f"--{parameter.name.replace('_', '-')}",)
        for name in declared.split("/")
    ]
    return sorted({*names, *(name for inner in group.groups.values() for name in options_of(inner))})


WORDS = st.one_of(
    st.sampled_from(options_of(app)),
    st.sampled_from(VALUES),
    st.builds("{}={}".format, st.sampled_from(options_of(app)), st.sampled_from(VALUES)),
)
COMMANDS = st.one_of(
    st.sampled_from([[name] for name in app.commands]),
    st.sampled_from([["branch", name] for name in app.groups["branch"].commands]),
    st.sampled_from([["-n", "shop", "get"], ["--home", "/tmp/h", "status"], ["--home=/tmp/h", "branch", "list"]]),
)


@given(COMMANDS, st.lists(WORDS, max_size=6))
def test_what_is_read_without_typer_is_what_typer_reads(command: list[str], words: list[str]) -> None:
    line = with_options_last(app, [*command, *words])
    call = read(app, line)
    if call is None:
        return
    expected = by_typer(app, line)
    assert isinstance(expected, list), f"typer refuses this with exit code {expected}"
    assert [normal(call)] == [normal(call) for call in expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("get pods", {"kind": "pods", "name": None, "output": "table", "all_namespaces": False}),
        ("get pods web -o json -A", {"kind": "pods", "name": "web", "output": "json", "all_namespaces": True}),
        ("get --output=name -l app=mall pods", {"kind": "pods", "output": "name", "selector": "app=mall"}),
        ("up --gateway-port 80 --no-telemetry", {"gateway_port": 80, "telemetry": False, "network": None}),
        ("up --network loopback", {"network": "loopback", "telemetry": None}),
        ("apply -f a.yaml -f -", {"filename": ["a.yaml", "-"], "timeout": 60.0}),
        ("branch create fox --cookie user=fox --env A=1 --env B=2 --timeout 5", {"env": ["A=1", "B=2"], "timeout": 5}),
        ("branch delete a b", {"names": ["a", "b"]}),
        ("--home /tmp/h -n shop logs pod-a --tail 5", {"target": "pod-a", "tail": 5, "namespace": "shop"}),
        ("-X POST -H a:b trace / -H c:d", {"url": "/", "method": "POST", "header": ["a:b", "c:d"]}),
        ("branch -n shop show fox", {"name": "fox", "namespace": "shop"}),
        ("down -n shop --purge", {"purge": True}),
    ],
)
def test_ordinary_command_lines_are_read_without_typer(line: str, expected: dict[str, object]) -> None:
    call = read(app, with_options_last(app, line.split()))
    assert call is not None
    assert {name: call.values[name] for name in expected} == expected


@pytest.mark.parametrize(
    "line",
    [
        "",
        "--version",
        "--help",
        "gte",
        "get",
        "get pods --help",
        "get pods --al",
        "get pods a b",
        "get pods -ojson",
        "get pods -o",
        "get pods -o -A",
        "logs pod-a -fp",
        "logs pod-a --tail five",
        "logs pod-a --follow=yes",
        "up --network bridge",
        "branch",
        "branch run fox -- env",
        "branch run fox env",
        "apply",
    ],
)
def test_everything_else_is_left_to_typer(line: str) -> None:
    assert read(app, line.split()) is None


def test_only_declared_parameters_of_functions_can_be_read() -> None:
    with pytest.raises(TypeError, match="is not a function"):
        parameters_of(print)


def test_arguments_are_declared_with_their_help() -> None:
    helps = [
        parameter.declaration.help
        for command in app.commands.values()
        for parameter in command.parameters
        if isinstance(parameter.declaration, Argument)
    ]
    assert helps
    assert all(helps)


@pytest.mark.parametrize("words", ["get pods", "status", "branch create fox --cookie user=fox"])
def test_the_common_commands_import_neither_typer_nor_pydantic(tmp_path: Path, words: str) -> None:
    program = (
        "import sys; from meshmall.cli.app import execute\n"
        "from mesh.daemon.failure import Failure\n"
        "try: execute(sys.argv[1:])\n"
        "except Failure: pass\n"
        "print([name for name in ('typer', 'pydantic', 'rich.console') if name in sys.modules])"
    )
    command = [sys.executable, "-c", program, "--home", str(tmp_path), *words.split()]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
