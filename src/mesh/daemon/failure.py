"""What a command says when it cannot do what it was told."""


class Failure(Exception):
    """Ends a command: `message` says what is wrong, `remedy` what would do; the exit code is `code`."""

    def __init__(self, message: str, remedy: str = "", code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code
