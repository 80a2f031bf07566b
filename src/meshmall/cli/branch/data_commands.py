"""The commands of `meshmall branch data`, their options and help."""

import sys
from typing import Annotated

from meshmall.cli.declare import Argument, Group
from meshmall.cli.options import HomeOption, JsonOutputOption, NamespaceOption, TimeoutOption, common, context_of

HELP = """A branch's own data: copy it anew, and see what the branch changed.

`meshmall branch create kim --data postgres` copies a store for the branch.
"""

Name = Annotated[str, Argument(help="The branch's name; git branch names are accepted.", complete="branch")]

data = Group(HELP, name="data", everywhere=common)


@data.command()
def reset(
    name: Name,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Copy all stores of a branch again, as the baseline is now. What the branch wrote is lost."""
    from meshmall.cli.branch.data_reset import reset as reset_data  # noqa: PLC0415
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415

    reset_data(context_of(home, namespace), object_name(name), timeout)


@data.command()
def diff(
    name: Name,
    stores: Annotated[list[str] | None, Argument(help="Stores of the branch. Default: all of them.")] = None,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    output: JsonOutputOption = "text",
) -> None:
    """Compare a branch's stores with the baseline's as they are now. Exit code 1 if anything differs.

    Tables and rows of PostgreSQL, MySQL, MariaDB and SQLite, and keys of Redis, are asked of the engine's own client
    in the pods; where there is none, files and their sizes are compared.
    """
    from meshmall.cli.branch.data_diff import show_changes  # noqa: PLC0415
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415

    sys.exit(show_changes(context_of(home, namespace), object_name(name), stores or [], output))
