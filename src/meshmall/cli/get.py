"""`meshmall get`: objects as a table, JSON, YAML or names."""

from collections.abc import Mapping, Sequence
from typing import Any

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.kind_definition import KindDefinition, Routing
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from meshmall.cli.context import Context
from meshmall.cli.kinds import kind_named
from meshmall.cli.printing import print_objects

OUTPUTS = ("table", "wide", "json", "yaml", "name")


def get_objects(
    context: Context,
    kind: str,
    name: str | None,
    *,
    all_namespaces: bool,
    selector: str,
    output: str,
    watch: bool = False,
) -> None:
    """Prints objects of a kind, by any of its names, or `all`; with `watch` every change after that, until Ctrl-C.

    Raises Failure when there is no such kind or object.
    """
    if output not in OUTPUTS:
        raise Failure(f"-o {output}: unknown format; use {', '.join(OUTPUTS)}", code=2)
    kind, _, name_after_slash = kind.partition("/")
    name = name or name_after_slash
    definitions = _everyday_kinds() if kind == "all" else [kind_named(context, word) for word in kind.split(",")]
    if watch and (len(definitions) > 1 or output not in ("table", "wide")):
        raise Failure("--watch follows one kind, as a table", "for example: meshmall get pods -w", code=2)
    try:
        if watch:
            _watch(context, definitions[0], name, all_namespaces, selector, wide=output == "wide")
        elif output in ("table", "wide"):
            tables = [
                (definition, _table(context, definition, name, all_namespaces, selector)) for definition in definitions
            ]
            _print_tables(context, tables, all_namespaces, wide=output == "wide")
        else:
            groups = [_bodies(context, definition, name, all_namespaces, selector) for definition in definitions]
            _print_bodies(context, definitions, groups, output, one=bool(name))
    except ApiError as error:
        raise Failure(error.message) from None


def _everyday_kinds() -> list[KindDefinition]:
    """What `all` stands for: kubectl's kinds of that category, and the rules, as far as they have an effect here."""
    return [
        definition
        for definition in REGISTRY.all()
        if not definition.no_effect and ("all" in definition.categories or definition.routing is Routing.RULE)
    ]


def _scope(context: Context, definition: KindDefinition, all_namespaces: bool) -> str | None:
    return context.namespace if definition.namespaced and not all_namespaces else None


def _table(context: Context, definition: KindDefinition, name: str, all_namespaces: bool, selector: str) -> Body:
    """The objects as the API server prints them: the columns are its business, as they are for kubectl."""
    namespace = context.namespace if name and definition.namespaced else _scope(context, definition, all_namespaces)
    return context.client.table(definition.group, definition.kind, namespace, name=name, selector=selector)


def _bodies(
    context: Context, definition: KindDefinition, name: str, all_namespaces: bool, selector: str
) -> Sequence[Body]:
    if name:
        namespace = context.namespace if definition.namespaced else ""
        return [context.client.get(Ref(definition.group, definition.kind, namespace, name))]
    namespace_or_all = _scope(context, definition, all_namespaces)
    return context.client.list(definition.group, definition.kind, namespace_or_all, selector=selector)


def _print_bodies(
    context: Context,
    definitions: Sequence[KindDefinition],
    groups: Sequence[Sequence[Body]],
    output: str,
    *,
    one: bool,
) -> None:
    if output != "name":
        print_objects(context.view, [body for group in groups for body in group], output, one=one)
    else:
        for definition, group in zip(definitions, groups, strict=True):
            kind = f"{definition.singular}.{definition.group}" if definition.group else definition.singular
            for body in group:
                context.view.plain(f"{kind}/{body['metadata']['name']}")


def _print_tables(
    context: Context, tables: Sequence[tuple[KindDefinition, Body]], all_namespaces: bool, *, wide: bool
) -> None:
    filled = [(definition, table) for definition, table in tables if table["rows"]]
    if not filled:
        context.view.say("no objects" if all_namespaces else f"no objects in namespace {context.namespace}")
    for number, (definition, table) in enumerate(filled):
        if number:
            context.view.plain("")
        header, rows = _cells(table, wide=wide)
        if all_namespaces and definition.namespaced:
            header = ["NAMESPACE", *header]
            rows = [[_namespace(row), *cells] for row, cells in zip(table["rows"], rows, strict=True)]
        if len(tables) > 1:
            # Several tables follow one another: the column of names says which kind each is of.
            header = [definition.plural.upper() if title == "NAME" else title for title in header]
        context.view.columns(header, rows)


def _watch(
    context: Context, definition: KindDefinition, name: str, all_namespaces: bool, selector: str, *, wide: bool
) -> None:
    """Prints a line for every object there is, and one for every change. Columns widen as longer values come."""
    namespace = context.namespace if name and definition.namespaced else _scope(context, definition, all_namespaces)
    events = context.client.watch(*definition.group_kind, namespace, name=name, selector=selector, as_tables=True)
    columns: list[Body] = []
    widths: list[int] = []
    for event in events:
        table = event["object"]
        if not table.get("rows"):
            continue
        new_columns, columns = not columns, columns or table["columnDefinitions"]
        header, rows = _cells({**table, "columnDefinitions": columns}, wide=wide)
        if all_namespaces and definition.namespaced:
            header, rows = ["NAMESPACE", *header], [[_namespace(table["rows"][0]), *rows[0]]]
        if event["type"] == "DELETED":
            rows[0].append("deleted")
        widths = [max(map(len, cells)) for cells in zip(header, rows[0], strict=False)] if new_columns else widths
        for row in (header, *rows) if new_columns else rows:
            widths = [max(width, len(cell)) for width, cell in zip(widths, row, strict=False)]
            cells = [cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=False)]
            context.view.plain("   ".join(cells).rstrip())
        context.view.flush()


def _cells(table: Body, *, wide: bool) -> tuple[list[str], list[list[str]]]:
    """The titles and the rows of a Table, without the columns that only `-o wide` shows."""
    shown = [
        (place, column["name"].upper())
        for place, column in enumerate(table["columnDefinitions"])
        if wide or column["priority"] == 0
    ]
    rows = [[_text(row["cells"][place]) for place, _ in shown] for row in table["rows"]]
    return [title for _, title in shown], rows


def _namespace(row: Mapping[str, Any]) -> str:
    return str(row["object"]["metadata"].get("namespace", ""))


def _text(cell: Any) -> str:
    return "<none>" if cell is None else " ".join(str(cell).splitlines())
