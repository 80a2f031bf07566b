"""The options of `branch create` become a Branch, or a message that names the option and its valid form."""

from pathlib import Path

import pytest

from mesh.daemon.failure import Failure
from mesh.resources.validation.manifest import validate
from meshmall.cli.branch.spec import BranchOptions


def test_options_become_a_branch_that_is_valid() -> None:
    options = BranchOptions(
        forks=["products", "recommend"],
        env=["DEBUG=1", "products:FAVORITES=true"],
        image=["products=shop/products:2"],
        command=["recommend=python -m 'my shop'"],
        replicas=["products=3"],
        versions=["stock=v2"],
        urls=["mall=http://127.0.0.1:9000"],
        new=["favorites:7000=python -m mall.favorites"],
        includes=["base"],
        cookies=["user=fox"],
        headers=["x-team=a=b"],
        queries=["view=new"],
        baggage=["tenant=fox"],
        hosts=["fox.example.com"],
        fallback="baseline",
        expires="2h",
    )
    body = options.branch("fox", git="feature/fox")
    assert validate(body, "mesh").body["spec"]["services"] == {
        "products": {
            "fork": {
                "env": [{"name": "DEBUG", "value": "1"}, {"name": "FAVORITES", "value": "true"}],
                "image": "shop/products:2",
                "replicas": 3,
            }
        },
        "recommend": {"fork": {"env": [{"name": "DEBUG", "value": "1"}], "command": ["python", "-m", "my shop"]}},
        "stock": {"version": "v2"},
        "mall": {"url": "http://127.0.0.1:9000"},
        "favorites": body["spec"]["services"]["favorites"],
    }
    assert body["spec"]["services"]["favorites"]["template"]["spec"]["containers"] == [
        {
            "name": "favorites",
            "command": ["python", "-m", "mall.favorites"],
            "env": [
                {"name": "HOST", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "PORT", "value": "7000"},
            ],
            "ports": [{"containerPort": 7000}],
        }
    ]
    assert body["spec"]["enter"] == [
        {"cookie": {"name": "user", "value": "fox"}},
        {"header": {"name": "x-team", "value": "a=b"}},
        {"query": {"name": "view", "value": "new"}},
        {"baggage": {"name": "tenant", "value": "fox"}},
        {"host": "fox.example.com"},
    ]
    assert (body["spec"]["fallback"], body["spec"]["expires"], body["spec"]["includes"]) == ("baseline", "2h", ["base"])
    assert list(body["metadata"]["annotations"].values()) == ["feature/fox"]


def test_what_is_not_given_is_left_out() -> None:
    body = BranchOptions(forks=["products"]).branch("fox", git="fox")
    assert body["spec"] == {"services": {"products": {"fork": {}}}}
    assert "annotations" not in body["metadata"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (BranchOptions(versions=["stock"]), "--version stock: use SERVICE=VERSION"),
        (BranchOptions(urls=["=x"]), "--url =x: use SERVICE=URL"),
        (BranchOptions(cookies=["user="]), "--cookie user=: use NAME=VALUE"),
        (BranchOptions(env=["A"], forks=["a"]), "--env A: use KEY=VALUE or SERVICE:KEY=VALUE"),
        (BranchOptions(env=["A=1"]), "--env A=1: nothing is forked"),
        (BranchOptions(env=["b:A=1"], forks=["a"]), "'b' is not among the forks (a)"),
        (BranchOptions(image=["b=i"]), "'b' is not among the forks (none)"),
        (BranchOptions(replicas=["a=two"], forks=["a"]), "'two' is not a whole number"),
        (BranchOptions(new=["favorites=python"]), "--new favorites=python: use SERVICE:PORT=COMMAND"),
        (BranchOptions(new=["favorites:web=python"]), "use SERVICE:PORT=COMMAND"),
        (BranchOptions(new=["favorites:7000="]), "use SERVICE:PORT=COMMAND"),
    ],
)
def test_a_wrong_option_is_named_with_its_form(options: BranchOptions, message: str) -> None:
    with pytest.raises(Failure) as caught:
        options.branch("fox")
    assert message in caught.value.message
    assert caught.value.code == 2


def test_a_folder_of_code_is_for_every_fork_or_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b").mkdir()
    (tmp_path / "code").mkdir()
    services = BranchOptions(forks=["one", "two"], folders=["code", "two=a=b"]).branch("fox")["spec"]["services"]
    assert services == {
        "one": {"fork": {"workingDir": str(tmp_path / "code")}},
        "two": {"fork": {"workingDir": str(tmp_path / "a=b")}},
    }
    with pytest.raises(Failure, match="nothing is forked"):
        BranchOptions(folders=["code"]).branch("fox")
    with pytest.raises(Failure, match=f"--dir missing: {tmp_path}/missing is not a folder"):
        BranchOptions(forks=["one"], folders=["missing"]).branch("fox")
    with pytest.raises(Failure, match="'three' is not among the forks"):
        BranchOptions(forks=["one"], folders=["three=code"]).branch("fox")


@pytest.mark.parametrize("env", [["WHO=all", "products:WHO=one"], ["products:WHO=one", "WHO=all"]])
def test_a_variable_for_one_fork_wins_over_one_for_all(env: list[str]) -> None:
    services = BranchOptions(forks=["products", "stock"], env=[*env, "LEVEL=1", "LEVEL=2"]).branch("fox")["spec"][
        "services"
    ]
    variables = {
        name: {variable["name"]: variable["value"] for variable in service["fork"]["env"]}
        for name, service in services.items()
    }
    assert variables == {"products": {"WHO": "one", "LEVEL": "2"}, "stock": {"WHO": "all", "LEVEL": "2"}}
