"""A branch's data in words: a line about each store, and how far a copy is."""

from collections.abc import Callable

from mesh.resources.values.body import Body

UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def size_text(count: float) -> str:
    """A number of bytes as people write it: `578 MB`."""
    for size, unit in UNITS:
        if count >= size:
            return f"{count / size:,.{0 if count >= 10 * size else 1}f} {unit}"
    return f"{count:.0f} B"


def store_text(store: Body) -> str:
    """A store of `status.data` as one line."""
    source = store.get("from", "baseline")
    origin = "empty" if source == "empty" else f"copy of {store.get('workload', 'nothing')}"
    if source not in ("empty", "baseline"):
        origin = f"snapshot {source}"
    parts = [origin]
    if store.get("bytes"):
        parts.append(f"{size_text(store['bytes'])}{' (shared blocks)' if store.get('shared') else ''}")
    if store.get("frozenMilliseconds"):
        parts.append(f"baseline frozen for {store['frozenMilliseconds']:,} ms")
    if store.get("phase") != "Ready":
        parts.append(f"{store.get('phase', 'Waiting')}: {store.get('message', '')}".rstrip(": "))
    return f"{store['name']}: {', '.join(parts)}"


def data_progress(show: Callable[[str], None]) -> Callable[[Body], None]:
    """Calls `show` with how far the copies of a branch are, whenever that has changed."""
    shown = ""

    def look(branch: Body) -> None:
        nonlocal shown
        stores = (branch.get("status") or {}).get("data", [])
        text = "; ".join(
            f"{store['name']}: {store.get('message', '')}" for store in stores if store["phase"] == "Copying"
        )
        if text and text != shown:
            show(text)
            shown = text

    return look
