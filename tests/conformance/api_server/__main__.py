"""Prints where this API answers otherwise than a kube-apiserver.

    python -m tests.conformance.api_server [WORD ...] [--prune] [--record]

WORD selects by name ("create pod", "Deployment"). `--prune` takes what no longer differs out of the known differences;
`--record` adds what is new with the reason "not yet", to be replaced by a better one.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.conformance.api_server.documented import documented, write
from tests.conformance.api_server.replay import api_server, differing_cases, differing_defaults


async def _differences() -> dict[str, dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        async with api_server(Path(folder) / "cases") as api:
            of_cases = await differing_cases(api)
        async with api_server(Path(folder) / "defaults") as api:
            return {"cases": of_cases, "defaults": await differing_defaults(api)}


def main(arguments: list[str]) -> None:
    """Prints the differences, and renews the lists of known ones when asked."""
    words = [word for word in arguments if not word.startswith("--")]
    for group, differences in asyncio.run(_differences()).items():
        known = documented(group)
        for name, difference in differences.items():
            if all(word in name for word in words):
                sys.stdout.write(f"{name}\n    {difference}\n    {known.get(name, 'NEW')}\n")
        gone = [name for name in known if name not in differences]
        new = [name for name in differences if name not in known]
        sys.stdout.write(f"{group}: {len(differences)} differ, {len(new)} of them new; {len(gone)} no longer differ\n")
        if "--prune" in arguments or "--record" in arguments:
            reasons = {name: reason for name, reason in known.items() if name in differences}
            write(group, reasons | (dict.fromkeys(new, "not yet") if "--record" in arguments else {}))


if __name__ == "__main__":
    main(sys.argv[1:])
