"""A report as Markdown, and as one HTML page without anything from elsewhere. Pure."""

import html
import re

from meshmall.report.document import Document, Section

STYLE = """
:root { color-scheme: light dark; --line: #8884; --bad: light-dark(#a40e26, #ff8b94); --soft: light-dark(#555, #aaa); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.2rem; border-bottom: 1px solid var(--line); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
pre { overflow-x: auto; padding: .8rem; border: 1px solid var(--line); border-radius: .4rem; font-size: 13px; }
.problems li { color: var(--bad); }
.soft { color: var(--soft); }
"""
SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def markdown(document: Document) -> str:
    """GitHub's dialect, for a job summary or an issue."""
    lines = [f"# {_plain(document.title)}", "", *(f"- {name}: {_plain(value)}" for name, value in document.summary), ""]
    lines += ["## Problems", ""]
    lines += [f"- {_plain(problem)}" for problem in document.problems] or ["None."]
    for section in document.sections:
        lines += ["", f"## {_plain(section.title)}", "", *(f"{_plain(line)}  " for line in section.lines)]
        if section.rows:
            lines += ["", f"| {' | '.join(section.header)} |", f"|{'---|' * len(section.header)}"]
            lines += [f"| {' | '.join(_plain(cell) for cell in row)} |" for row in section.rows]
        if section.text:
            fence = "````" if "```" in section.text else "```"
            lines += ["", f"{fence}text", section.text.rstrip("\n"), fence]
    return "\n".join(lines) + "\n"


def as_html(document: Document) -> str:
    """One page that works from a file, light and dark, without scripts."""
    title = html.escape(document.title)
    summary = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in document.summary
    )
    problems = "".join(f"<li>{html.escape(problem)}</li>" for problem in document.problems)
    body = [
        f"<h1>{title}</h1><div class=scroll><table>{summary}</table></div><h2>Problems</h2>",
        f"<ul class=problems>{problems}</ul>" if problems else "<p>None.</p>",
        *(_section(section) for section in document.sections),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>{''.join(body)}</body></html>\n"
    )


def _section(section: Section) -> str:
    parts = [f"\n<h2>{html.escape(section.title)}</h2>"]
    parts += [f"<p class=soft>{html.escape(line)}</p>" for line in section.lines]
    if section.rows:
        header = "".join(f"<th>{html.escape(name)}</th>" for name in section.header)
        rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in section.rows)
        parts.append(f"<div class=scroll><table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table></div>")
    if section.text:
        # A region that scrolls must be reachable by keyboard (WCAG 2.1.1).
        parts.append(f'<pre tabindex="0">{html.escape(section.text)}</pre>')
    return "".join(parts)


def _plain(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text).replace("\n", " ")
