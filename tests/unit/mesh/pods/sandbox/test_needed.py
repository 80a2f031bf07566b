"""Which paths of the machine a command, an environment and a folder name."""

from pathlib import Path

from mesh.pods.sandbox.needed import needed_paths, programs


def test_words_options_and_lists() -> None:
    argv = ("/opt/app/run", "--config=/etc/app.yaml", "relative/x", "-f", "/tmp/x", "http://orders/y")
    environment = {"PATH": "/usr/bin:/root/bin", "EMPTY": "", "ROOT": "/", "AGAIN": "/tmp/x"}
    assert needed_paths(argv, environment, "/work") == (
        *("/opt/app/run", "/etc/app.yaml", "/tmp/x", "/usr/bin", "/root/bin", "/work"),
    )


def test_a_scripts_interpreters_are_programs_too(tmp_path: Path) -> None:
    binary, script, wrapper = tmp_path / "python", tmp_path / "flask", tmp_path / "run.sh"
    binary.write_bytes(b"\x7fELF")
    script.write_text(f"#!{binary} -I\nimport flask\n")
    wrapper.write_text("#!/usr/bin/env flask\n")
    path = f"/no/such:{tmp_path}"
    assert programs(("run.sh",), path) == [str(wrapper), str(script), str(binary)]
    assert programs((str(script),), "") == [str(script), str(binary)]
    assert programs(("no-such",), path) == []


def test_the_paths_in_a_line_of_a_shell_are_needed() -> None:
    script = "sleep 2; /opt/x/python '/srv/a.py' $(ORDERS) >/var/log/a 2>&1 && cd /srv/b|| curl http://orders/c ${D}/e"
    assert needed_paths(["sh", "-c", script], {}, "/") == ("/opt/x/python", "/srv/a.py", "/var/log/a", "/srv/b")
    assert needed_paths(["/opt/with space/run"], {}, "/")[0] == "/opt/with space/run"


def test_a_folder_on_the_path_that_cannot_be_looked_into_is_passed_over() -> None:
    # As /root/bin is to an ordinary user; a name that is too long fails for root, too.
    assert programs(["sh"], f"/{'x' * 300}:/usr/bin:/bin")[0] in ("/usr/bin/sh", "/bin/sh")
