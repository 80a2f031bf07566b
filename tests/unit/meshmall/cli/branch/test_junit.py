"""Compared requests as JUnit XML."""

from xml.etree import ElementTree as Xml

from mesh.branches.compare import CannotCompare, Compared, Difference, Got
from meshmall.cli.branch.junit import junit


def compared(path: str, *differences: Difference) -> Compared:
    got = Got(200, {}, "", 12.0, "fox")
    return Compared(path, got, got, 10.0, differences)


def test_each_request_is_a_test_case() -> None:
    results: list[tuple[str, Compared | CannotCompare]] = [
        ("/", compared("/")),
        ("/a<b", compared("/a<b", Difference("status", "200", "503"), Difference("body .x", '"\x00&"', "-"))),
        ("/gone", CannotCompare("the gateway does not respond", "start it")),
    ]
    root = Xml.fromstring(junit("fox", "GET", results))
    assert root.tag == "testsuites"
    (suite,) = root
    assert suite.attrib == {
        "name": "branch diff fox",
        "tests": "3",
        "failures": "1",
        "errors": "1",
        "skipped": "0",
        "time": "0.024",
    }
    good, bad, broken = suite
    assert (good.get("classname"), good.get("name"), good.get("time"), list(good)) == (
        "branch.fox",
        "GET /",
        "0.012",
        [],
    )
    assert bad.get("name") == "GET /a<b"
    assert bad[0].get("message") == "2 differences"
    assert bad[0].text == 'status: baseline 200, fox 503\nbody .x: baseline "�&", fox -'
    assert (broken[0].tag, broken[0].text) == ("error", "the gateway does not respond\nstart it")
