"""A pod's priority: of its class, of the class for all pods, or none."""

from mesh.resources.validation.pod_priority import priority_of

HIGH = {"metadata": {"name": "high"}, "value": 7, "preemptionPolicy": "Never"}


def test_a_class_gives_its_value_and_an_unknown_one_nothing() -> None:
    high = priority_of("high", [HIGH])
    assert high is not None
    spec = {"priorityClassName": "high"}
    high.write(spec)
    assert spec == {"priorityClassName": "high", "priority": 7, "preemptionPolicy": "Never"}
    assert priority_of("low", [HIGH]) is None
    assert priority_of("system-node-critical", []) is not None


def test_pods_without_a_class_have_the_default_one() -> None:
    plain, default = priority_of("", [HIGH]), priority_of("", [{**HIGH, "globalDefault": True}])
    assert (plain and plain.value, default and default.class_name) == (0, "high")
