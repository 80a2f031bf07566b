"""The commands of `meshmall branch data`, their options and help."""

from typing import Annotated

from meshmall.cli.declare import Argument, Group
from meshmall.cli.options import HomeOption, NamespaceOption, TimeoutOption, common, context_of

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
