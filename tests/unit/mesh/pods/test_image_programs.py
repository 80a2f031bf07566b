"""Containers that name only an image: what runs for them, and what their pod says when nothing is known."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from mesh.pods.pod_settings import PodSettings
from tests.support.yard import Yard, pod, yard_of

IMAGE = "docker.io/shop/greeter:1.2"
GREETER = """
images:
  - image: docker.io/shop/greeter
    command: [sh, -c, 'echo "$GREETING $* in $PWD"; exec sleep 60', greeter]
    args: [--port, $(PORT), --host, $(POD_IP)]
    env: {GREETING: hello from $(POD_IP)}
"""


@pytest.fixture
async def patient(home: Path) -> AsyncIterator[Yard]:
    """A yard that waits an hour before it starts a container again."""
    async with yard_of(home, PodSettings(backoff_scale=360.0, stop_grace=1.0)) as made:
        yield made


def image_only(name: str, **more: Any) -> dict[str, Any]:
    return pod(name, image=IMAGE, ports=[{"containerPort": 8123}], **more)


def config_map(text: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "meshmall-images", "namespace": "mesh"},
        "data": {"images.yaml": text},
    }


async def test_an_image_nobody_knows_leaves_the_pod_pending_and_the_file_that_maps_it_starts_it(yard: Yard) -> None:
    ref = yard.put(image_only("greeter"))
    waiting = await yard.until(lambda: yard.container(ref).get("state", {}).get("waiting", {}).get("message"))
    assert yard.container(ref)["state"]["waiting"]["reason"] == "ErrImageNeverPull"
    assert str(yard.home / "images.yaml") in waiting
    assert f'image: "{IMAGE}"' in waiting
    assert "ConfigMap mesh/meshmall-images" in waiting
    assert yard.phase(ref) == "Pending"
    assert IMAGE in (await yard.until(lambda: yard.events("Failed")))[0]["message"]
    (yard.home / "images.yaml").write_text(GREETER)
    await yard.until(lambda: yard.ready(ref))
    ip = (yard.get(ref) or {})["status"]["podIP"]
    said = await yard.until_log(ref)
    assert said.startswith(f"hello from {ip} --port 8123 --host {ip} in {yard.home}")


async def test_the_containers_own_args_take_the_place_of_the_mappings(yard: Yard) -> None:
    (yard.home / "images.yaml").write_text(GREETER)
    ref = yard.put(image_only("greeter", args=["--quiet", "$(PORT)"]))
    assert " --quiet 8123 in " in await yard.until_log(ref)


async def test_the_containers_own_args_can_be_put_anywhere(yard: Yard) -> None:
    (yard.home / "images.yaml").write_text(
        "images: [{image: '*', command: [sh, -c, 'echo $*; exec sleep 60', x, before, $(ARGS), after]}]"
    )
    ref = yard.put(image_only("greeter", args=["a", "b"]))
    assert await yard.until_log(ref) == "before a b after\n"


async def test_the_config_map_of_the_namespace_comes_before_the_file(yard: Yard) -> None:
    (yard.home / "images.yaml").write_text("images: [{image: '*', command: [sh, -c, 'echo file; exec sleep 60']}]")
    yard.put(config_map(f"images: [{{image: '{IMAGE}', command: [sh, -c, 'echo map; exec sleep 60']}}]"))
    mapped = yard.put(image_only("mapped"))
    other = yard.put({**pod("other", image="docker.io/shop/other")})
    assert await yard.until_log(mapped) == "map\n"
    assert await yard.until_log(other) == "file\n"


async def test_a_config_map_that_comes_later_starts_the_pod(yard: Yard) -> None:
    ref = yard.put(image_only("greeter"))
    await yard.until(lambda: yard.container(ref).get("state", {}).get("waiting", {}).get("message"))
    yard.put(config_map(GREETER))
    await yard.until(lambda: yard.ready(ref))


async def test_a_relative_folder_is_found_from_where_the_file_lies_links_followed(yard: Yard, tmp_path: Path) -> None:
    programs = tmp_path / "elsewhere" / "programs"
    programs.mkdir(parents=True)
    real = programs.parent / "mine.yaml"
    real.write_text("images: [{image: '*', command: [sh, -c, 'pwd; exec sleep 60'], workingDir: programs}]")
    (yard.home / "images.yaml").symlink_to(real)
    ref = yard.put(image_only("greeter", workingDir="/only/in/the/image"))
    assert await yard.until_log(ref) == f"{programs}\n"


async def test_a_file_that_cannot_be_read_is_named_with_the_field_and_mending_it_starts_the_pod(yard: Yard) -> None:
    file = yard.home / "images.yaml"
    file.write_text("images: [{image: '*', comand: [sleep, '60']}]")
    ref = yard.put(image_only("greeter"))
    message = await yard.until(lambda: yard.container(ref).get("state", {}).get("waiting", {}).get("message"))
    assert f"{file}: images[0].comand" in message
    assert yard.manager.problems() and str(file) in yard.manager.problems()[0]
    file.write_text(GREETER)
    await yard.until(lambda: yard.ready(ref))
    assert yard.manager.problems() == []


async def test_a_command_of_the_container_needs_no_mapping(yard: Yard) -> None:
    (yard.home / "images.yaml").write_text(GREETER)
    ref = yard.put(pod("own", "sh", "-c", "echo own; exec sleep 60", image=IMAGE))
    assert await yard.until_log(ref) == "own\n"


async def test_a_program_that_fails_is_started_anew_when_the_mapping_is_mended(patient: Yard) -> None:
    file = patient.home / "images.yaml"
    file.write_text("images: [{image: '*', command: [sh, -c, 'exit 3']}]")
    ref = patient.put(image_only("greeter"))
    back_off = "back-off 3600s"
    await patient.until(
        lambda: back_off in patient.container(ref).get("state", {}).get("waiting", {}).get("message", "")
    )
    file.write_text(GREETER)
    await patient.until(lambda: patient.ready(ref))


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.write_text("#" * 300_000), os.mkfifo])
async def test_what_is_no_file_or_too_large_is_not_read(yard: Yard, make: Callable[[Path], object]) -> None:
    make(yard.home / "images.yaml")
    ref = yard.put(image_only("greeter"))
    message = await yard.until(lambda: yard.container(ref).get("state", {}).get("waiting", {}).get("message"))
    assert "is not a file of at most 262144 bytes" in message
