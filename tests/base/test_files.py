import os
from pathlib import Path

import pytest

from studio.base import files
from studio.base.errors import BadName, Refused


@pytest.mark.parametrize(
    ("typed", "folder"),
    [
        ("Claims helpdesk", "claims-helpdesk"),
        ("Atención al cliente ñ", "atencion-al-cliente-n"),
        ("../../etc", "etc"),
        ("..", "project"),
        ("CON", "con-1"),
        ("a/b\\c", "a-b-c"),
        ("<img src=x onerror=alert(1)>", "img-src-x-onerror-alert-1"),
        ("日本語", "project"),
        (".git", "git"),
        ("x" * 300, "x" * 48),
        ("trailing dots...", "trailing-dots"),
    ],
)
def test_what_people_type_never_becomes_a_path(typed: str, folder: str) -> None:
    assert files.slug(typed) == folder


@pytest.mark.parametrize("typed", ["", "   ", "\x00\x01", "\u202e\u200b"])
def test_a_name_without_anything_to_read_is_refused(typed: str) -> None:
    with pytest.raises(BadName, match="name_empty"):
        files.slug(typed)


def test_a_title_keeps_its_letters_and_loses_what_cannot_be_seen() -> None:
    assert files.clean_title("  Pólizas\n2026 \u202eevil\x00 ") == "Pólizas 2026 evil"
    assert len(files.clean_title("word " * 100)) <= 80


@pytest.mark.parametrize(
    ("uploaded", "kept"),
    [
        ("Política 2026.pdf", "Política 2026.pdf"),
        ("../../x.csv", "x.csv"),
        ("C:\\Users\\ana\\datos.xlsx", "datos.xlsx"),
        ("con.txt", "_con.txt"),
        ('a:b|c?".txt', "a_b_c__.txt"),
        ("", "file"),
        ("...", "file"),
    ],
)
def test_an_uploaded_name_is_only_its_last_part_made_safe(uploaded: str, kept: str) -> None:
    assert files.file_name(uploaded) == kept


def test_nothing_outside_a_folder_can_be_reached_from_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "link").symlink_to("/etc")
    assert files.inside(home, "models/a") == (home / "models" / "a").resolve()
    for way_out in ("../x", "/etc/passwd", "link/passwd", "a/../../x"):
        with pytest.raises(Refused, match="path_outside"):
            files.inside(home, way_out)


def test_a_failed_write_leaves_the_old_content_and_no_rubbish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.json"
    files.write_json(target, {"old": 1})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_json(target, {"new": 2})
    assert files.read_json(target) == {"old": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_missing_or_unfinished_file_reads_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text('{"a": ')
    assert files.read_json(tmp_path / "half.json") is None
    assert files.read_json(tmp_path / "none.json") is None
