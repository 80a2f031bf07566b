"""The `meshmall` command."""


def main() -> None:
    """Entry point of the `meshmall` command."""
    # The built-in module: `signal` itself, like nearly everything else, takes milliseconds to import.
    import _signal  # type: ignore[import-not-found]  # noqa: PLC0415

    # Nothing has been done yet, so Ctrl-C may end the process at once: see meshmall.cli.interrupts.
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    from meshmall.cli.app import run  # noqa: PLC0415

    run()
