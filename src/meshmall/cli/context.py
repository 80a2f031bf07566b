"""What every command works with: the home, the view, the namespace and the API's client."""

from functools import cached_property

from mesh.client.api import Client
from mesh.daemon.home import Home
from meshmall.cli.view import View


class Context:
    """`namespace` is the one asked for, or the mesh's default."""

    def __init__(self, home: Home, view: View, namespace: str | None = None) -> None:
        self.home = home
        self.view = view
        self.namespace = namespace or home.settings().namespace

    @cached_property
    def client(self) -> Client:
        """Speaks to the daemon. Raises Failure when none runs."""
        self.home.require_running()
        return Client(self.home.path)
