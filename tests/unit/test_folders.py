"""Working folders of attempts."""

from pathlib import Path

from mainstem.worker.folders import make_empty, remove, sweep


def test_a_folder_is_made_with_all_above_it(tmp_path: Path) -> None:
    make_empty(tmp_path / "work" / "one")
    assert (tmp_path / "work" / "one").is_dir()


def test_what_a_cut_off_attempt_left_is_gone_when_the_folder_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "left.txt").write_text("left")
    make_empty(folder)
    assert list(folder.iterdir()) == []


def test_a_folder_goes_with_what_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "file").write_text("x")
    remove(folder)
    assert not folder.exists()
    remove(folder)  # a folder that is gone already is no fault


def test_a_sweep_removes_every_folder_and_follows_no_link(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    for name in ("one", "two"):
        (root / name).mkdir(parents=True)
        (root / name / "file").write_text("x")
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("x")
    (root / "link").symlink_to(elsewhere)
    assert sweep(root) == 2
    assert (elsewhere / "precious").exists()
    assert [path.name for path in root.iterdir()] == ["link"]


def test_a_sweep_of_nothing_finds_nothing(tmp_path: Path) -> None:
    assert sweep(tmp_path / "never") == 0
