"""A store in one line."""

from meshmall.cli.branch.data_text import size_text, store_text


def test_sizes() -> None:
    assert [size_text(count) for count in (12, 1500, 40_000_000, 2_500_000_000)] == [
        "12 B",
        "1.5 kB",
        "40 MB",
        "2.5 GB",
    ]


def test_a_line_says_what_it_is_of_and_what_it_cost() -> None:
    ready = {"name": "postgres", "phase": "Ready", "from": "baseline", "workload": "StatefulSet/postgres"}
    assert store_text({**ready, "bytes": 578_000_000, "shared": True, "frozenMilliseconds": 1040}) == (
        "postgres: copy of StatefulSet/postgres, 578 MB (shared blocks), baseline frozen for 1,040 ms"
    )
    assert store_text({**ready, "from": "empty"}) == "postgres: empty"
    failed = {**ready, "from": "demo", "phase": "Failed", "message": "no"}
    assert store_text(failed) == "postgres: snapshot demo, Failed: no"
