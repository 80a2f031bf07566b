"""What a branch runs in the place of a Deployment."""

from mesh.branches.forks import fork
from mesh.resources.meshmall.branch import deployment_name
from tests.support.branches import baseline, stored_branch


def test_a_fork_is_the_baseline_with_its_differences() -> None:
    fox = stored_branch("fox", services={"products": {"fork": {}}})
    changes = {"env": [{"name": "BANNER", "value": "true"}], "command": ["mine"], "image": "mall:2", "replicas": 2}
    change = stored_branch("fox", services={"products": {"fork": changes}}).spec.services["products"].fork
    assert change is not None
    found = fork(fox, "products", change, baseline("products"))
    main, side = found["spec"]["template"]["spec"]["containers"]
    assert main["env"] == [{"name": "KEPT", "value": "1"}, {"name": "BANNER", "value": "true"}]
    assert (main["command"], main["image"], main.get("args")) == (["mine"], "mall:2", None)
    assert side["image"] == "side:1"
    assert found["spec"]["replicas"] == 2
    assert found["metadata"]["name"] == "products-fox"
    assert found["metadata"]["ownerReferences"][0]["uid"] == "uid-fox"
    labels = found["spec"]["template"]["metadata"]["labels"]
    own = {"meshmall.dev/branch": "fox", "meshmall.dev/service": "products"}
    assert labels == {"app": "products", "version": "fox", "branch": "fox", **own}
    assert found["spec"]["selector"]["matchLabels"] == own


def test_a_name_never_gets_longer_than_a_label() -> None:
    assert deployment_name("s" * 60, "branch") == "s" * 60 + "-br"
