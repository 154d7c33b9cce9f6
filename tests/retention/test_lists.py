"""The list of destructions as a file: complete or as before, and nobody else's."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.core.keyring import Keyring
from app.retention.lists import Entry, ListRefused, Lists, add, listed, ours, read

KEY, OTHER = b"one key that is long enough to be one", b"another key that is long enough too"
KEYRING = Keyring((KEY,))
MADE = datetime(2026, 9, 1, 8, 0, 0, 123456, tzinfo=UTC)


def entry(number: int, *, hours: int = 0, cause: str = "command") -> Entry:
    """The destruction of a campaign."""
    made = MADE + timedelta(microseconds=number)
    at = made + timedelta(days=90, hours=hours)
    return Entry(f"C-{number}", made, "command" if cause == "command" else "retention", at)


def test_what_is_put_on_it_is_read_from_it_again(tmp_path: Path) -> None:
    assert listed(KEYRING, tmp_path) == set()
    add(KEYRING, tmp_path, [])
    assert listed(KEYRING, tmp_path) == set()
    add(KEYRING, tmp_path, [entry(1)])
    add(KEYRING, tmp_path, [entry(2), entry(1, cause="retention")])
    assert listed(KEYRING, tmp_path) == {entry(1), entry(2), entry(1, cause="retention")}
    [path] = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().count("\n") == 5


def test_the_first_time_counts(tmp_path: Path) -> None:
    add(KEYRING, tmp_path, [entry(1, hours=1)])
    add(KEYRING, tmp_path, [entry(1), entry(1, hours=2)])
    assert listed(KEYRING, tmp_path) == {entry(1)}


def test_many_at_once_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(lambda number: add(KEYRING, tmp_path, [entry(number)]), range(40)))
    assert listed(KEYRING, tmp_path) == {entry(number) for number in range(40)}
    assert len(list(tmp_path.iterdir())) == 1


def test_no_line_can_be_forged_changed_left_out_or_cut_off(tmp_path: Path) -> None:
    add(KEYRING, tmp_path, [entry(number) for number in range(3)])
    [path] = ours(KEYRING, tmp_path)
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    wrong = [
        content.replace(b"C-1", b"C-9"),
        b"".join([*lines[:2], lines[1], *lines[2:]]),
        b"".join(lines[:2] + lines[3:]),
        b"".join(lines[:1] + lines[2:1:-1] + lines[3:]),
        b"".join(lines[:-1]),
        b"".join(lines[:3]),
        lines[0],
        content[:-10],
        content + b"x\n",
        content + content,
    ]
    for one in wrong:
        path.write_bytes(one)
        with pytest.raises(ListRefused, match="altered or damaged"):
            listed(KEYRING, tmp_path)
    for one in (b"", b"\n", b"\x00\xff" * 50, b"xinsheng destructions"):
        path.write_bytes(one)
        with pytest.raises(ListRefused, match="no list"):
            read(KEYRING, path)
    path.write_bytes(content.replace(b"destructions 1", b"destructions 2"))
    with pytest.raises(ListRefused, match="newer version"):
        read(KEYRING, path)
    path.write_bytes(content)
    assert len(listed(KEYRING, tmp_path)) == 3


def test_one_that_was_altered_is_put_aside_and_begun_anew(tmp_path: Path) -> None:
    add(KEYRING, tmp_path, [entry(1)])
    [path] = ours(KEYRING, tmp_path)
    path.write_bytes(path.read_bytes()[:-5])
    add(KEYRING, tmp_path, [entry(2)])
    assert listed(KEYRING, tmp_path) == {entry(2)}
    assert sorted(one.suffix for one in tmp_path.iterdir()) == [".altered", ".destructions"]


def test_another_deployments_list_in_the_same_folder_is_left_alone(tmp_path: Path) -> None:
    stranger = Keyring((OTHER,))
    add(stranger, tmp_path, [entry(1)])
    [theirs] = tmp_path.iterdir()
    before = theirs.read_bytes()
    add(KEYRING, tmp_path, [entry(2)])
    assert listed(KEYRING, tmp_path) == {entry(2)}
    assert listed(stranger, tmp_path) == {entry(1)}
    assert theirs.read_bytes() == before
    with pytest.raises(ListRefused, match="another secret key"):
        read(KEYRING, theirs)


def test_after_keys_were_rotated_it_is_sealed_anew_in_its_place(tmp_path: Path) -> None:
    add(KEYRING, tmp_path, [entry(1)])
    add(Keyring((OTHER, KEY)), tmp_path, [])
    assert listed(Keyring((OTHER,)), tmp_path) == {entry(1)}
    assert len(list(tmp_path.iterdir())) == 1


def test_it_lies_beside_the_backups_too_where_these_have_a_folder(tmp_path: Path) -> None:
    lists = Lists(KEYRING, tmp_path / "data", tmp_path / "nas")
    lists.add([entry(1)])
    assert not lists.beside.exists(), "a disk that is not mounted"
    lists.beside.mkdir()
    lists.add([])
    assert listed(KEYRING, lists.beside) == set(), "what is missing there comes from the database"
    lists.add([entry(1), entry(2)])
    assert listed(KEYRING, lists.beside) == {entry(1), entry(2)}
    assert lists.entries() == {entry(1), entry(2)}


def test_a_folder_that_cannot_be_written_is_told_and_changes_nothing(tmp_path: Path) -> None:
    add(KEYRING, tmp_path, [entry(1)])
    [path] = tmp_path.iterdir()
    before = path.read_bytes()
    path.unlink()
    path.mkdir()
    (path / "x").touch()
    with pytest.raises(OSError, match="directory"):
        add(KEYRING, tmp_path, [entry(1)])
    assert os.listdir(tmp_path) == [path.name]
    (path / "x").unlink()
    path.rmdir()
    path.write_bytes(before)
    assert listed(KEYRING, tmp_path) == {entry(1)}
