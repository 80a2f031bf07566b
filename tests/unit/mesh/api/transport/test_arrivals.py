"""Clients that have not authenticated: who gives way to whom."""

from mesh.api.transport.arrivals import UNKNOWN, ArrivalBounds, Arrivals

OWN, STRANGER, OTHER = 1000, 1001, 1002


class Connection:
    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False

    def close(self) -> None:
        self.closed = True


def _enter(arrivals: Arrivals, user: int, count: int) -> list[Connection]:
    connections = [Connection(f"{user}-{number}") for number in range(count)]
    for connection in connections:
        arrivals.enter(connection, user)
    return connections


def _closed(connections: list[Connection]) -> list[int]:
    return [number for number, connection in enumerate(connections) if connection.closed]


def _arrivals() -> Arrivals:
    return Arrivals(ArrivalBounds(most=10, most_per_user=4), lambda: OWN)


def test_a_stranger_loses_the_oldest_of_too_many() -> None:
    arrivals = _arrivals()
    assert _closed(_enter(arrivals, STRANGER, 6)) == [0, 1]
    assert len(arrivals) == 4


def test_the_meshs_own_user_has_all_the_room_that_there_is() -> None:
    arrivals = _arrivals()
    assert _closed(_enter(arrivals, OWN, 11)) == [0]
    assert len(arrivals) == 10


def test_strangers_give_way_to_the_meshs_own_user() -> None:
    arrivals = _arrivals()
    strangers = _enter(arrivals, STRANGER, 2)
    unknown = _enter(arrivals, UNKNOWN, 3)
    assert _closed(_enter(arrivals, OWN, 10)) == []
    assert _closed(strangers) == [0, 1]
    assert _closed(unknown) == [0, 1, 2]


def test_no_stranger_takes_the_room_of_another() -> None:
    arrivals = _arrivals()
    other = _enter(arrivals, OTHER, 1)
    own = _enter(arrivals, OWN, 5)
    assert _closed(_enter(arrivals, STRANGER, 50)) == list(range(46))
    assert (_closed(other), _closed(own)) == ([], [])


def test_who_has_authenticated_is_never_closed_and_frees_the_room() -> None:
    arrivals = _arrivals()
    first = _enter(arrivals, STRANGER, 4)
    for connection in first:
        arrivals.leave(connection)
        arrivals.leave(connection)
    assert len(arrivals) == 0
    assert _closed(_enter(arrivals, STRANGER, 4)) == []
    assert _closed(first) == []
