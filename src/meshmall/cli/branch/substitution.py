"""`branch dev`: what a branch runs for a service is replaced for a while, and put back."""

from collections.abc import Sequence

import msgspec

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import Fork
from mesh.resources.values.body import Body
from meshmall.cli.apply import refusal
from meshmall.cli.branch.spec import BranchOptions
from meshmall.cli.branch.wait import Steps, branch_ref, condition, fetch, until_ready
from meshmall.cli.context import Context

CHOICES = ("fork", "version", "template", "url")


class Substitution:
    """One service of one branch. A branch that does not exist is created, and deleted again."""

    def __init__(self, context: Context, branch: str, service: str, cookies: Sequence[str]) -> None:
        self.branch = branch
        self.service = service
        self._context = context
        self._cookies = cookies
        self._original: Body | None = None

    def original_fork(self) -> Body:
        """The service's fork as the branch has it; {} without one."""
        try:
            branch = fetch(self._context, self.branch)
        except Failure:
            return {}
        fork: Body = (branch["spec"].get("services", {}).get(self.service) or {}).get("fork") or {}
        return fork

    def put(self, change: Body) -> None:
        """Makes the branch run `change`, such as {"url": ...}. Raises Failure, with nothing changed."""
        try:
            try:
                self._original = fetch(self._context, self.branch)
            except Failure:
                body = BranchOptions(forks=[self.service], cookies=self._cookies).branch(self.branch)
                body["spec"]["services"] = {self.service: change}
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
                self._context.client.delete([branch_ref(self._context, self.branch)])
                view.say(f"Deleted branch {self.branch}")
                return
            self._patch(self._original["spec"].get("services", {}).get(self.service))
            view.say(f"Restored {self.service} of branch {self.branch}")
        except ApiError as error:
            view.warn(f"branch {self.branch} could not be restored: {error.message}")

    def announce(self, context: Context, limit: float) -> None:
        """Prints where the branch answers, once it is ready. `context` is this thread's own. Raises Failure."""
        branch = until_ready(context, self.branch, Steps(), limit)
        address = (branch.get("status") or {}).get("url", "")
        context.view.say(
            f"{self.service} of branch [bold]{self.branch}[/] is now this process: {address} [dim](Ctrl-C stops it)[/]"
        )
        if (lost := condition(branch, "ContextKept")).get("status") == "False":
            context.view.warn(lost["message"])

    def _patch(self, change: Body | None) -> None:
        """Replaces the service's whole change. A merge patch keeps what it does not name, so that all is named."""
        if change is not None:
            change = {**dict.fromkeys(CHOICES), **change}
            if change["fork"] is not None:
                fields = [field.encode_name for field in msgspec.structs.fields(Fork)]
                change["fork"] = {**dict.fromkeys(fields), **change["fork"]}
        patch = {"spec": {"services": {self.service: change}}}
        self._context.client.patch(branch_ref(self._context, self.branch), patch)
