"""Reads ordinary command lines without typer, which takes longer to import than most commands run.

Ordinary means: a known command; its options by their exact names, each value a word of its own or after `=`; as many
arguments as it takes. `read` returns None for everything else, and typer reads that: help, completion, abbreviations,
clustered short options, `--`, and every mistake, so that messages come from one place. Where `read` does return
something, it is what typer would have made of the same words; a property test compares the two.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from meshmall.cli.declare import REQUIRED, Argument, Group, Option, Parameter


class Call(NamedTuple):
    """A function and the values of its parameters."""

    function: Callable[..., None]
    values: dict[str, Any]


class _Unclear(Exception):
    """The words are not an ordinary command line."""


def read(group: Group, words: Sequence[str]) -> Call | None:
    """The function to call for a command line; None if typer has to read it."""
    try:
        return _call(group, list(words))
    except _Unclear:
        return None


def _call(group: Group, words: list[str]) -> Call:
    name = words.pop(0) if words else ""
    if name in group.groups:
        return _call(group.groups[name], words)
    if name not in group.commands or group.commands[name].forwards:
        raise _Unclear
    command = group.commands[name]
    values = _options(command.parameters, words)
    values |= _arguments(command.parameters, words)
    for parameter in command.parameters:
        if parameter.unused:
            del values[parameter.name]
    return Call(command.function, values)


def _options(parameters: Sequence[Parameter], words: list[str]) -> dict[str, Any]:
    """The values of the options among the words. Leaves the other words in the list."""
    options = dict(_by_name(parameters))
    values: dict[str, Any] = {}
    arguments: list[str] = []
    while words:
        word = words[0]
        if not word.startswith("-") or word == "-":
            arguments.append(words.pop(0))
            continue
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name not in options:
            raise _Unclear
        words.pop(0)
        parameter, flag = options[name]
        if flag is not None:
            if equals:
                raise _Unclear
            values[parameter.name] = flag
            continue
        if not equals:
            # A value that looks like an option may be a forgotten value.
            if not words or (words[0].startswith("-") and words[0] != "-"):
                raise _Unclear
            value = words.pop(0)
        _set(values, parameter, value)
    words[:0] = arguments
    return _with_defaults(values, [parameter for parameter in parameters if isinstance(parameter.declaration, Option)])


def _by_name(parameters: Sequence[Parameter]) -> Iterator[tuple[str, tuple[Parameter, bool | None]]]:
    """Each option by its names, with the value that a flag's name sets; None for options that take a value."""
    for parameter in parameters:
        declaration = parameter.declaration
        if not isinstance(declaration, Option) or declaration.action is not None:
            continue
        for names in declaration.names or (f"--{parameter.name.replace('_', '-')}",):
            on, _, off = names.partition("/")
            yield on, (parameter, True if parameter.kind is bool else None)
            if off:
                yield off, (parameter, False)


def _arguments(parameters: Sequence[Parameter], words: list[str]) -> dict[str, Any]:
    """The values of the positional parameters: one word each, and for the last, if it takes many, all that are left."""
    values: dict[str, Any] = {}
    arguments = [parameter for parameter in parameters if isinstance(parameter.declaration, Argument)]
    for parameter in arguments:
        count = len(words) if parameter.many and parameter is arguments[-1] else 1
        for word in words[:count]:
            _set(values, parameter, word)
        del words[:count]
    if words:
        raise _Unclear
    return _with_defaults(values, arguments)


def _with_defaults(values: dict[str, Any], parameters: Sequence[Parameter]) -> dict[str, Any]:
    for parameter in parameters:
        if values.setdefault(parameter.name, parameter.default) is REQUIRED:
            raise _Unclear
    return values


def _set(values: dict[str, Any], parameter: Parameter, text: str) -> None:
    value = _value(parameter.kind, text)
    if parameter.many:
        values.setdefault(parameter.name, []).append(value)
    else:
        values[parameter.name] = value


def _value(kind: type, text: str) -> Any:
    # An argument that is no valid UTF-8 contains surrogates, which are not printable; typer has its own answer to it.
    if not text.isprintable():
        raise _Unclear
    if kind is str:
        return text
    number = text.isascii() and text.replace(".", "", 1).isdecimal()
    if kind is int and number and "." not in text:
        return int(text)
    if kind is float and number:
        return float(text)
    if kind is Path and text:
        return Path(text)
    if issubclass(kind, StrEnum) and text in [member.value for member in kind]:
        return kind(text)
    raise _Unclear
