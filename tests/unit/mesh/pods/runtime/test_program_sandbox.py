"""What of the machine stays visible where a volume covers it."""

from pathlib import Path

from mesh.pods.runtime.program_sandbox import covered_paths
from mesh.pods.sandbox.spec import Mount


def test_a_program_below_a_volume_s_place_stays_visible(tmp_path: Path) -> None:
    machine, volume, home = tmp_path / "machine", tmp_path / "volume", tmp_path / "home"
    for folder in (machine / "project" / "bin", machine / "data", volume / "data", home):
        folder.mkdir(parents=True)
    needed = [str(machine / "project" / "bin" / "server"), str(machine / "data" / "x"), str(machine / "missing" / "y")]
    paths = covered_paths([Mount(str(machine), str(volume))], [*needed, "/elsewhere"], home)
    assert paths == (str(machine / "project"),)


def test_the_mesh_s_home_is_not_shown_again(tmp_path: Path) -> None:
    home, volume = tmp_path / "around" / "home", tmp_path / "volume"
    for folder in (home / "pods", volume):
        folder.mkdir(parents=True)
    assert covered_paths([Mount(str(tmp_path), str(volume))], [str(home / "pods")], home) == ()
    assert covered_paths([Mount(str(home.parent), str(volume))], [str(home / "pods")], home) == ()
