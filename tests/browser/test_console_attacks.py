"""What a page of another site can do to a console that is open in the same browser: nothing."""

import http.server
import json
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import Served, visitor

# What the hostile page tries; each attempt ends in a line of `window.told`.
PAGE = """<!doctype html><title>evil</title><iframe id=f src="{console}/"></iframe>
<script>
window.told = [];
const body = JSON.stringify({{apiVersion: "meshmall.dev/v1", kind: "Branch", metadata: {{name: "evil"}},
  spec: {{services: {{products: {{version: "v1"}}}}}}}});
const branches = "{console}/apis/meshmall.dev/v1/namespaces/mesh/branches";
async function attempt(name, url, options) {{
  try {{
    const got = await fetch(url, {{credentials: "include", ...options}});
    window.told.push(name + ": " + got.type + " " + (await got.text()).length);
  }} catch (error) {{
    window.told.push(name + ": refused");
  }}
}}
(async () => {{
  await attempt("read", "{console}/mesh/v1/traces");
  await attempt("stream", "{console}/mesh/v1/stream", {{signal: AbortSignal.timeout(3000)}});
  await attempt("json", branches, {{method: "POST", body, headers: {{"content-type": "application/json"}}}});
  await attempt("header", branches, {{method: "POST", body, headers: {{"x-meshmall-console": "1"}}}});
  await attempt("blind", branches, {{method: "POST", body, mode: "no-cors"}});
  await attempt("delete", branches + "/fox", {{method: "DELETE"}});
  window.done = true;
}})();
</script>"""


class _Evil(http.server.BaseHTTPRequestHandler):
    page = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(self.page.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def evil(served: Served) -> Iterator[tuple[Page, str, str]]:
    """An open console, its address, and the address of a hostile page."""
    page = served.open()
    console = f"http://{urlsplit(page.url).netloc}"
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Evil", (_Evil,), {"page": PAGE.format(console=console)})
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield page, console, f"http://localhost:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_hostile_page_reads_nothing_and_changes_nothing(served: Served, evil: tuple[Page, str, str]) -> None:
    page, _, address = evil
    hostile = page.context.new_page()
    hostile.goto(address)
    hostile.wait_for_function("window.done === true")
    told = dict(item.split(": ") for item in hostile.evaluate("window.told"))
    # A blind request is sent and its answer kept from the page.
    assert told == {
        "read": "refused",
        "stream": "refused",
        "json": "refused",
        "header": "refused",
        "blind": "refused",
        "delete": "refused",
    }
    frame = next(item for item in hostile.frames if item != hostile.main_frame)
    assert frame.locator("#app").count() == 0
    names = [branch["metadata"]["name"] for branch in json.loads(served.mesh.ok("branch", "list", "-o", "json"))]
    assert sorted(names) == ["fox", "jason"]


def test_a_form_of_another_site_is_refused(served: Served, evil: tuple[Page, str, str]) -> None:
    page, console, address = evil
    hostile = page.context.new_page()
    hostile.goto(address)
    target = f"{console}/apis/meshmall.dev/v1/namespaces/mesh/branches"
    with hostile.expect_navigation() as navigation:
        hostile.evaluate(
            """url => { const form = document.createElement('form'); form.method = 'post'; form.enctype = 'text/plain';
            form.action = url; document.body.append(form); form.submit(); }""",
            target,
        )
    response = navigation.value
    assert response is not None
    assert response.status == 403


def test_a_foreign_name_that_resolves_here_is_refused(served: Served, browser: Browser) -> None:
    """DNS rebinding, with a browser whose resolver is the attacker's."""
    url = urlsplit(served.mesh.ok("console", "--print").split()[0])
    with visitor(browser, expected="403") as watched:
        # `*.localhost` resolves to loopback as a rebound name would.
        page = watched.open(f"http://evil.localhost:{url.port}/")
        assert "Failure" in page.content()
        assert page.evaluate("fetch('/mesh/v1/traces').then(r => r.status)") == 403


def test_the_code_is_gone_from_the_address_and_the_history(served: Served) -> None:
    page = served.open()
    assert "code=" not in page.url
    assert page.evaluate("document.referrer") == ""
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage)).join()") in ("", "theme")
    for log in served.mesh.home.rglob("*.log"):
        assert "code=" not in log.read_text(errors="replace")
        assert (served.mesh.home / "token").read_text().strip() not in log.read_text(errors="replace")
