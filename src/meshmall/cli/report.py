"""`meshmall report`: one file with the state of the mesh, without secrets."""

from pathlib import Path

from mesh.daemon.failure import Failure
from meshmall.cli.context import Context
from meshmall.report.collecting import collect
from meshmall.report.formats import as_html, markdown

FORMATS = {".html": as_html, ".htm": as_html, ".md": markdown}


def write_report(context: Context, file: str) -> None:
    """Writes the report; its format is that of the file's name, and `-` is Markdown on standard output.

    Raises Failure when the file cannot be written. A mesh that does not run is something to report.
    """
    suffix = Path(file).suffix.lower()
    if file != "-" and suffix not in FORMATS:
        raise Failure(
            f'--output "{file}": a report is {", ".join(FORMATS)}, or - for Markdown on standard output', code=2
        )
    document = collect(context)
    text = FORMATS.get(suffix, markdown)(document)
    if file == "-":
        context.view.plain(text)
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(f"--output {file}: {error.strerror}") from None
    count = len(document.problems)
    found = "no problem" if not count else "1 problem" if count == 1 else f"{count} problems"
    context.view.plain(f"wrote {file}: {found}")
