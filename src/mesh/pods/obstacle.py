"""Why a container cannot be started now."""


class NotYet(Exception):
    """The container cannot be started now: Kubernetes' reason for waiting, and a message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
