"""The whole command line, made by typer from the declarations: help, shell completion, and messages about mistakes.

Imported only when `meshmall.cli.quick` leaves a command line to it; see `meshmall.cli.declare`.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from meshmall.cli.declare import REQUIRED, Group, Option, Parameter, parameters_of
from meshmall.cli.quick import Call

# Arguments after a command's own are its own affair: `meshmall branch run fox -- curl -s http://mall`.
FORWARDING = {"allow_extra_args": True, "ignore_unknown_options": True}


def perform(call: Call) -> None:
    """Calls a command's function."""
    call.function(**call.values)


def typer_app(group: Group, perform: Callable[[Call], None] = perform) -> typer.Typer:
    """Typer's command line for a group; `perform` gets each call."""
    app = typer.Typer(
        help=group.help,
        no_args_is_help=True,
        add_completion=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    _fill(app, group, perform)
    return app


def _fill(app: typer.Typer, group: Group, perform: Callable[[Call], None]) -> None:
    # The order of registration is the order in the help text: typer lists groups after commands.
    for nested in group.groups.values():
        nested_app = typer.Typer(help=nested.help, no_args_is_help=True, rich_markup_mode="markdown")
        _fill(nested_app, nested, perform)
        app.add_typer(nested_app, name=nested.name)
    if group.options is not None:
        app.callback()(_function(group.options, parameters_of(group.options), lambda _: None))
    for command in group.commands.values():
        settings = FORWARDING if command.forwards else None
        function = _function(command.function, command.parameters, perform)
        app.command(command.name, context_settings=settings)(function)


def _function(
    function: Callable[..., None], parameters: Sequence[Parameter], perform: Callable[[Call], None]
) -> Callable[..., None]:
    """A function whose signature has typer's declarations in place of ours, with the same name and docstring."""
    used = {parameter.name for parameter in parameters if not parameter.unused}

    def call(**values: Any) -> None:
        perform(Call(function, {name: value for name, value in values.items() if name in used}))

    call.__name__ = function.__name__
    call.__doc__ = function.__doc__
    signature = [
        inspect.Parameter(
            parameter.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if parameter.default is REQUIRED else parameter.default,
            annotation=Annotated[_type(parameter), _declaration(parameter)],
        )
        for parameter in parameters
    ]
    setattr(call, "__signature__", inspect.Signature(signature))  # noqa: B010 - mypy does not know the attribute
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in signature}
    return call


def _completer(what: str) -> Callable[[typer.Context, str], list[str]]:
    """Imports what asks the mesh when a word is completed, and not for every help text."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        from meshmall.cli.complete import completer  # noqa: PLC0415

        return completer(what)(ctx, incomplete)

    return complete


def _type(parameter: Parameter) -> Any:
    kind: Any = list[parameter.kind] if parameter.many else parameter.kind  # type: ignore[name-defined]
    return kind | None if parameter.default is None else kind


def _declaration(parameter: Parameter) -> Any:
    declaration = parameter.declaration
    common: Any = {
        "help": declaration.help,
        "metavar": declaration.metavar,
        "show_default": declaration.show_default,
        "hidden": parameter.unused,
    }
    if declaration.complete:
        common["autocompletion"] = _completer(declaration.complete)
    if not isinstance(declaration, Option):
        return typer.Argument(**common)
    if (action := declaration.action) is None:
        return typer.Option(*declaration.names, **common)

    def act(requested: bool) -> None:
        if requested:
            action()
            raise typer.Exit

    return typer.Option(*declaration.names, **common, callback=act, is_eager=True)
