"""A report as Markdown and as HTML."""

from html.parser import HTMLParser

from meshmall.report.document import Document, Section
from meshmall.report.formats import as_html, markdown

DOCUMENT = Document(
    "meshmall report",
    [("Home", "/tmp/<x>")],
    ["Deployment mesh/a: 0/1 pods | are *ready*"],
    [
        Section("Pods", ["One."], ("Pod", "Why"), [["mesh/a", "<script>alert(1)</script>\nnext"]]),
        Section("Log", text="a\n```\n"),
    ],
)


def test_markdown_has_tables_and_escapes_what_would_be_markup() -> None:
    text = markdown(DOCUMENT)
    assert "- Deployment mesh/a: 0/1 pods \\| are \\*ready\\*" in text
    assert "| mesh/a | \\<script\\>alert(1)\\</script\\> next |" in text
    assert "````text\na\n```\n````" in text
    assert "None." in markdown(Document("r"))


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.elsewhere += [str(value) for name, value in attrs if name in ("src", "href")]


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    text = as_html(DOCUMENT)
    page = Tags()
    page.feed(text)
    assert (page.elsewhere, "script" in page.tags, "http" in text) == ([], False, False)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert 'lang="en"' in text
