"""Settings: file, environment and options, checked once, with every fault named."""

from pathlib import Path

import pytest

from mainstem.errors import InvalidInput
from mainstem.settings import Settings, load_settings


def load(
    environment: dict[str, str] | None = None, file: Path | None = None, **given: object
) -> Settings:
    return load_settings(file, given, environment or {})


def written(folder: Path, text: str) -> Path:
    path = folder / "mainstem.yaml"
    path.write_text(text)
    return path


def test_defaults_listen_on_loopback_and_use_sqlite_in_the_state_folder(tmp_path: Path) -> None:
    settings = load(state_dir=str(tmp_path))
    assert settings.server.host == "127.0.0.1"
    assert settings.database_url == f"sqlite:///{tmp_path.resolve()}/mainstem.db"


def test_the_environment_wins_over_the_file_and_options_win_over_both(tmp_path: Path) -> None:
    file = written(tmp_path, "worker: {threads: 1, group: file}\nlog_level: ERROR\n")
    environment = {"MAINSTEM_CONFIG": str(file), "MAINSTEM_WORKER__THREADS": "2"}
    assert load(environment).worker.threads == 2
    settings = load_settings(None, {"worker.threads": "3"}, environment)
    assert (settings.worker.threads, settings.worker.group) == (3, "file")
    assert settings.log_level == "ERROR"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("SCHEDULER", "false", lambda s: s.scheduler is False),
        ("WORKER__GROUP", "", lambda s: s.worker.group is None),
        ("WORKER__GROUP", "007", lambda s: s.worker.group == "007"),
        ("SERVER__BASE_URL", "https://x: y", lambda s: s.server.base_url == "https://x: y"),
        ("EXECUTIONS__SKIP", "[a, b]", lambda s: s.executions.skip == {"a", "b"}),
        ("VARIABLES__GLOBALS", "{a: {b: 1}}", lambda s: s.variables.globals == {"a": {"b": 1}}),
        ("DATABASE__URL", "12345", lambda s: s.database_url == "12345"),
    ],
)
def test_text_of_the_environment_is_read_as_its_setting_wants(
    name: str, text: str, found: object
) -> None:
    assert found(load({f"MAINSTEM_{name}": text}))  # type: ignore[operator]


def test_options_may_be_lists_too() -> None:
    assert load_settings(None, {"executions.skip_flows": "[a.b]"}, {}).executions.skip_flows


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"MAINSTEM_WORKERS__THREADS": "1"}, "workers"),
        ({"MAINSTEM_WORKER__THREAD": "1"}, r"worker\.thread"),
        ({"MAINSTEM_WORKER__THREADS": "many"}, r"worker\.threads"),
        ({"MAINSTEM_WORKER__THREADS": "0"}, r"worker\.threads"),
        ({"MAINSTEM_SERVER__HOST": "0.0.0.0", "MAINSTEM_AUTH__MODE": "none"}, r"server\.host"),
        ({"MAINSTEM_TIMEZONE": "Europe/Atlantis"}, "Europe/Atlantis"),
        ({"MAINSTEM_TIMEZONE": "../etc/passwd"}, "timezone"),
        ({"MAINSTEM_EXECUTIONS__SKIP": "[a"}, "MAINSTEM_EXECUTIONS__SKIP is not YAML"),
        ({"MAINSTEM_SCHEDULER__X": "1", "MAINSTEM_SCHEDULER": "true"}, "scheduler"),
        ({"MAINSTEM_CONFIG": "/nowhere.yaml"}, "/nowhere.yaml cannot be read"),
    ],
)
def test_a_fault_stops_the_start_and_is_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        load(environment)


def test_a_faulty_file_is_named_with_the_place_but_not_the_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"line 3, column 1") as caught:
        load(file=written(tmp_path, "database:\n  url: 'hunter2\n"))
    assert "hunter2" not in caught.value.message
    with pytest.raises(InvalidInput, match="must hold a map"):
        load(file=written(tmp_path, "- a"))
    (tmp_path / "mainstem.yaml").write_bytes(b"\xff")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        load(file=tmp_path / "mainstem.yaml")
    assert load(file=written(tmp_path, "")) == load()


def test_a_wrong_secret_is_not_repeated_in_the_error() -> None:
    with pytest.raises(InvalidInput) as caught:
        load_settings(None, {"database.url": ["hunter2"]}, {})
    assert "hunter2" not in caught.value.message


def test_variables_of_other_programs_are_left_alone() -> None:
    assert load({"MAINSTEM_DEMO_PORT": "1", "MAINSTEM_TEST_X": "1", "OTHER": "1"}) == load()


def test_settings_do_not_show_secrets_and_cannot_be_changed() -> None:
    settings = load({"MAINSTEM_DATABASE__URL": "postgresql://u:hunter2@h/d"})
    assert "hunter2" not in f"{settings!r} {settings.model_dump_json()}"
    assert settings.database_url.endswith("hunter2@h/d")
    with pytest.raises(ValueError, match="frozen"):
        settings.log_level = "DEBUG"  # type: ignore[misc]
