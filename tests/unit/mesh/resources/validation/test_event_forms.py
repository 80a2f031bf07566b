"""Events of events.k8s.io/v1 are those of core/v1 under other names."""

from mesh.resources.validation.event_forms import from_core, to_core
from tests.support.manifests import event


def test_a_form_is_the_opposite_of_the_other() -> None:
    converted = to_core(event(deprecatedSource={"component": "a"}, deprecatedCount=2))
    assert (converted["apiVersion"], converted["message"], converted["count"]) == ("v1", "all is well", 2)
    assert converted["involvedObject"]["name"] == "shop"
    assert from_core(converted) == event(deprecatedSource={"component": "a"}, deprecatedCount=2)
