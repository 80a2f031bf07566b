"""What the shell offers for a word that is being typed: branches, kinds, services, pods, namespaces.

The mesh is asked; when none runs, or it does not answer in time, nothing is offered.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import typer

from mesh.client.api import Client
from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.kinds import REGISTRY
from mesh.resources.meshmall.branch import GROUP
from meshmall.cli.context import Context
from meshmall.cli.kinds import kind_named
from meshmall.cli.options import context_of

# Whoever presses Tab waits no longer.
SECONDS = 2.0

Complete = Callable[[typer.Context, str], list[str]]


def completer(what: str) -> Complete:
    """The function by which typer completes a parameter that is declared with `complete=what`."""
    offered = OFFERS[what]

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            return [text for text in offered(_context(ctx), ctx.params, incomplete) if text.startswith(incomplete)]
        except (ApiError, Failure):
            return []

    return complete


def _context(ctx: typer.Context) -> Context:
    """The mesh and namespace that the words so far name, before the command or after it."""
    home, namespace = (_value(ctx, name) for name in ("home", "namespace"))
    context = context_of(home, namespace)
    context.home.require_running()
    return Context(context.home, context.view, namespace, Client(context.home.path, timeout=SECONDS))


def _value(ctx: typer.Context, name: str) -> Any:
    value, parent = ctx.params.get(name), ctx.parent
    while value is None and parent is not None:
        value, parent = parent.params.get(name), parent.parent
    return value


def _branches(context: Context, values: dict[str, Any], incomplete: str) -> Iterable[str]:
    del values, incomplete
    return _names(context, GROUP, "Branch")


def _services(context: Context, values: dict[str, Any], incomplete: str) -> Iterable[str]:
    del values, incomplete
    return _names(context, "", "Service")


def _namespaces(context: Context, values: dict[str, Any], incomplete: str) -> Iterable[str]:
    del values, incomplete
    return [body["metadata"]["name"] for body in context.client.list("", "Namespace", None)]


def _deployments(context: Context, values: dict[str, Any], incomplete: str) -> Iterable[str]:
    del values
    if "/" in incomplete:
        return _slashed(context, incomplete)
    return _names(context, "apps", "Deployment")


def _pods(context: Context, values: dict[str, Any], incomplete: str) -> Iterable[str]:
    """Pods, and `deployment/NAME` as soon as the word has its slash."""
    del values
    if "/" in incomplete:
        return _slashed(context, incomplete)
    return [*_names(context, "", "Pod"), "deployment/"]


def _callers(context: Context, values: dict[str, Any], incomplete: str) -> Iterable[str]:
    del values, incomplete
    return [*_names(context, "apps", "Deployment"), *_names(context, "", "Pod")]


def _kinds(context: Context, values: dict[str, Any], incomplete: str) -> Iterable[str]:
    del values
    return _slashed(context, incomplete) if "/" in incomplete else [*_plurals(), "all"]


def _name_of_kind(context: Context, values: dict[str, Any], incomplete: str) -> Iterable[str]:
    del incomplete
    kind = values.get("kind") or ""
    return [] if kind in ("", "all") or "," in kind else _names_of(context, kind)


def _objects(context: Context, values: dict[str, Any], incomplete: str) -> Iterable[str]:
    """`KIND NAME...` or `KIND/NAME...`."""
    words = list(values.get("objects") or ())
    if "/" in incomplete:
        return _slashed(context, incomplete)
    if not words:
        return _plurals()
    return () if "/" in words[0] else (name for name in _names_of(context, words[0]) if name not in words[1:])


def _slashed(context: Context, incomplete: str) -> Iterator[str]:
    kind = incomplete.partition("/")[0]
    return (f"{kind}/{name}" for name in _names_of(context, kind))


def _names_of(context: Context, kind: str) -> Iterable[str]:
    definition = kind_named(context, kind)
    return _names(context, definition.group, definition.kind)


def _names(context: Context, group: str, kind: str) -> list[str]:
    return sorted(body["metadata"]["name"] for body in context.client.list(group, kind, context.namespace))


def _plurals() -> list[str]:
    """The kinds of this program, without those that have no effect here."""
    return sorted({definition.plural for definition in REGISTRY.all() if not definition.no_effect})


OFFERS: dict[str, Callable[[Context, dict[str, Any], str], Iterable[str]]] = {
    "branch": _branches,
    "service": _services,
    "namespace": _namespaces,
    "deployment": _deployments,
    "pod": _pods,
    "caller": _callers,
    "kind": _kinds,
    "name": _name_of_kind,
    "object": _objects,
}
