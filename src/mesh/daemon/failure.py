"""How a command reports that it failed."""


class Failure(Exception):
    """Ends a command: `message` says what is wrong, `remedy` what to do about it; `code` is the exit code."""

    def __init__(self, message: str, remedy: str = "", code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code
