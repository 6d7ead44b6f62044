"""Reading the configuration: defaults, file, environment, files of secrets, and every fault."""

import contextlib
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.config import Config, Endpoint, load_config
from callserver.config_error import ConfigError
from callserver.config_lines import key_lines

PBX = '[[asterisk]]\nname = "main"\nsecret = "s"\n'

BAD = [  # text of the file, what is reported
    ("[server]\nhtpp = 1\n", "f:2: server.htpp: unknown key; did you mean 'http'?"),
    ("[sever]\n", "f:1: sever: unknown section; did you mean 'server'?"),
    ("\n\nredis = 3\n", "f:3: redis: must be a section, [redis]"),
    ("[asterisk]\n", "f:1: asterisk: must be a section, [[asterisk]]"),
    ("[log]\nslice_s = 3\n", "f:2: log.slice_s: unknown key; it belongs in [billing]"),
    ("[log]\nlevel = 'inof'\n", "f:2: log.level: must be one of debug, info, warning, error"),
    ("[log]\nlevel = 'inof'\n", "did you mean 'info'?"),
    ("[billing]\nslice_s = 0\n", "f:2: billing.slice_s: should be greater than or equal to 1"),
    ("[billing]\nslice_s = true\n", "f:2: billing.slice_s: should be a valid integer"),
    ("[billing]\nslice_s = 1.5\n", "f:2: billing.slice_s: should be a valid integer"),
    ("[billing]\nslice_s = 600\ncall_max_s = 60\n", "f:1: billing: slice_s 600 is longer than"),
    ("[server]\nhttp = '8400'\n", "f:2: server.http: '8400' is not HOST:PORT"),
    ("[server]\nhttp = '::1:8400'\n", "f:2: server.http: '::1:8400' is not HOST:PORT; write an"),
    ("[server]\nhttp = 'a:65536'\n", "f:2: server.http: 'a:65536' is not HOST:PORT"),
    ("[server]\ndata = ''\n", "f:2: server.data: a path cannot be empty"),
    ("[server]\nagi_allow = [\n 'x',\n]\n", "f:2: server.agi_allow: 'x' is not an address"),
    ("[server]\nagi_allow = ['10.0.0.1/8']\n", "f:2: server.agi_allow: '10.0.0.1/8' is not an"),
    ('[[asterisk]]\nsecret = "s"\n', "f:1: asterisk[0].name: is missing"),
    ('[[asterisk]]\nname = "Main"\nsecret = "s"\n', "f:2: asterisk[0].name: 'Main' must be"),
    ('[[asterisk]]\nname = "a"\n', "f:1: asterisk[0]: needs secret_file"),
    (PBX + "[[asterisk]]\nname='b'\nsecret='s'\nprot = 1\n", "f:7: asterisk[1].prot: unknown key"),
    (PBX + PBX, "two [[asterisk]] sections are named main"),
    (PBX + "area_code = '10'\n", "f:4: asterisk[0].area_code: "),
    (PBX + "secret_file = '/x'\n", "f:4: asterisk[0].secret_file: set either secret or secret_fil"),
    ("[redis]\nurl_file = '/none/x'\n", "f:2: redis.url_file: /none/x: No such file or directory"),
    ("[redis]\nurl = 'rediss://h'\n", "f:2: redis.url: rediss:// is not supported yet"),
    ("[redis]\nurl = 'redis+sentinel://h'\n", "f:2: redis.url: redis+sentinel:// is not suppor"),
    ("[redis]\nurl = 'redis://a:1,b:2'\n", "f:2: redis.url: several hosts (Sentinel, Cluster)"),
    ("[redis]\nurl = 'http://h'\n", "f:2: redis.url: a Redis URL starts with"),
    ("[database]\nurl = 'mysql://h'\n", "f:2: database.url: a database URL starts with"),
    ("[server\n", "f:1: Expected ']' at the end of a table declaration"),
    ("[server]\nhttp = 'a'\nhttp = 'b'\n", "f:3: Cannot overwrite a value"),
    ("[server]\nhttp = ", "f:2: Invalid value"),
]


def faults(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> str:
    """The report on a file, with its path shortened to `f`."""
    path = tmp_path / "callserver.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path, env or {})
    return str(caught.value).replace(str(path), "f")


@pytest.mark.parametrize(("text", "expected"), BAD)
def test_every_fault_names_its_line_and_key(tmp_path: Path, text: str, expected: str) -> None:
    """Each kind of fault is reported with file, line, key and what would be right."""
    assert expected in faults(tmp_path, text)


def test_all_faults_are_listed_at_once_in_order(tmp_path: Path) -> None:
    """One run shows everything to be mended, in the order of the file."""
    text = "[log]\nlevel = 'x'\nfromat = 'json'\n[server]\nhttp = 'x'\n"
    lines = faults(tmp_path, text, {"CALLSERVER_REDIS__DEADLINE_MS": "1"}).splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["f:2", "log.level"],
        ["f:3", "log.fromat"],
        ["f:5", "server.http"],
        ["CALLSERVER_REDIS__DEADLINE_MS", "redis.deadline_ms"],
    ]


def test_a_secret_never_appears_in_a_fault_or_a_repr(tmp_path: Path) -> None:
    """Neither a faulty URL with a password nor the whole configuration shows a secret."""
    report = faults(tmp_path, "[redis]\nurl = 'rediss://u:hunter2@h'\n")
    path = tmp_path / "good.toml"
    path.write_text("[redis]\nurl = 'redis://u:hunter2@h'\n" + PBX.replace('"s"', '"hunter2"'))
    assert "hunter2" not in report + repr(load_config(path, {}))


def test_no_file_gives_the_embedded_default() -> None:
    """Without file and environment all defaults hold and nothing external is named."""
    config = load_config(None, {"PATH": "/bin", "CALLSERVER_TOKEN": "x"})
    assert config == Config()
    assert config.server.http == Endpoint("127.0.0.1", 8400)
    assert (config.asterisk, config.redis.url.get_secret_value()) == ((), "")


def test_environment_is_stronger_than_the_file_and_arguments_strongest(tmp_path: Path) -> None:
    """Arguments beat the environment, which beats the file."""
    path = tmp_path / "c.toml"
    path.write_text("[server]\nhttp = 'a:1'\nfastagi = 'a:2'\n[billing]\nslice_s = 60\n" + PBX)
    env = {
        "CALLSERVER_SERVER__HTTP": "b:0",
        "CALLSERVER_SERVER__FASTAGI": "[::1]:0",
        "CALLSERVER_SERVER__AGI_ALLOW": "10.0.0.0/8, 127.0.0.1",
        "CALLSERVER_BILLING__CALL_MAX_S": "600",
        "CALLSERVER_ASTERISK__0__HOST": "pbx",
        "CALLSERVER_ASTERISK__1__NAME": "second",
        "CALLSERVER_ASTERISK__1__SECRET": "t",
    }
    config = load_config(path, env, data=tmp_path / "d", http="8500")
    assert config.server.http == Endpoint("127.0.0.1", 8500)
    assert config.server.fastagi == Endpoint("::1", 0)
    assert config.server.agi_allow == (ip_network("10.0.0.0/8"), ip_network("127.0.0.1"))
    assert (config.billing.slice_s, config.billing.call_max_s) == (60, 600)
    assert [(pbx.name, pbx.host) for pbx in config.asterisk] == [
        ("main", "pbx"),
        ("second", "127.0.0.1"),
    ]
    assert config.server.data == tmp_path / "d"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CALLSERVER_SREVER__HTTP", "no section 'srever'; did you mean 'server'?"),
        ("CALLSERVER_SERVER__HTPP", "server.htpp: unknown key; did you mean 'http'?"),
        ("CALLSERVER_SERVER__HTTP__X", "must be CALLSERVER_SECTION__KEY"),
        ("CALLSERVER_ASTERISK__HOST", "must be CALLSERVER_ASTERISK__0__KEY"),
        ("CALLSERVER_ASTERISK__1__HOST", "there is no [[asterisk]] before it"),
        ("CALLSERVER_BILLING__SLICE_S", "billing.slice_s: should be a valid integer"),
    ],
)
def test_a_bad_variable_is_named(name: str, expected: str) -> None:
    """A fault that comes from the environment names the variable."""
    with pytest.raises(ConfigError) as caught:
        load_config(None, {name: "x"})
    assert str(caught.value).startswith(f"{name}: ")
    assert expected in str(caught.value)


def test_secrets_are_read_from_files_without_the_whitespace_around(tmp_path: Path) -> None:
    """`secret_file` and `url_file` stand in for `secret` and `url`."""
    (tmp_path / "s").write_text(" top \n")
    (tmp_path / "u").write_text("redis://h:1\n")
    path = tmp_path / "c.toml"
    path.write_text(
        f"[[asterisk]]\nname = 'a'\nsecret_file = '{tmp_path}/s'\n"
        f"[redis]\nurl_file = '{tmp_path}/u'\n"
    )
    config = load_config(path, {})
    assert config.asterisk[0].secret.get_secret_value() == "top"
    assert config.redis.url.get_secret_value() == "redis://h:1"


def test_a_fault_inside_a_url_file_points_at_its_key(tmp_path: Path) -> None:
    """A bad URL read from a file is reported where the file is named."""
    (tmp_path / "u").write_text("rediss://h")
    report = faults(tmp_path, f"[redis]\n\nurl_file = '{tmp_path}/u'\n")
    assert report.startswith("f:3: redis.url: rediss:// is not supported yet")


def test_a_missing_file_and_bad_utf8_are_faults_not_crashes(tmp_path: Path) -> None:
    """Files that cannot be read as text are reported like any other fault."""
    (tmp_path / "latin").write_bytes(b"# \xe9\n")
    for path, reason in [("none", "No such file"), ("latin", "not UTF-8"), (".", "directory")]:
        with pytest.raises(ConfigError, match=reason):
            load_config(tmp_path / path, {})


def test_lines_are_found_past_multi_line_values_and_inline_tables() -> None:
    """Text inside strings and arrays is not taken for keys."""
    text = (
        '[a]\nlong = """\n[b]\nx = 1\n"""\nlist = [\n  "]", # ]\n  [1],\n]\n'
        'b.c = 1\n[[d]]\n"e f" = 2\n[[ d ]]\ne = {f = 3}\n'
    )
    assert key_lines(text) == {
        ("a",): 1,
        ("a", "long"): 2,
        ("a", "list"): 6,
        ("a", "b", "c"): 10,
        ("d", 0): 11,
        ("d", 0, "e f"): 12,
        ("d", 1): 13,
        ("d", 1, "e"): 14,
    }


@given(st.text(max_size=200))
def test_any_text_is_read_or_reported_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """Whatever stands in the file, the outcome is a configuration or a ConfigError."""
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    with contextlib.suppress(ConfigError):
        load_config(path, {})
