"""What every command works with: home, view, namespace and the client of the API."""

import shlex

from mesh.client.api import Client
from mesh.daemon.home import Home, Settings
from meshmall.cli.view import View
from meshmall.defaults import DEFAULTS


class Context:
    """`namespace` is the one requested, or the mesh's default. Without a `client`, the first use makes one."""

    def __init__(self, home: Home, view: View, namespace: str | None = None, client: Client | None = None) -> None:
        self.home = home
        self.view = view
        self.namespace = namespace or self.settings.namespace
        self._client = client

    @property
    def settings(self) -> Settings:
        """The settings of the home, or the product's defaults before the first start."""
        return self.home.settings(DEFAULTS)

    @property
    def client(self) -> Client:
        """The client of the daemon's API. Raises Failure when the mesh is not running."""
        if self._client is None:
            self.home.require_running()
            self._client = Client(self.home.path)
        return self._client

    def in_namespace(self, namespace: str) -> "Context":
        """The same mesh, by the same client, with another namespace."""
        return Context(self.home, self.view, namespace, self.client)


def use_kubeconfig(context: Context) -> str:
    """The command that makes kubectl use this mesh, for people to copy."""
    return f"export KUBECONFIG={shlex.quote(str(context.home.kubeconfig))}"
