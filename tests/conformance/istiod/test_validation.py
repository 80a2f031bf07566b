"""Whatever Istio rejects is rejected here, and the other way round, but for what is documented."""

from tests.conformance.istiod.validation import differences, documented, recorded


def test_odd_objects_are_rejected_as_by_istio() -> None:
    known = documented()
    found = dict(differences(recorded()))
    new = [f"{name}: {why}" for name, why in found.items() if name not in known]
    assert not new, "\n".join(new)
    assert known.keys() <= found.keys(), f"no longer differ: {sorted(known.keys() - found.keys())}"
    assert all(reason.strip() for reason in known.values())
