"""The steps of a rollout, as tables."""

import pytest

from mesh.pods.controllers.rollout import Step, Strategy, Version, bounds, step, surplus


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (1, None, None, (1, 0)),
        (4, "25%", "25%", (1, 1)),
        (10, "25%", "25%", (3, 2)),
        (3, 0, 0, (0, 1)),
        (3, "0%", "10%", (0, 1)),
        (2, 1, 5, (1, 2)),
        (5, "100%", 0, (5, 0)),
    ],
)
def test_surge_is_rounded_up_and_unavailable_down_and_never_both_are_zero(
    replicas: int, surge: int | str | None, unavailable: int | str | None, expected: tuple[int, int]
) -> None:
    assert bounds(replicas, surge, unavailable) == expected


def old(wanted: int, available: int | None = None, name: str = "old", created: str = "1", limit: int = 0) -> Version:
    return Version(name, created, wanted, wanted, wanted if available is None else available, limit)


def new(wanted: int, available: int = 0, limit: int = 0) -> Version:
    return Version("new", "9", wanted, wanted, available, limit)


THREE = Strategy(replicas=3, surge=1)


@pytest.mark.parametrize(
    ("strategy", "latest", "others", "expected"),
    [
        pytest.param(THREE, None, [], Step({}, create=3), id="the first version is created whole"),
        pytest.param(THREE, None, [old(3)], Step({}, create=1), id="a second one with what surge allows"),
        pytest.param(THREE, new(1), [old(3)], Step({}), id="nothing while the new one is not available"),
        pytest.param(THREE, new(1, 1), [old(3)], Step({"old": 2}), id="then an old one goes"),
        pytest.param(THREE, new(1, 1), [old(2)], Step({"new": 2}), id="which makes room for a new one"),
        pytest.param(THREE, new(3, 3), [old(1)], Step({"old": 0}), id="to the last"),
        pytest.param(THREE, new(3, 3), [old(0)], Step({}), id="and then it is done"),
        pytest.param(
            THREE, new(1), [old(3, available=1)], Step({}), id="no old one goes for being broken, if none may"
        ),
        pytest.param(Strategy(3, 1, 1), new(1), [old(3, available=1)], Step({"old": 2}), id="a broken one goes first"),
        pytest.param(
            Strategy(3, 0, 1), None, [old(3)], Step({}, create=0), id="without surge there is no room at first"
        ),
        pytest.param(Strategy(3, 0, 1), new(0), [old(3)], Step({"old": 2}), id="so an old one makes it"),
        pytest.param(Strategy(3, recreate=True), None, [old(3)], Step({"old": 0}), id="recreate ends the old"),
        pytest.param(
            Strategy(3, recreate=True), None, [Version("old", "1", 0, 2)], Step({}), id="and waits until they are gone"
        ),
        pytest.param(Strategy(3, recreate=True), None, [old(0)], Step({}, create=3), id="before it creates the new"),
        pytest.param(Strategy(2, 1, paused=True), None, [old(1)], Step({"old": 2}), id="paused: only the size changes"),
        pytest.param(Strategy(0), new(3, 3), [], Step({"new": 0}), id="down to none"),
        pytest.param(
            Strategy(10, 3, 2), new(4, 4, limit=6), [old(2, limit=6)], Step({"new": 9, "old": 4}), id="proportional"
        ),
    ],
)
def test_a_step(strategy: Strategy, latest: Version | None, others: list[Version], expected: Step) -> None:
    assert step(strategy, latest, others) == expected


@pytest.mark.parametrize("replicas", [1, 2, 3, 7])
@pytest.mark.parametrize(("surge", "unavailable"), [("25%", "25%"), (0, 1), (1, 0), ("100%", "50%")])
def test_steps_lead_to_the_end_within_the_bounds(replicas: int, surge: int | str, unavailable: int | str) -> None:
    up, down = bounds(replicas, surge, unavailable)
    strategy = Strategy(replicas, up, down)
    latest: Version | None = None
    before = old(replicas)
    for _ in range(100):
        following = step(strategy, latest, [before])
        if following == Step({}) and latest is not None and latest.available == latest.size:
            break
        if following.create is not None:
            latest = new(following.create)
        elif latest is not None:
            wanted = following.sizes.get("new", latest.size)
            latest = new(wanted, wanted if not following.sizes else min(latest.available, wanted))
        before = old(following.sizes.get("old", before.size))
        now = latest or new(0)
        assert now.available + before.available >= strategy.least
        assert now.size + before.size <= strategy.most
    assert latest == new(replicas, replicas)
    assert before.size == 0


def test_the_oldest_idle_versions_beyond_the_limit_go() -> None:
    versions = [old(0, name=n, created=n) for n in "cab"] + [old(1, name="d", created="d")]
    assert surplus(versions, 2) == ["a", "b"]
    assert surplus(versions, 10) == []
