"""The configuration as an operator meets it: what it is without any, what wins, and what is said about mistakes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields
from ipaddress import ip_network
from pathlib import Path

import pytest

from fediverse_node.base.config import SECTIONS, Config, configure, load, settings
from fediverse_node.base.config_docs import render_example, render_reference
from fediverse_node.base.config_values import Listen, LogLevel, Registration
from fediverse_node.base.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[3]


def configured(**variables: str) -> Config:
    return configure({}, {f"FEDIVERSE_NODE_{name}": value for name, value in variables.items()})


def complaint(document: Mapping[str, object] | None = None, /, **variables: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        configure(document or {}, {f"FEDIVERSE_NODE_{name}": value for name, value in variables.items()})
    return str(refused.value)


def test_without_configuration_it_is_a_development_server_on_this_machine() -> None:
    config = configure({}, {})
    assert config == Config()
    assert (config.base_url, config.host, config.scheme) == ("http://localhost:8420", "localhost:8420", "http")
    assert config.listen == Listen("127.0.0.1", 8420)
    assert config.development
    assert config.registration is Registration.CLOSED
    assert config.sqlite_path == Path("data/node.db")
    assert config.media_dir == Path("data/media")
    assert config.rate_limits


def test_a_public_server_needs_only_its_address() -> None:
    config = configured(BASE_URL="https://Social.Example.org/")
    assert not config.development
    assert (config.origin, config.host, config.scheme) == (
        "https://social.example.org",
        "social.example.org",
        "https",
    )


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        pytest.param({"LISTEN": "127.0.0.1:9001"}, "localhost:9001", id="the default address follows the port"),
        pytest.param({"BASE_URL": "http://127.0.0.1:9001"}, "127.0.0.1:9001", id="a loopback address with a port"),
        pytest.param({"BASE_URL": "http://[0:0::1]:9001"}, "[::1]:9001", id="a loopback IPv6 address"),
        pytest.param({"BASE_URL": "http://a.localhost:80"}, "a.localhost", id="a default port is left out"),
        pytest.param(
            {"BASE_URL": "https://node.test:8443", "DEVELOPMENT": "true"}, "node.test:8443", id="when asked for"
        ),
    ],
)
def test_development_allows_ports_and_loopback(variables: dict[str, str], host: str) -> None:
    config = configured(**variables)
    assert config.development
    assert config.host == host


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("http://social.example.org", "plain http"),
        ("https://social.example.org:8443", "port 8443"),
        ("https://192.0.2.7", "not a name"),
        ("https://[2001:db8::7]", "not a name"),
        ("https://127.1", "not a name"),
        ("https://0x7f000001", "not a name"),
        ("https://localhost", "not a name"),
        ("https://a.localhost", "not a name"),
    ],
)
def test_outside_development_the_address_must_work_for_other_servers(base_url: str, said: str) -> None:
    text = complaint(BASE_URL=base_url, DEVELOPMENT="false")
    assert said in text
    assert "https://social.example.org" in text  # what to write instead


@pytest.mark.parametrize("listen", ["0.0.0.0:8420", "[::]:8420", "192.168.1.4:8420", "node.example.org:8420"])
@pytest.mark.parametrize("base_url", [{}, {"BASE_URL": "https://social.example.org", "DEVELOPMENT": "true"}])
def test_development_mode_is_refused_on_a_public_address(listen: str, base_url: dict[str, str]) -> None:
    assert "public address" in complaint(LISTEN=listen, **base_url)


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:8420", "127.9.9.9:1", "[::1]:8420", "localhost:8420", "[::ffff:127.0.0.1]:80"]
)
def test_development_mode_is_allowed_on_loopback(listen: str) -> None:
    assert configured(LISTEN=listen).development


def test_a_public_server_may_listen_on_every_address() -> None:
    config = configured(LISTEN="[::]:8420", BASE_URL="https://social.example.org")
    assert config.listen == Listen("::", 8420)
    assert str(config.listen) == "[::]:8420"


def test_variables_win_over_the_file() -> None:
    document = {"title": "from the file", "description": "also", "media": {"max_upload_bytes": 5000}}
    config = configure(document, {"FEDIVERSE_NODE_TITLE": "from a variable"})
    assert config.title == "from a variable"
    assert config.description == "also"
    assert config.media.max_upload_bytes == 5000


def test_sections_can_be_set_by_variables() -> None:
    assert configured(MEDIA__MAX_UPLOAD_BYTES="1_000_000").media.max_upload_bytes == 1_000_000
    assert configured(POSTS__MAX_CHARACTERS="500").posts.max_characters == 500


@pytest.mark.parametrize(
    ("document", "variables", "said"),
    [
        ({"titel": "x"}, {}, "fediverse-node.toml: there is no setting 'titel'. Did you mean title?"),
        ({"media": {"max_upload": 1}}, {}, "Did you mean media.max_upload_bytes?"),
        ({"max_upload_bytes": 1}, {}, "Did you mean media.max_upload_bytes?"),
        ({}, {"BASE_ULR": "x"}, "there is no such variable. Did you mean FEDIVERSE_NODE_BASE_URL?"),
        ({}, {"MAX_UPLOAD_BYTES": "1"}, "Did you mean FEDIVERSE_NODE_MEDIA__MAX_UPLOAD_BYTES?"),
        ({"zzzzzzzz": 1}, {}, "there is no setting 'zzzzzzzz'."),
        ({"media": 3}, {}, "media is a section"),
    ],
)
def test_an_unknown_key_refuses_the_start_and_names_the_nearest(
    document: dict[str, object], variables: dict[str, str], said: str
) -> None:
    assert said in complaint(document, **variables)


def test_what_resembles_nothing_gets_no_hint() -> None:
    assert "Did you mean" not in complaint({"zzzzzzzz": 1})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BASE_URL", "social.example.org", "must begin with https://"),
        ("BASE_URL", "ftp://social.example.org", "must begin with https://"),
        ("BASE_URL", "https://social.example.org/fedi", "does not run below a path"),
        ("BASE_URL", "https://social.example.org?", "does not run below a path"),
        ("BASE_URL", "https://alice:secret@social.example.org", "user name"),
        ("BASE_URL", "https://bücher.example", "xn--bcher-kva.example"),
        ("BASE_URL", "https://a_b.example", "not a host name"),
        ("BASE_URL", "https://social.example.org:0", "port 0"),
        ("BASE_URL", "https://social.example.org:99999", "not a URL"),
        ("BASE_URL", "https://[::1", "not a URL"),
        ("LISTEN", "8420", "not host:port"),
        ("LISTEN", "127.0.0.1:0", "not host:port"),
        ("LISTEN", "127.0.0.1:99999", "not host:port"),
        ("LISTEN", "::1:8420", "not host:port"),
        ("LISTEN", "[localhost]:8420", "only those go in brackets"),
        ("DATABASE_URL", "mysql://localhost/x", "sqlite:/// or postgresql://"),
        ("DATABASE_URL", "sqlite://", "must name a file"),
        ("DATABASE_URL", "sqlite:///:memory:", "must name a file"),
        ("DATABASE_URL", "postgresql://localhost", "names no database"),
        ("DATA_DIR", "", "must not be empty"),
        ("DATA_DIR", "~/node", "write the whole path"),
        ("DEVELOPMENT", "perhaps", "must be true or false"),
        ("TITLE", " ", "must not be empty"),
        ("TITLE", "two\nlines", "single line"),
        ("CONTACT_EMAIL", "nobody", "not an e-mail address"),
        ("REGISTRATION", "maybe", "one of closed, invite, approval, open"),
        ("LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("TRUSTED_PROXIES", "10.0.0.1/8, x", "not an IP address or network"),
        ("MEDIA__MAX_UPLOAD_BYTES", "16MB", "whole number"),
        ("MEDIA__MAX_UPLOAD_BYTES", "-1", "whole number"),
        ("POSTS__MAX_CHARACTERS", "9" * 5000, "whole number"),
    ],
)
def test_a_bad_value_is_named_with_what_to_write(name: str, value: str, said: str) -> None:
    text = complaint(**{name: value})
    assert f"FEDIVERSE_NODE_{name}: " in text
    assert said in text


@pytest.mark.parametrize(
    "document",
    [{"title": 3}, {"development": 1}, {"listen": 8420}, {"trusted_proxies": 4}, {"trusted_proxies": [4]},
     {"trusted_proxies": [{}]}, {"media": {"max_upload_bytes": True}}, {"media": {"max_upload_bytes": 1.5}},
     {"registration": ["open"]}, {"base_url": {"x": 1}}, {"title": []}],
)  # fmt: skip
def test_a_value_of_the_wrong_type_in_the_file_is_a_problem_not_a_crash(document: dict[str, object]) -> None:
    assert "fediverse-node.toml: " in complaint(document)


def test_all_problems_are_reported_at_once() -> None:
    text = complaint({"titel": "x", "log_level": "loud"}, REGISTRATION="maybe", LISTEN="nowhere")
    assert text.count("\n  - ") == 4


def test_a_problem_does_not_repeat_the_password_of_the_database() -> None:
    assert "hunter2" not in complaint(DATABASE_URL="mysql://node:hunter2@db/node")
    assert "hunter2" not in repr(configured(DATABASE_URL="postgresql://node:hunter2@db/node"))


@pytest.mark.parametrize("word", ["true", "TRUE", "yes", "on", "1"])
def test_switches_understand_common_words(word: str) -> None:
    assert configured(RATE_LIMITS=word).rate_limits
    assert not configured(RATE_LIMITS="off").rate_limits


def test_proxies_are_a_list_or_words_between_commas() -> None:
    expected = (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert configured(TRUSTED_PROXIES="10.0.0.0/8, ::1").trusted_proxies == expected
    assert configure({"trusted_proxies": ["10.0.0.0/8", "::1"]}, {}).trusted_proxies == expected
    assert configured(TRUSTED_PROXIES="").trusted_proxies == ()


def test_the_database_is_in_the_data_directory_unless_said_otherwise() -> None:
    assert configured(DATA_DIR="/srv/node").sqlite_path == Path("/srv/node/node.db")
    assert configured(DATABASE_URL="sqlite:////srv/x.db").sqlite_path == Path("/srv/x.db")
    postgres = configured(DATABASE_URL="postgres://node@db/node")
    assert postgres.database_url == "postgresql://node@db/node"
    assert not postgres.is_sqlite
    assert postgres.sqlite_path is None


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Config().title = "other"  # type: ignore[misc]


def test_the_file_in_the_working_directory_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load({}) == Config()
    (tmp_path / "fediverse-node.toml").write_text('title = "Ours"\n[posts]\nmax_characters = 700\n')
    assert load({}).title == "Ours"
    assert load({}).posts.max_characters == 700


def test_another_file_can_be_named(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text('log_level = "debug"')
    assert load({"FEDIVERSE_NODE_CONFIG": str(file)}).log_level is LogLevel.DEBUG
    assert load({"FEDIVERSE_NODE_CONFIG": "/nowhere.toml"}, file).log_level is LogLevel.DEBUG


def test_a_named_file_must_exist_and_be_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        load({"FEDIVERSE_NODE_CONFIG": str(tmp_path / "absent.toml")})
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load({}, tmp_path)
    for content in (b"title = ", b"title = '\xff'"):
        (tmp_path / "bad.toml").write_bytes(content)
        with pytest.raises(ConfigurationError, match="is not TOML"):
            load({}, tmp_path / "bad.toml")


def test_every_setting_is_documented() -> None:
    leaves = [leaf.name for kind in (Config, *SECTIONS.values()) for leaf in fields(kind) if leaf.name not in SECTIONS]
    assert [setting.name for setting in settings()] == leaves
    for setting in settings():
        assert setting.metadata["doc"].endswith(".")
        assert setting.metadata["unit"]
        assert setting.metadata["since"]


def test_the_example_with_every_line_switched_on_is_the_default() -> None:
    lines = [line.removeprefix("# ") if " = " in line else line for line in render_example().splitlines()]
    assert configure(tomllib.loads("\n".join(lines)), {}) == Config()


def test_the_example_as_it_is_changes_nothing() -> None:
    assert configure(tomllib.loads(render_example()), {}) == Config()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docs/reference/configuration.md", render_reference()),
        ("docs/reference/fediverse-node.example.toml", render_example()),
    ],
)
def test_the_documentation_of_the_configuration_is_current(name: str, text: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == text, "run `make docs`"
