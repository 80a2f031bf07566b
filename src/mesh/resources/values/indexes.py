"""Sets of completion indexes as a Job's status has them: "0,2-4" (Kubernetes' completedIndexes)."""

from collections.abc import Iterable


def text_of(indexes: Iterable[int]) -> str:
    """Indexes in ascending order, runs of three and more as `first-last`."""
    runs: list[list[int]] = []
    for index in sorted(set(indexes)):
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs)


def parse(text: str, below: int) -> frozenset[int]:
    """The indexes of a text that are below a number. Raises ValueError when it is not ascending, or no such text."""
    indexes: set[int] = set()
    previous = -1
    for part in text.split(",") if text else ():
        first_text, dash, last_text = part.partition("-")
        if not first_text.isdigit() or (dash and not last_text.isdigit()):
            raise ValueError(f'"{part[:40]}" is neither an index nor a range such as "2-4"')
        first = int(first_text)
        last = int(last_text) if dash else first
        if first <= previous or last < first or (dash and last == first):
            raise ValueError(f'"{part[:40]}": indexes must ascend')
        previous = last
        indexes.update(range(first, min(last, below - 1) + 1))
    return frozenset(indexes)
