"""What a call of the API can fail with."""

from collections.abc import Sequence


class ApiError(Exception):
    """The API refused a request, or could not be reached (`status` 0). `causes` has a line for each problem."""

    def __init__(self, status: int, message: str, causes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.causes = tuple(causes)
