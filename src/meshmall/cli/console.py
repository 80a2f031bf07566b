"""`meshmall console`: signs a browser in to the console."""

import webbrowser

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from meshmall.cli.context import Context


def open_console(context: Context, *, only_print: bool) -> None:
    """Prints an address that works once, within a minute, and opens it in a browser if there is one."""
    try:
        url = context.client.console()
    except ApiError as error:
        raise Failure(error.message) from None
    context.view.plain(url)
    if not only_print:
        webbrowser.open(url)
