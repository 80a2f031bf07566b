"""Called by mkdocs: adds the generated reference, and turns links to files of the repository into links to its host.

The pages themselves stay as the repository's host shows them: a link such as `../README.md` is right there.
"""

import logging
import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")
log = logging.getLogger("mkdocs.hooks.repository")


def on_files(files: Files, *, config: Any) -> Files:
    """Adds what `tools.docs.reference` has written."""
    folder = Path(os.environ["DOCS_REFERENCE"])
    for path in sorted(folder.iterdir()):
        files.append(File.generated(config, f"reference/{path.name}", content=path.read_text()))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """Rewrites links to files outside of docs/. One to a file that does not exist fails the build."""
    del files
    if page.file.src_uri.startswith("reference/"):
        return markdown

    def replacement(match: re.Match[str]) -> str:
        path = (ROOT / "docs" / match[1]).resolve()
        if not path.exists():
            log.warning("%s links to %s, which does not exist", page.file.src_uri, match[1])
        return f"]({config['extra']['repository']}/blob/main/{path.relative_to(ROOT)}{match[2] or ''})"

    return LINK.sub(replacement, markdown)
