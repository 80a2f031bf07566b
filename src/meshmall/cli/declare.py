"""How the commands declare their options and arguments.

The declarations say what typer's do, but importing typer (and pydantic, which its newest versions need for every
parameter) takes longer than most commands run. `meshmall.cli.quick` therefore reads ordinary command lines by these
declarations alone, and `meshmall.cli.full` makes typer's command line from them, for everything else: help, shell
completion and errors.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, NamedTuple, TypeVar, get_args, get_origin

Function = TypeVar("Function", bound=Callable[..., None])

REQUIRED = object()


class Argument(NamedTuple):
    """A positional parameter, in `Annotated[type, Argument(...)]`. `complete`: see `meshmall.cli.complete`."""

    help: str = ""
    metavar: str | None = None
    show_default: bool = True
    complete: str = ""


class Option:
    """A parameter with a name, in `Annotated[type, Option(...)]`.

    `names` are as typer takes them: `"--output", "-o"`, and `"--wait/--no-wait"` for a flag that can be turned off;
    without any, the parameter's own name. An option with an `action` runs it at once and ends the program.
    `complete` says what the shell offers as values: see `meshmall.cli.complete`.
    """

    def __init__(
        self,
        *names: str,
        help: str = "",  # noqa: A002 - typer's name for it
        metavar: str | None = None,
        show_default: bool | str = True,
        action: Callable[[], None] | None = None,
        complete: str = "",
    ) -> None:
        self.names = names
        self.help = help
        self.metavar = metavar
        self.show_default = show_default
        self.action = action
        self.complete = complete


class Parameter(NamedTuple):
    """A parameter of a command's function. `kind` is the type of one value; `many` collects several in a list.

    One that is `unused` is accepted and not passed to the function.
    """

    name: str
    kind: type
    many: bool
    default: Any
    declaration: Option | Argument
    unused: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command. `forwards`: arguments that it does not know are passed through to the function.

    `everywhere`: a function whose options every command accepts, also one for which they mean nothing, so that they
    can stay on a line whose command is changed.
    """

    name: str
    function: Callable[..., None]
    forwards: bool = False
    everywhere: Callable[..., None] | None = None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The function's parameters, in their order, and the options that every command accepts."""
        own = parameters_of(self.function)
        if self.everywhere is None:
            return own
        names = {parameter.name for parameter in own}
        others = (parameter for parameter in parameters_of(self.everywhere) if parameter.name not in names)
        return (*own, *(parameter._replace(unused=True) for parameter in others))


@dataclass(slots=True)
class Group:
    """Commands with a common help text.

    `options`, if any, has the options of the group itself, which end the program (`--version`); `everywhere` those that
    every command accepts.
    """

    help: str
    name: str = ""
    options: Callable[..., None] | None = None
    everywhere: Callable[..., None] | None = None
    commands: dict[str, Command] = field(default_factory=dict)
    groups: dict[str, "Group"] = field(default_factory=dict)

    def command(self, name: str = "", *, forwards: bool = False) -> Callable[[Function], Function]:
        """Registers a function as a command; its name is the function's unless another is given."""

        def register(function: Function) -> Function:
            command = Command(name or function.__name__, function, forwards, self.everywhere)
            self.commands[command.name] = command
            return function

        return register

    def add(self, group: "Group") -> None:
        """Registers the commands of another group below its name."""
        self.groups[group.name] = group


def parameters_of(function: Callable[..., None]) -> tuple[Parameter, ...]:
    """The declared parameters of a function. Read from its code: `inspect` would cost 6 ms of every command."""
    if not isinstance(function, FunctionType):
        raise TypeError(f"{function!r} is not a function")
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    values = function.__defaults__ or ()
    defaults = dict(zip(names[len(names) - len(values) :], values, strict=True))
    return tuple(_parameter(name, function.__annotations__, defaults.get(name, REQUIRED)) for name in names)


def _parameter(name: str, annotations: Mapping[str, Any], default: Any) -> Parameter:
    annotated, declaration = get_args(annotations[name])[:2]
    # `str | None` and `list[str] | None`: None only says that there is a default.
    kinds = [kind for kind in get_args(annotated) if kind is not type(None)]
    kind = kinds[0] if get_origin(annotated) not in (None, list) else annotated
    many = get_origin(kind) is list
    return Parameter(name, get_args(kind)[0] if many else kind, many, default, declaration)
