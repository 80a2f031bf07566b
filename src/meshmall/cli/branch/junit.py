"""Compared requests as JUnit XML, which CI systems show as tests. Pure.

The format is the one that Jenkins' JUnit plugin describes, and that GitHub's and GitLab's tools read: a test case per
request, with a failure where anything differs, and an error where the two could not be compared.
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from mesh.branches.compare import CannotCompare, Compared

# Characters that no XML document may contain (https://www.w3.org/TR/xml/#charsets).
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(branch: str, method: str, results: Sequence[tuple[str, Compared | CannotCompare]]) -> str:
    """The document; `results` are the paths in their order. Times are those of the branch's answers, in seconds."""
    failures = sum(isinstance(result, Compared) and bool(result.differences) for _, result in results)
    errors = sum(isinstance(result, CannotCompare) for _, result in results)
    seconds = sum(_seconds(result) for _, result in results)
    counts = {"tests": len(results), "failures": failures, "errors": errors, "skipped": 0, "time": f"{seconds:.3f}"}
    attributes = {key: str(value) for key, value in counts.items()}
    suites = Xml.Element("testsuites", {"name": "meshmall", **attributes})
    suite = Xml.SubElement(suites, "testsuite", {"name": f"branch diff {branch}", **attributes})
    for path, result in results:
        case = Xml.SubElement(
            suite,
            "testcase",
            {
                "classname": f"branch.{branch}",
                "name": _clean(f"{method} {path}"),
                "time": f"{_seconds(result):.3f}",
            },
        )
        if isinstance(result, CannotCompare):
            error = Xml.SubElement(case, "error", {"message": _clean(result.message), "type": "CannotCompare"})
            error.text = _clean(f"{result.message}\n{result.remedy}".strip())
        elif result.differences:
            count = len(result.differences)
            message = "1 difference" if count == 1 else f"{count} differences"
            failure = Xml.SubElement(case, "failure", {"message": message, "type": "Difference"})
            failure.text = _clean(
                "\n".join(
                    f"{difference.what}: baseline {difference.baseline}, {branch} {difference.branch}"
                    for difference in result.differences
                )
            )
    Xml.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(suites, encoding="unicode")}\n'


def _seconds(result: Compared | CannotCompare) -> float:
    return result.branch.milliseconds / 1000 if isinstance(result, Compared) else 0.0


def _clean(text: str) -> str:
    return FORBIDDEN.sub("�", text)
