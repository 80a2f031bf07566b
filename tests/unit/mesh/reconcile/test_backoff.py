"""The pauses before another try."""

from mesh.reconcile.backoff import Backoff


def test_back_off_is_at_once_then_doubles_to_the_limit_and_starts_anew_after_a_good_run() -> None:
    backoff = Backoff(10, 300, 600)
    assert [backoff.after(1) for _ in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]
    assert [backoff.after(600), backoff.after(1)] == [0, 10]
