"""What every command works with: home, view, namespace and the client of the API."""

from functools import cached_property

from mesh.client.api import Client
from mesh.daemon.home import Home, Settings
from meshmall.cli.view import View
from meshmall.defaults import DEFAULTS


class Context:
    """`namespace` is the one requested, or the mesh's default."""

    def __init__(self, home: Home, view: View, namespace: str | None = None) -> None:
        self.home = home
        self.view = view
        self.namespace = namespace or self.settings.namespace

    @property
    def settings(self) -> Settings:
        """The settings of the home, or the product's defaults before the first start."""
        return self.home.settings(DEFAULTS)

    @cached_property
    def client(self) -> Client:
        """The client of the daemon's API. Raises Failure when the mesh is not running."""
        self.home.require_running()
        return Client(self.home.path)
