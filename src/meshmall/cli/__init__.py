"""The `meshmall` command."""


def main() -> None:
    """Entry point of the `meshmall` command."""
    from meshmall.cli.app import run  # noqa: PLC0415 - the package itself stays cheap to import

    run()
