"""`branch fault`: options become a fault, and a fault becomes a sentence."""

import pytest

from mesh.daemon.failure import Failure
from meshmall.cli.branch.fault import fault_lines, fault_of


def test_options_become_istios_fields() -> None:
    assert fault_of("2s", "503", 50.0) == {
        "delay": {"fixedDelay": "2s", "percentage": {"value": 50.0}},
        "abort": {"httpStatus": 503, "percentage": {"value": 50.0}},
    }
    assert fault_of("", "UNAVAILABLE", 100.0)["abort"]["grpcStatus"] == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("delay", "abort", "percentage", "message"),
    [
        ("", "", 100.0, "a fault needs --delay, --abort, or both"),
        ("soon", "", 100.0, '--delay "soon": not a duration'),
        ("0s", "", 100.0, '--delay "0s": not a duration'),
        ("", "99", 100.0, '--abort "99": not a status'),
        ("", "OOPS", 100.0, '--abort "OOPS": not a status'),
        ("2s", "", 0.0, "--percentage 0: use a number above 0, up to 100"),
        ("2s", "", 101.0, "--percentage 101: use a number above 0, up to 100"),
    ],
)
def test_a_wrong_option_is_named(delay: str, abort: str, percentage: float, message: str) -> None:
    with pytest.raises(Failure) as failure:
        fault_of(delay, abort, percentage)
    assert (failure.value.message, failure.value.code) == (message, 2)


def test_a_fault_is_a_sentence() -> None:
    faults = {"stock": fault_of("2s", "503", 50.0), "mall": fault_of("", "503", 100.0)}
    assert fault_lines(faults) == [
        "mall answers 503",
        "stock is delayed by 2s (50 % of its requests); answers 503 (50 % of its requests)",
    ]
