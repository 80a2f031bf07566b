"""Codes and sessions of the console: once, for a time, and only so many."""

from mesh.console.sessions import CODE_LIFETIME, MOST_SESSIONS, SESSION_LIFETIME, Sessions


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_codes_and_sessions_end_and_are_bounded() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    late = sessions.code()
    clock.now += CODE_LIFETIME
    assert sessions.enter(late) is None
    session = sessions.enter(sessions.code())
    assert session is not None
    clock.now += SESSION_LIFETIME - 1
    assert sessions.knows(session)
    clock.now += 1
    assert not sessions.knows(session)
    made = [sessions.enter(sessions.code()) for _ in range(MOST_SESSIONS + 1)]
    assert [sessions.knows(item or "") for item in made] == [False] + [True] * MOST_SESSIONS


def test_sessions_outlive_the_daemon_and_codes_do_not() -> None:
    clock, stored = Clock(), dict[str, float]()
    first = Sessions(clock, changed=stored.update)
    code, session = first.code(), first.enter(first.code())
    assert session is not None
    assert session not in stored
    second = Sessions(clock, earlier=stored)
    assert second.knows(session)
    assert second.enter(code) is None
    clock.now += SESSION_LIFETIME
    assert not Sessions(clock, earlier=stored).knows(session)
