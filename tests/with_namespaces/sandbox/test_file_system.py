"""What a container sees of the machine, and as whom it runs."""

import os
import resource
import stat
from pathlib import Path

import pytest

from mesh.pods.sandbox.client import Agent, AgentError
from mesh.pods.sandbox.spec import Mount
from tests.with_namespaces.sandbox.programs import ADDRESS, POD, UID, output, shell

ROOT = os.geteuid() == 0


@pytest.fixture
async def pod(agent: Agent) -> Agent:
    await agent.create_pod_network(POD, "orders-1", ADDRESS)
    return agent


@pytest.fixture
def volume(home: Path) -> Path:
    """A folder with a file, as the daemon makes one for a ConfigMap."""
    folder = home / "run" / "pods" / "volume"
    folder.mkdir(parents=True)
    (folder / "colour").write_text("blue\n")
    folder.chmod(0o777)
    return folder


@pytest.mark.parametrize("target", ["/data", "/etc/orders/config", "/usr/share/nginx/html", "/var/run/secrets/token"])
async def test_a_volume_appears_wherever_its_mount_path_says(pod: Agent, volume: Path, target: str) -> None:
    text, _ = await output(pod, shell(f"cat {target}/colour; ls /etc/passwd", mounts=(Mount(target, str(volume)),)))
    assert text == "blue\n/etc/passwd\n"
    assert not Path(target).exists()


async def test_a_volume_is_written_to_unless_it_is_read_only(pod: Agent, volume: Path) -> None:
    script = "cd /data; echo red >colour; cat colour; echo yes >new && ls"
    refused, _ = await output(pod, shell(script, mounts=(Mount("/data", str(volume), read_only=True),)))
    (volume / "colour").chmod(0o666)
    allowed, _ = await output(pod, shell(script, mounts=(Mount("/data", str(volume)),)))
    assert "Read-only file system" in refused
    assert "blue" in refused
    assert allowed == "red\ncolour\nnew\n"
    assert (volume / "new").read_text() == "yes\n"


async def test_a_single_file_and_a_volume_inside_another(pod: Agent, volume: Path) -> None:
    mounts = (
        Mount("/etc/hosts", str(volume / "colour")),
        Mount("/data", kind="tmpfs"),
        Mount("/data/inner", str(volume), read_only=True),
        Mount("/data/inner/colour", str(volume / "colour")),
    )
    text, _ = await output(pod, shell("cat /etc/hosts /data/inner/colour; touch /data/x && ls /data", mounts=mounts))
    assert text == "blue\nblue\ninner\nx\n"


async def test_an_update_of_a_volume_arrives(pod: Agent, volume: Path) -> None:
    read, write = os.pipe()
    fifo = volume / "go"
    os.mkfifo(fifo)
    fifo.chmod(0o666)
    script = "read line </data/go; cat /data/colour"
    process = await pod.spawn(shell(script, mounts=(Mount("/data", str(volume)),)), (None, write, write))
    os.close(write)
    (volume / "next").write_text("green\n")
    (volume / "next").rename(volume / "colour")
    fifo.write_text("go\n")
    await process.wait()
    assert os.read(read, 100) == b"green\n"
    os.close(read)


async def test_tmp_run_shm_and_processes_are_private(pod: Agent, home: Path) -> None:
    script = "touch /tmp/a /run/b /dev/shm/c; ls /tmp; ls -d /run/*; ls /dev/shm; ls -d /proc/[0-9]*; cat /etc/hostname"
    text, _ = await output(pod, shell(script))
    lines = text.split("\n")
    assert lines[0] == "a"
    assert {line for line in lines if line.startswith("/run/")} >= {"/run/b"}
    assert "c" in lines
    assert {line for line in lines if line.startswith("/proc/")} <= {"/proc/1", "/proc/2", "/proc/3"}
    assert str(home) not in text


async def test_a_program_in_tmp_that_the_command_names_is_visible(pod: Agent, home: Path) -> None:
    folder = home / "project"
    folder.mkdir()
    (folder / "data").write_text("here\n")
    home.chmod(0o755)
    text, _ = await output(pod, shell(f"cat {folder}/data; ls /tmp", needed=(str(folder / "data"),)))
    assert text == f"here\n{home.relative_to('/tmp').parts[0]}\n"


async def test_hidden_paths_are_empty_except_for_mounts_in_them(pod: Agent, home: Path, volume: Path) -> None:
    (home / "token").write_text("secret")
    home.chmod(0o755)
    mounts = (Mount(str(volume), str(volume)),)
    script = f"ls -A {home}; cat {home}/token; cat {volume}/colour"
    text, _ = await output(pod, shell(script, needed=(str(home / "token"),), hidden=(str(home),), mounts=mounts))
    assert text.startswith("run\n")
    assert "No such file" in text
    assert "secret" not in text
    assert text.endswith("blue\n")


async def test_hidden_paths_are_empty_in_a_volume_that_shows_a_folder_above_them(pod: Agent, home: Path) -> None:
    (home / "inner").mkdir()
    (home / "inner" / "token").write_text("secret")
    (home / "beside").write_text("there")
    home.chmod(0o755)
    mounts = (Mount("/machine", str(home.parent)), Mount("/link", str(home)))
    script = f"cat /machine/{home.name}/beside /link/beside; ls -A /machine/{home.name}/inner /link/inner"
    text, _ = await output(pod, shell(script, hidden=(str(home / "inner"),), mounts=mounts))
    assert text.split() == ["therethere/link/inner:", f"/machine/{home.name}/inner:"]


async def test_programs_inherit_no_descriptor(pod: Agent) -> None:
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        text, _ = await output(pod, shell("ls /proc/self/fd"))
    finally:
        os.close(read)
        os.close(write)
    assert text.split() == ["0", "1", "2", "3"]  # the last one is the folder


async def test_control_groups_and_devices_cannot_be_changed(pod: Agent) -> None:
    text, _ = await output(pod, shell("cat /proc/self/mountinfo"))
    points = {line.split()[4]: line.split()[5].split(",") for line in text.splitlines()}
    assert "/sys" in points
    assert [point for point, options in points.items() if point.startswith("/sys") and "ro" not in options] == []


async def test_sockets_of_other_pods_networks_are_not_kept_alive(pod: Agent, home: Path) -> None:
    home.chmod(0o755)
    text, _ = await output(pod, shell("cat /proc/self/mountinfo", needed=(str(home / "logs"),)))
    assert "nsfs" not in text


async def test_no_new_privileges_and_no_capabilities(pod: Agent) -> None:
    text, _ = await output(pod, shell("grep -E '^(Uid|Gid|CapEff|CapPrm|CapBnd|CapAmb|NoNewPrivs)' /proc/self/status"))
    values = {line.split(":")[0]: line.split()[1:] for line in text.splitlines()}
    assert values["Uid"] == values["Gid"] == [str(UID)] * 4
    assert values["NoNewPrivs"] == ["1"]
    assert all(set(values[name][0]) == {"0"} for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb"))


async def test_limits_are_the_users_own(pod: Agent) -> None:
    text, _ = await output(pod, shell("ulimit -Sn; ulimit -Hn; umask"))
    assert text.split() == [*map(str, resource.getrlimit(resource.RLIMIT_NOFILE)), "0022"]


async def test_uid_0_is_root_of_its_own_processes_and_of_nothing_else(pod: Agent, volume: Path) -> None:
    script = (
        "id -u; id -g; grep CapEff /proc/self/status; cat /proc/self/uid_map; echo >/data/mine; "
        "chown 0:0 /data/mine && echo may-chown; mount -t tmpfs none /mnt; cat /etc/shadow; echo x >/etc/passwd"
    )
    spec = shell(
        script, uid=0, gid=0, root_uid=UID, root_gid=UID, capabilities=("CHOWN",), mounts=(Mount("/data", str(volume)),)
    )
    text, _ = await output(pod, spec)
    lines = text.splitlines()
    assert lines[:2] == ["0", "0"]
    assert lines[2].split()[1] == "0000000000000001"
    assert lines[3].split() == ["0", str(UID), "1"]
    assert "may-chown" in lines
    assert text.count("ermission denied") == 3
    assert (volume / "mine").stat().st_uid == UID


@pytest.mark.skipif(ROOT, reason="root may give any id")
async def test_an_ordinary_user_cannot_give_another_uid(pod: Agent) -> None:
    with pytest.raises(AgentError, match=f"runAsUser 12345.*the ids 0 and {UID} only"):
        await output(pod, shell("id", uid=12345, gid=12345))


@pytest.mark.skipif(not ROOT, reason="needs root")
async def test_root_gives_ids_and_groups_and_opens_closed_folders(pod: Agent, home: Path) -> None:
    closed = home / "closed"
    (closed / "project").mkdir(parents=True)
    (closed / "other").mkdir()
    (closed / "project" / "data").write_text("here\n")
    home.chmod(0o700)
    closed.chmod(0o700)
    script = f"id -u; id -G; cat {closed}/project/data; ls {closed}"
    needed = (str(closed / "project" / "data"),)
    text, _ = await output(pod, shell(script, uid=1234, gid=2345, groups=(3456,), needed=needed))
    assert text == "1234\n2345 3456\nhere\nproject\n"
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.skipif(not ROOT, reason="needs root")
async def test_a_mesh_of_root_refuses_to_run_a_pod_as_root(pod: Agent) -> None:
    with pytest.raises(AgentError, match="no uid"):
        await output(pod, shell("id", uid=None))


async def test_a_folder_that_is_missing_is_named(pod: Agent) -> None:
    with pytest.raises(AgentError, match='workingDir "/no/such": No such file'):
        await output(pod, shell("id")._replace(cwd="/no/such"))
    with pytest.raises(AgentError, match='mount at "/data" from /no/such/source: No such file'):
        await output(pod, shell("id", mounts=(Mount("/data", "/no/such/source"),)))


async def test_with_a_read_only_root_only_volumes_are_written_to(pod: Agent, volume: Path) -> None:
    # Through a link of the machine's: /var/run leads to /run.
    mounts = (Mount("/var/run/data", str(volume)), Mount("/data", str(volume), read_only=True))
    script = "for f in /var/run/data/new /data/new /tmp/new /run/new /dev/shm/new; do touch $f && echo $f; done 2>&1"
    text, _ = await output(pod, shell(script, mounts=mounts)._replace(read_only_root=True))
    written = [line for line in text.splitlines() if line.startswith("/")]
    assert written == ["/var/run/data/new", "/dev/shm/new"]
    assert text.count("Read-only file system") == 3
    assert (volume / "new").exists()
