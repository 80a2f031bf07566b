"""`branch dev`: what a branch runs for a service is replaced for a while, and put back."""

from collections.abc import Sequence

import msgspec

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import Fork
from mesh.resources.values.body import Body
from meshmall.cli.apply import refusal
from meshmall.cli.branch.spec import BranchOptions
from meshmall.cli.branch.wait import branch_ref, fetch
from meshmall.cli.context import Context

CHOICES = ("fork", "version", "template", "url")


class Substitution:
    """One service of one branch. A branch that does not exist is created, and deleted again."""

    def __init__(self, context: Context, branch: str, service: str, cookies: Sequence[str]) -> None:
        self._context = context
        self._branch = branch
        self._service = service
        self._cookies = cookies
        self._original: Body | None = None

    def original_fork(self) -> Body:
        """The service's fork as the branch has it; {} without one."""
        try:
            branch = fetch(self._context, self._branch)
        except Failure:
            return {}
        fork: Body = (branch["spec"].get("services", {}).get(self._service) or {}).get("fork") or {}
        return fork

    def put(self, change: Body) -> None:
        """Makes the branch run `change`, such as {"url": ...}. Raises Failure, with nothing changed."""
        try:
            try:
                self._original = fetch(self._context, self._branch)
            except Failure:
                body = BranchOptions(forks=[self._service], cookies=self._cookies).branch(self._branch)
                body["spec"]["services"] = {self._service: change}
                self._context.client.apply([body], namespace=self._context.namespace)
                return
            self._patch(change)
        except ApiError as error:
            raise refusal(error, "nothing was changed") from None

    def restore(self) -> None:
        """Puts back what the branch ran, or deletes the branch that was created. Warns when that fails."""
        view = self._context.view
        try:
            if self._original is None:
                self._context.client.delete([branch_ref(self._context, self._branch)])
                view.say(f"Deleted branch {self._branch}")
                return
            self._patch(self._original["spec"].get("services", {}).get(self._service))
            view.say(f"Restored {self._service} of branch {self._branch}")
        except ApiError as error:
            view.warn(f"branch {self._branch} could not be restored: {error.message}")

    def _patch(self, change: Body | None) -> None:
        """Replaces the service's whole change. A merge patch keeps what it does not name, so that all is named."""
        if change is not None:
            change = {**dict.fromkeys(CHOICES), **change}
            if change["fork"] is not None:
                fields = [field.encode_name for field in msgspec.structs.fields(Fork)]
                change["fork"] = {**dict.fromkeys(fields), **change["fork"]}
        patch = {"spec": {"services": {self._service: change}}}
        self._context.client.patch(branch_ref(self._context, self._branch), patch)
