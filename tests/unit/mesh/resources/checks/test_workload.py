"""Deployments and ReplicaSets: what may not change."""

from tests.support.objects import updated
from tests.support.smallest import DEPLOYMENT


def test_the_selector_of_a_deployment_may_not_change() -> None:
    labels = {"app": "reviews", "v": "2"}
    other = {"spec.selector.matchLabels": labels, "spec.template.metadata.labels": labels}
    assert updated(DEPLOYMENT, {"spec.replicas": 3}) == []
    assert "spec.selector: cannot be changed" in updated(DEPLOYMENT, other)[0]
