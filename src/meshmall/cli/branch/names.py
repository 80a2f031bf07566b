"""Names of branches: git's are allowed wherever a branch is named."""

import hashlib
import re
import subprocess

from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import LONGEST_NAME

GIT_LIMIT = 10.0


def object_name(text: str) -> str:
    """The Branch's name for what was typed: itself when it is a name, else made of a git branch's.

    `feature/New_Banner` gives `feature-new-banner`; what is cut, or would be taken for another's, gets six letters of
    a hash. Raises Failure when nothing is left.
    """
    made = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not made:
        raise Failure(f"{text!r} cannot be made into a name", "letters, digits and - are kept")
    if made == text and len(made) <= LONGEST_NAME:
        return made
    plain = re.sub(r"[/_.]", "-", text) == made and "--" not in made
    if plain and len(made) <= LONGEST_NAME:
        return made
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{made[: LONGEST_NAME - 7].rstrip('-')}-{digest}"


def current_git_branch() -> str:
    """The branch that the current folder is on. Raises Failure."""
    try:
        ended = subprocess.run(
            ["git", "branch", "--show-current"],
            capture_output=True,
            text=True,
            timeout=GIT_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"git does not answer: {error}", "name the branch yourself") from None
    name = ended.stdout.strip()
    if ended.returncode != 0:
        raise Failure(f"this folder is no git repository: {ended.stderr.strip()}", "name the branch yourself")
    if not name:
        raise Failure("no git branch is checked out here (detached HEAD)", "git switch BRANCH, or name it yourself")
    return name
