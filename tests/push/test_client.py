"""What `xinsheng push` is on a contractor's machine: light, careful with secrets, plain-spoken."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.push import command, credentials, state
from app.push.rejections import Rejection, Rejections
from app.push.wording import Stopped

GIVEN = {
    "XINSHENG_CLIENT_ID": "c_1",
    "XINSHENG_CLIENT_SECRET": "xs_1",
    "XINSHENG_SERVER": "https://survey.example.cn/",
}


def test_nothing_of_the_server_is_loaded_for_it() -> None:
    look = "import sys, app.cli, app.push.command; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert {"app", "httpx", "msgspec"} <= loaded
    assert not loaded & {"fastapi", "starlette", "sqlalchemy", "asyncpg", "pydantic", "uvicorn"}


def test_credentials_come_from_the_environment_or_a_file_of_ones_own(tmp_path: Path) -> None:
    found = credentials.load(None, None, environment=GIVEN)
    assert (found.server, found.client_id) == ("https://survey.example.cn", "c_1")
    assert "xs_1" not in repr(found)
    file = tmp_path / "credentials"
    file.write_text("# ours\n" + "\n".join(f"{name} = {GIVEN[name]}" for name in GIVEN))
    file.chmod(0o600)
    assert credentials.load(None, file, environment={}) == found
    other = credentials.load("http://localhost:1", file, environment={"XINSHENG_CLIENT_ID": "c_2"})
    assert (other.server, other.client_id) == ("http://localhost:1", "c_2")
    for mode in (0o640, 0o604):
        file.chmod(mode)
        with pytest.raises(Stopped, match="chmod 600"):
            credentials.load(None, file, environment={})


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://survey.example.cn", "in the clear"),
        ("ftp://survey.example.cn", "--server"),
        ("survey.example.cn", "--server"),
        ("https://user:secret@survey.example.cn", "--server"),
        ("https://[::1", "--server"),
    ],
)
def test_an_address_that_is_none_or_not_safe_is_refused(address: str, said: str) -> None:
    with pytest.raises(Stopped, match=said):
        credentials.load(address, None, environment=GIVEN)
    assert credentials.load(
        "http://survey.example.cn", None, plain_http=True, environment=GIVEN
    ).server.startswith("http:")


def test_the_secret_cannot_be_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--help"])
    assert "secret" not in capsys.readouterr().out.lower().replace("xinsheng_client_secret", "")


def test_a_state_is_whole_or_not_there_and_one_process_has_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "push-1.json"
    with state.held(path) as keeper:
        keeper.state.add({"accepted": 3, "rejected": 1})
        keeper.keep()
        with pytest.raises(Stopped, match="Another process"), state.held(path):
            pass
    with state.held(path) as keeper:
        assert (keeper.state.parts, keeper.state.counts["accepted"]) == (1, 3)
    path.write_text('{"parts": 7, "cou')
    with state.held(path) as keeper:
        assert keeper.state == state.State()


def test_the_list_of_rejected_is_cut_back_to_what_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "f.rejected.csv"
    listed = Rejections(path, 0)
    listed.add([Rejection(2, "C 结果", "V-2", "x", "错", "=1+1")])
    length = listed.length
    listed.add([Rejection(9, "", "V-9", "x", "错", "wrong")])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "'=1+1" in path.read_text("utf-8-sig")
    again = Rejections(path, length)
    assert again.rows() == {2}
    again.add([Rejection(5, "", "V-5", "x", "错", "wrong")])
    assert again.rows() == {2, 5}
    assert Rejections(path, 10**6).rows() == set()


def test_a_file_is_checked_without_a_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    good = {
        "interview_id": "V-1",
        "unit": "A1",
        "population": "parent",
        "disposition": "2.11",
        "ended_at": "2026-11-02T18:25:30+08:00",
    }
    bad = [
        good,
        {**good, "interview_id": "V 2"},
        {**good, "interview_id": "V-3", "ended_at": "2026-11-02 18:25"},
        {**good, "interview_id": "V-4", "disposition": "1.1"},
        {**good, "interview_id": "V-5", "disposition": "yes"},
        {**good, "interview_id": "V-6", "telephone": "x"},
        {"interview_id": "V-7"},
    ]
    path = tmp_path / "f.ndjson"
    for items, expected, rows in (([good], 0, set()), ([*bad, good], 1, set(range(2, 9)) - {1})):
        path.write_text("\n".join(map(json.dumps, items)))
        with pytest.raises(SystemExit) as ended:
            command.main([str(path), "--check", "--as", "interviews"])
        assert ended.value.code == expected
        said = capsys.readouterr().err
        named = {int(line.split()[1]) for line in said.splitlines() if line.startswith("row ")}
        assert named == rows
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    with pytest.raises(SystemExit):
        command.main([str(path), "--check", "--as", "interviews"])
    assert "第 2 行 interview_id：只用字母" in capsys.readouterr().err
