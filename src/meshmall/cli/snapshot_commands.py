"""The commands of `meshmall snapshot`, their options and help."""

from typing import Annotated

from meshmall.cli.declare import Argument, Group, Option
from meshmall.cli.options import HomeOption, NamespaceOption, common, context_of

HELP = """The data of stores at one moment, kept under a name.

`meshmall branch create kim --data postgres=NAME` gives a branch a store that begins with it.
"""

Name = Annotated[str, Argument(help="The snapshot's name.")]

snapshot = Group(HELP, name="snapshot", everywhere=common)


@snapshot.command()
def create(
    name: Name,
    data: Annotated[list[str], Option("--data", metavar="STORE", help="A store; several are of one moment.")],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    freeze_limit: Annotated[str, Option(metavar="DURATION", help="How long pods may stand still.")] = "2s",
) -> None:
    """Copy stores as they are now."""
    from meshmall.cli.snapshots import create as create_snapshot  # noqa: PLC0415

    create_snapshot(context_of(home, namespace), name, data, freeze_limit)


@snapshot.command("list")
def list_(
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    output: Annotated[str, Option("--output", "-o", help="table, json or name")] = "table",
) -> None:
    """List snapshots, oldest first."""
    from meshmall.cli.snapshots import list_snapshots  # noqa: PLC0415

    list_snapshots(context_of(home, namespace), output)


@snapshot.command()
def restore(name: Name, home: HomeOption = None, namespace: NamespaceOption = None) -> None:
    """Put everybody's stores back to a snapshot: they are stopped, and start again on it."""
    from meshmall.cli.snapshots import restore as restore_snapshot  # noqa: PLC0415

    restore_snapshot(context_of(home, namespace), name)


@snapshot.command()
def delete(
    names: Annotated[list[str], Argument(help="The snapshots.")],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Delete snapshots. Branches that began with one keep their data."""
    from meshmall.cli.snapshots import delete as delete_snapshots  # noqa: PLC0415

    delete_snapshots(context_of(home, namespace), names)
