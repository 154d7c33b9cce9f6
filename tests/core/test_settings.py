"""Settings: read from the environment, each error naming its variable; keys made once."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.core import settings
from app.core.settings import KEYS_FILE, SettingsError, load

KEY = "k" * 32
EXTERNAL = "postgresql://user:secret-password@db.example.org:5432/xinsheng"


def test_long_reads_may_go_to_a_replica(tmp_path: Path) -> None:
    environment = {"XINSHENG_DATA_DIR": str(tmp_path)}
    assert load(environment).database_read_url is None
    assert load({**environment, "XINSHENG_DATABASE_READ_URL": EXTERNAL}).database_url is None
    with pytest.raises(SettingsError, match="XINSHENG_DATABASE_READ_URL must look like"):
        load({**environment, "XINSHENG_DATABASE_READ_URL": "somewhere"})


def test_everything_has_a_default(tmp_path: Path) -> None:
    found = load({"XINSHENG_DATA_DIR": str(tmp_path)})
    assert found.data_dir == tmp_path
    assert found.database_url is None
    assert found.public_url == "http://127.0.0.1:8000"
    assert len(found.secret_keys) == 1


def test_the_data_directory_is_roots_or_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert settings.default_data_dir() == Path("/var/lib/xinsheng")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/wang")
    assert settings.default_data_dir() == Path("/home/wang/.local/share/xinsheng")


def test_a_relative_data_directory_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load({"XINSHENG_DATA_DIR": "my data"}).data_dir == tmp_path / "my data"


def test_an_external_database_needs_secret_keys(tmp_path: Path) -> None:
    environment = {"XINSHENG_DATABASE_URL": EXTERNAL, "XINSHENG_DATA_DIR": str(tmp_path)}
    with pytest.raises(SettingsError, match="XINSHENG_SECRET_KEYS is required"):
        load(environment)
    assert not (tmp_path / KEYS_FILE).exists()
    found = load({**environment, "XINSHENG_SECRET_KEYS": KEY})
    assert found.database_url == EXTERNAL
    assert not (tmp_path / KEYS_FILE).exists()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:secret-password@h/x",
        "secret-password",
        "host=h password=secret-password",
        "postgresql+asyncpg://u:secret-password@h/x",
        "postgresql://u:secret-password@h:port/x",
        "postgresql://u:secret-password@h:99999/x",
        "postgresql://[secret-password/x",
    ],
)
def test_a_wrong_database_url_is_named_and_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="XINSHENG_DATABASE_URL") as refused:
        load({"XINSHENG_DATABASE_URL": url, "XINSHENG_SECRET_KEYS": KEY})
    assert "secret-password" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://h/x",
        "postgres://u@h:1/x",
        "postgresql:///x?host=/run/postgresql",
        "postgresql://u:p%40@h/x?sslmode=require",
    ],
)
def test_right_database_urls_are_taken_as_they_are(url: str) -> None:
    found = load({"XINSHENG_DATABASE_URL": url, "XINSHENG_SECRET_KEYS": KEY})
    assert found.database_url == url


@pytest.mark.parametrize(
    "url",
    [
        "survey.example.org",
        "ftp://survey.example.org",
        "http://",
        "https:///path",
        "http://h:port",
        "http://h/?a=b",
        "http://h/#x",
        "http://a b",
        "http://h\n",
        "javascript:alert(1)",
    ],
)
def test_a_wrong_public_url_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="XINSHENG_PUBLIC_URL"):
        load({"XINSHENG_PUBLIC_URL": url, "XINSHENG_DATA_DIR": str(tmp_path)})


def test_a_public_url_loses_its_last_slash(tmp_path: Path) -> None:
    environment = {"XINSHENG_DATA_DIR": str(tmp_path)}
    for url in ("https://survey.example.org", "https://survey.example.org/", "http://h:8000/x/"):
        assert load({**environment, "XINSHENG_PUBLIC_URL": url}).public_url == url.rstrip("/")


@pytest.mark.parametrize("keys", ["short", "k" * 31, f"{KEY},short", ",", " , ", f"short,{KEY}"])
def test_keys_that_are_too_short_are_named_and_not_shown(keys: str, tmp_path: Path) -> None:
    environment = {"XINSHENG_DATA_DIR": str(tmp_path), "XINSHENG_SECRET_KEYS": keys}
    with pytest.raises(SettingsError, match="XINSHENG_SECRET_KEYS") as refused:
        load(environment)
    assert "short" not in str(refused.value)
    assert KEY not in str(refused.value)


def test_several_keys_are_separated_by_commas() -> None:
    found = load({"XINSHENG_SECRET_KEYS": f" {'a' * 32} ,\n{'b' * 40},"})
    assert found.secret_keys == (b"a" * 32, b"b" * 40)


def test_a_key_may_be_any_text_of_32_bytes() -> None:
    found = load({"XINSHENG_SECRET_KEYS": "密" * 11 + "\udcff"})
    assert found.secret_keys == ("密".encode() * 11 + b"\xff",)


def test_keys_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    environment = {"XINSHENG_DATA_DIR": str(folder)}
    before = os.umask(0)
    try:
        first = load(environment)
    finally:
        os.umask(before)
    file = folder / KEYS_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load(environment).secret_keys == first.secret_keys
    assert os.listdir(folder) == [KEYS_FILE]
    other = load({"XINSHENG_DATA_DIR": str(tmp_path / "other")})
    assert other.secret_keys != first.secret_keys
    assert len(first.secret_keys[0]) >= 32


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    program = "from app.core.settings import load; print(load().secret_keys)"
    environment = {**os.environ, "XINSHENG_DATA_DIR": str(tmp_path / "d")}
    environment.pop("XINSHENG_DATABASE_URL", None)
    environment.pop("XINSHENG_SECRET_KEYS", None)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            env=environment,
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
        )
        for _ in range(6)
    ]
    printed = {process.communicate(timeout=60)[0] for process in started}
    assert [process.returncode for process in started] == [0] * 6
    assert len(printed) == 1
    assert os.listdir(tmp_path / "d") == [KEYS_FILE]


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"\xff\xfe\x00"])
def test_a_broken_keys_file_is_named_and_left_alone(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / KEYS_FILE
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=KEYS_FILE):
        load({"XINSHENG_DATA_DIR": str(tmp_path)})
    assert file.read_bytes() == content


def test_a_data_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(SettingsError, match="XINSHENG_DATA_DIR"):
        load({"XINSHENG_DATA_DIR": str(file / "below")})


def test_what_guards_the_service_can_be_set(tmp_path: Path) -> None:
    found = load(
        {
            "XINSHENG_DATA_DIR": str(tmp_path),
            "XINSHENG_LOG_LEVEL": "INFO",
            "XINSHENG_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8 ::1",
            "XINSHENG_ALLOWED_HOSTS": "Wj.example.cn, [::1]",
            "XINSHENG_LIMITS": "client=7, proof=9",
        }
    )
    assert found.log_level == "info"
    assert [str(one) for one in found.trusted_proxies] == ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]
    assert found.allowed_hosts == ("wj.example.cn", "[::1]")
    assert (found.limits["client"], found.limits["proof"], found.limits["guesses"]) == (7, 9, 6000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("XINSHENG_LOG_LEVEL", "loud"),
        ("XINSHENG_TRUSTED_PROXIES", "everybody"),
        ("XINSHENG_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("XINSHENG_ALLOWED_HOSTS", "https://wj.example.cn"),
        ("XINSHENG_ALLOWED_HOSTS", "*"),
        ("XINSHENG_LIMITS", "client"),
        ("XINSHENG_LIMITS", "client=0"),
        ("XINSHENG_LIMITS", "client=-1"),
        ("XINSHENG_LIMITS", "client=many"),
        ("XINSHENG_LIMITS", "visitors=7"),
    ],
)
def test_a_guard_that_is_set_wrong_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load({"XINSHENG_DATA_DIR": str(tmp_path), name: value})


def test_keys_may_come_from_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mounted"
    environment = {
        "XINSHENG_DATABASE_URL": EXTERNAL,
        "XINSHENG_DATA_DIR": str(tmp_path / "data"),
        "XINSHENG_SECRET_KEYS_FILE": str(file),
    }
    with pytest.raises(SettingsError, match="mounted is not there"):
        load(environment)
    file.write_text(f"{KEY},{KEY}x\n")
    found = load(environment)
    assert found.secret_keys == (KEY.encode(), f"{KEY}x".encode())
    assert found.keys_file == file
    given = load({**environment, "XINSHENG_SECRET_KEYS": "s" * 32})
    assert (given.secret_keys, given.keys_file) == ((b"s" * 32,), None)


WECHAT = {"XINSHENG_WECHAT_APP_ID": "wx0123", "XINSHENG_WECHAT_APP_SECRET": "0123abcd"}


def test_wechat_is_off_until_an_account_is_set(tmp_path: Path) -> None:
    here = {"XINSHENG_DATA_DIR": str(tmp_path)}
    assert load(here).wechat is None
    found = load({**here, **WECHAT}).wechat
    assert found is not None
    assert (found.app_id, found.api_base) == ("wx0123", "https://api.weixin.qq.com")
    assert found.authorize_base == "https://open.weixin.qq.com"
    assert "0123abcd" not in repr(load({**here, **WECHAT}))


@pytest.mark.parametrize("left_out", WECHAT)
def test_half_an_account_is_refused(tmp_path: Path, left_out: str) -> None:
    half = {name: value for name, value in WECHAT.items() if name != left_out}
    with pytest.raises(SettingsError, match="belong together") as caught:
        load({"XINSHENG_DATA_DIR": str(tmp_path), **half})
    assert "0123" not in str(caught.value)


def test_wechat_may_be_elsewhere(tmp_path: Path) -> None:
    elsewhere = {"XINSHENG_WECHAT_API_BASE": "http://127.0.0.1:8099/"}
    found = load({"XINSHENG_DATA_DIR": str(tmp_path), **WECHAT, **elsewhere}).wechat
    assert found is not None
    assert found.api_base == "http://127.0.0.1:8099"
    wrong = {"XINSHENG_WECHAT_AUTHORIZE_BASE": "open.weixin.qq.com"}
    with pytest.raises(SettingsError, match="XINSHENG_WECHAT_AUTHORIZE_BASE must look like https"):
        load({"XINSHENG_DATA_DIR": str(tmp_path), **WECHAT, **wrong})


def test_files_of_the_domain_check_have_names_that_hide_nothing(tmp_path: Path) -> None:
    here = {"XINSHENG_DATA_DIR": str(tmp_path)}
    listed = "MP_verify_aB1.txt=aB1, WW_verify_x.txt=x"
    assert load({**here, "XINSHENG_VERIFY_FILES": listed}).verify_files == {
        "MP_verify_aB1.txt": "aB1",
        "WW_verify_x.txt": "x",
    }
    for wrong in (
        "docs=x",
        "MP_verify_a.txt",
        "MP_verify_a/b.txt=x",
        "MP_verify_.txt=x",
        "=",
        "MP_verify_a.txt=<b>",
        "../MP_verify_a.txt=x",
        "MP_verify_a.html=x",
    ):
        with pytest.raises(SettingsError, match="XINSHENG_VERIFY_FILES must list"):
            load({**here, "XINSHENG_VERIFY_FILES": wrong})
