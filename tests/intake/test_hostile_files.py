# ruff: noqa: E501, PT017 - what is hostile is shown as it is; some of it may be read or refused, but never for long
"""Files that mean harm: refused with their name and a remedy, nothing written outside, nothing fetched, nobody else stopped."""

import json
import socket
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from studio import intake
from studio.base import project
from studio.base.errors import Unreadable
from studio.intake import archives, child, importers, kinds
from tests.intake import inside, letters, makers, paper

Make = Callable[[Path], Path]
CANARY = "canary-7d1f"
LOCALES = Path(intake.__file__).parents[1] / "locales"


def with_names(*names: str, link: bool = False) -> Make:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "bad.zip", "w") as archive:
            archive.writestr("good.txt", "good")
            for name in names:
                part = zipfile.ZipInfo(name)
                part.external_attr = (0o120777 if link else 0o100644) << 16
                archive.writestr(part, "/etc/passwd")
        return folder / "bad.zip"

    return make


def bomb(folder: Path, megabytes: int = 20, name: str = "bomb.zip") -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", b"0" * (megabytes << 20))
    return folder / name


def liar(folder: Path) -> Path:
    """The directory says ten bytes; there are twenty million."""
    content = bytearray(bomb(folder).read_bytes())
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.find(mark) + at
        content[place : place + 4] = struct.pack("<I", 10)
    return makers.written(folder, "liar.zip", bytes(content))


def overlapping(folder: Path) -> Path:
    """Many entries that share one member's bytes: 42.zip without the nesting."""
    content = paper.zipped(folder, "one.zip", {"a.txt": "Overlapping text. " * 500}).read_bytes()
    start = content.find(b"PK\x01\x02")
    end = content.find(b"PK\x05\x06")
    entry = content[start:end]
    directory = entry * 300
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 300, 300, len(directory), start, 0)
    return makers.written(folder, "overlap.zip", content[:start] + directory + tail)


def many(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "many.zip", "w") as archive:
        for number in range(archives.MOST_FILES + 1):
            archive.writestr(f"{number}.txt", "x")
    return folder / "many.zip"


def late_doctype(make: Make, part: str, old: bytes) -> Make:
    """A document type after ten kilobytes of comment, where a look at the beginning does not see it."""

    def made(folder: Path) -> Path:
        plain = make(folder)
        with zipfile.ZipFile(plain) as archive:
            xml = archive.read(part)
        root = xml.index(old)
        entity = (
            b"<!-- "
            + b"x" * 10_000
            + b' --><!DOCTYPE r [<!ENTITY e SYSTEM "file://%s">]>' % str(folder / "secret").encode()
        )
        makers.written(folder, "secret", CANARY)
        head, tail = xml[:root], xml[root:]
        at = tail.index(b">", tail.index(b"p>") if b"text:p>" in tail else tail.index(b"<w:t")) + 1
        return makers.with_part(plain, f"late{plain.suffix}", part, head + entity + tail[:at] + b"&e;" + tail[at:])

    return made


def odt(folder: Path) -> Path:
    return paper.odt(folder, "<text:p>words</text:p>")


def epub_entity(folder: Path) -> Path:
    page = f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY e SYSTEM "file://{folder}/secret">]><html><body>&e;</body></html>'
    makers.written(folder, "secret", CANARY)
    return makers.with_part(paper.epub(folder, {"a.xhtml": "<p>x</p>"}), "b.epub", "OEBPS/text/a.xhtml", page.encode())


def odt_laughs(folder: Path) -> Path:
    return makers.with_part(odt(folder), "laughs.odt", "content.xml", makers.BILLION_LAUGHS)


def cut(make: Make, name: str) -> Make:
    return lambda folder: makers.written(folder, name, make(folder).read_bytes()[:-300])


def renamed(content: bytes, name: str) -> Make:
    return lambda folder: makers.written(folder, name, content)


def locked(folder: Path) -> Path:
    return paper.locked_zip(folder, "locked.zip", "a.txt", b"secret text", b"key")


def msg(folder: Path) -> Path:
    return letters.msg(folder, **{"0037": "x", "1000": "text " * 900})


REFUSED: dict[str, tuple[Make, str]] = {
    "a name that leads out": (with_names("../../evil.txt"), "file_unsafe"),
    "a name that leads out in Windows": (with_names("..\\..\\evil.txt"), "file_unsafe"),
    "an absolute name": (with_names("/etc/cron.d/evil"), "file_unsafe"),
    "a drive": (with_names("C:\\Windows\\evil.txt"), "file_unsafe"),
    "a link": (with_names("link.txt", link=True), "file_unsafe"),
    "a bomb": (bomb, "file_bomb"),
    "an archive that lies about its sizes": (liar, "file_damaged"),
    "entries that share their bytes": (overlapping, "file_bomb"),
    "ten thousand files and one": (many, "archive_too_big"),
    "a cut archive": (cut(makers.docx, "cut.zip"), "file_damaged"),
    "a locked archive": (locked, "archive_locked"),
    "a late document type in docx": (late_doctype(makers.docx, "word/document.xml", b"<w:document"), "file_unsafe"),
    "a late document type in odt": (late_doctype(odt, "content.xml", b"<office:document"), "file_unsafe"),
    "an entity in a book": (epub_entity, "file_unsafe"),
    "billion laughs in odt": (odt_laughs, "file_unsafe"),
    "a cut presentation": (cut(paper.pptx, "cut.pptx"), "file_damaged"),
    "a cut OpenDocument": (cut(odt, "cut.odt"), "file_damaged"),
    "a cut book": (cut(lambda f: paper.epub(f, {"a.xhtml": "<p>x</p>"}), "cut.epub"), "file_damaged"),
    "a cut Outlook mail": (lambda f: makers.written(f, "cut.msg", msg(f).read_bytes()[:1500]), "file_damaged"),
    "cut rich text": (renamed(rb"{\rtf1\ansi {\b Hello", "cut.rtf"), "file_damaged"),
    "a program called .html": (renamed(b"MZ\x90\x00\x03" + bytes(range(256)) * 9, "page.html"), "not_what_it_says"),
    "a program called .eml": (renamed(b"\x7fELF\x02\x01\x01" + bytes(999), "mail.eml"), "not_what_it_says"),
    "a page called .csv": (renamed(b"<!doctype html><p>a,b", "page.csv"), "not_what_it_says"),
    "an archive called .pptx": (lambda f: paper.zipped(f, "a.pptx", {"a.txt": "x"}), "not_what_it_says"),
    "noise called .rtf": (renamed(bytes(range(256)) * 40, "noise.rtf"), "file_damaged"),
    "an old presentation": (
        renamed(kinds.OLE + bytes(600) + "PowerPoint Document".encode("utf-16-le") + bytes(600), "old.ppt"),
        "office_old",
    ),
    "a drawing with entities": (
        renamed(b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>', "a.svg"),
        "kind_unknown",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_its_name_and_a_remedy(tmp_path: Path, case: str) -> None:
    make, code = REFUSED[case]
    file = make(tmp_path)
    with pytest.raises(Unreadable) as refused:
        inside.read(file)
    assert (refused.value.code, str(refused.value.parameters["name"]).split("/")[0]) == (code, file.name)
    for language in ("en", "es"):
        sentence = json.loads((LOCALES / f"{language}.json").read_text(encoding="utf-8"))[f"error.{code}"]
        assert len(sentence.format(**refused.value.parameters).split(". ")) >= 2  # what happened, and what to do


@pytest.mark.slow
def test_nothing_is_written_outside_and_what_was_unpacked_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "a" / "b" / "scratch"
    scratch.mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    file = paper.zipped(tmp_path, "a.zip", {"x/a.txt": "The shop opens at nine.", "q.csv": "question,answer\nA?,B\n"})
    before = set(tmp_path.rglob("*"))
    assert len(child.read(file, makers.origin("a.zip")).documents) == 1
    with pytest.raises(Unreadable):
        child.read(with_names("../../evil.txt")(tmp_path), makers.origin("bad.zip"))
    assert set(tmp_path.rglob("*")) - before == {tmp_path / "bad.zip"}


def test_no_file_makes_the_reader_speak_to_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(socket.socket, "connect", lambda *a: calls.append("connect"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: calls.append("getaddrinfo"))
    page = (
        '<!DOCTYPE html SYSTEM "http://evil.example/x.dtd"><html><head><base href="http://evil.example/"><link rel=stylesheet '
        'href=x.css><meta http-equiv=refresh content="0;url=http://evil.example"><script src=x.js></script></head><body>'
        '<iframe src="http://evil.example"></iframe><img src="http://evil.example/x.png"><p>Text</p></body></html>'
    )
    tie = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate" '
        b'Target="http://evil.example/t.dotm" TargetMode="External"/></Relationships>'
    )
    made = [
        makers.written(tmp_path, "a.html", page),
        letters.eml(tmp_path, letters.mail(html=page)),
        makers.with_part(makers.docx(tmp_path), "b.docx", "word/_rels/document.xml.rels", tie),
        paper.odt(
            tmp_path, "<text:p>x</text:p><draw:frame><draw:image href='http://evil.example/x.png'/></draw:frame>"
        ),
    ]
    for file in made:
        assert inside.read(file).documents
    assert calls == []


def test_the_reading_process_itself_cannot_reach_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    port = listener.getsockname()[1]
    work = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from studio.intake import importers; from studio.intake.child import main\n"
        f"def read(*_):\n    import socket; socket.create_connection(('127.0.0.1', {port}))\n"
        "importers.read = read\nmain(sys.argv[1:])"
    )
    monkeypatch.setattr(child, "START", work)
    with pytest.raises(Unreadable, match="file_crashed_reader"):
        child.read(makers.written(tmp_path, "a.txt", "text"), makers.origin("a.txt"))
    with listener, pytest.raises(TimeoutError):
        listener.accept()


def test_a_child_that_names_a_file_outside_its_folder_is_not_believed(tmp_path: Path) -> None:
    from studio.intake import members
    from studio.intake.reading import Member, Reading

    secret = makers.written(tmp_path, "secret.txt", CANARY)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(secret)
    for path in (secret, tmp_path / "folder" / "link", tmp_path / "folder" / ".." / "secret.txt"):
        outer = Reading(members=(Member(name="a.txt", file=str(path)),))
        with pytest.raises(Unreadable, match="file_unsafe"):
            members.read(outer, makers.origin("a.zip"), tmp_path / "folder", members.Allowance(1 << 20), importers.read)


def test_one_hostile_file_never_stops_the_rest(tmp_path: Path) -> None:
    good = {"a.txt": "The shop opens at nine.", "q.csv": "question,answer\nA?,B\n"}
    bad = {
        "bomb.zip": bomb(tmp_path),
        "slip.zip": with_names("../evil.txt")(tmp_path),
        "laughs.odt": odt_laughs(tmp_path),
        "x.pdf": b"MZ\x90\x00" + bytes(500),
        "cut.docx": makers.docx(tmp_path).read_bytes()[:-300],
    }
    reading = inside.read(paper.zipped(tmp_path, "all.zip", {**bad, **good}))
    assert [d.name for d in reading.documents] == ["all.zip/a.txt"]
    assert len(reading.examples) == 1
    assert {(f.code, f.names[0]) for f in reading.findings if f.level == "warn"} == {
        ("file_bomb", "all.zip/bomb.zip"),
        ("file_unsafe", "all.zip/slip.zip"),
        ("file_unsafe", "all.zip/laughs.odt"),
        ("not_what_it_says", "all.zip/x.pdf"),
        ("file_damaged", "all.zip/cut.docx"),
    }


def test_what_is_nested_shares_one_allowance(tmp_path: Path) -> None:
    """Each of the inner archives is small enough; together they unpack to more than one archive may."""
    text = "".join(chr(97 + n * 7 % 26) for n in range(200_000)).encode()
    second = paper.zipped(tmp_path, "second.zip", {"a.txt": text})
    file = paper.zipped(tmp_path, "first.zip", {f"{n}.zip": second for n in range(8)})
    from studio.intake import members

    allowance = members.Allowance(700_000 + 8 * second.stat().st_size)
    read_ones: list[int] = []

    def one(path: Path, origin: importers.Origin) -> importers.Reading:
        reading = importers.read(path, origin)
        read_ones.append(1)
        return members.read(reading, origin, Path(name), allowance, one) if reading.members else reading

    import tempfile
    from unittest import mock

    with tempfile.TemporaryDirectory() as name, mock.patch.object(tempfile, "tempdir", name):
        found = one(file, makers.origin("first.zip"))
    assert 1 <= len(found.documents) <= 5
    assert "archive_too_big" in {finding.code for finding in found.findings}


@pytest.mark.slow
@pytest.mark.parametrize(
    "html",
    [
        b"<div>" * 400_000 + b"deep",
        b"<table><tr><td>" * 20_000 + b"deep",
        b"<div class='menu'>" * 20_000 + b"deep",
        b"<p a=" + b"x" * (8 << 20) + b">text</p>",
    ],
)
def test_endless_pages_end_in_time(tmp_path: Path, html: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "CPU_SECONDS", 4)
    began = time.monotonic()
    file = makers.written(tmp_path, "a.html", b"<!doctype html>" + html)
    try:
        child.read(file, makers.origin("a.html"))
    except Unreadable as refused:
        assert refused.code in ("file_too_slow", "file_too_big_to_read", "file_crashed_reader")
    assert time.monotonic() - began < 100


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        rb"{\rtf1" + b"{" * 300_000 + b"}" * 300_001,
        rb"{\rtf1 \pict\bin99999999999 x}",
        rb"{\rtf1 {\field{\*\fldinst HYPERLINK " * 3_000 + b"}" * 6_001,
    ],
)
def test_endless_rich_text_ends_in_time(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "CPU_SECONDS", 10)
    began = time.monotonic()
    try:
        child.read(makers.written(tmp_path, "a.rtf", content), makers.origin("a.rtf"))
    except Unreadable as refused:
        assert refused.code in ("file_too_slow", "file_no_text", "file_damaged", "file_crashed_reader")
    assert time.monotonic() - began < 100


@pytest.mark.slow
@pytest.mark.parametrize("letters_of_it", ["a", "ñ", "é漢", "🙂 "], ids=["ascii", "latin", "wide", "emoji"])
def test_a_hundred_megabytes_without_a_line_end_are_read_in_sections(tmp_path: Path, letters_of_it: str) -> None:
    size = (100 << 20) // len(letters_of_it.encode())
    with (tmp_path / "long.txt").open("w", encoding="utf-8") as out:
        for _ in range(100):
            out.write(letters_of_it * (size // 100))
    (document,) = child.read(tmp_path / "long.txt", makers.origin("long.txt")).documents
    assert len(document.text.rstrip()) == len(letters_of_it.rstrip()) + (size // 100 * 100 - 1) * len(letters_of_it)
    assert max(section.end - section.start for section in document.sections) <= 200_000


@pytest.mark.slow
def test_a_project_takes_in_a_folder_of_hostile_files_and_keeps_the_good_ones(tmp_path: Path) -> None:
    shop = project.create(tmp_path / "projects", "Shop")
    makers.written(shop.sources, "good.txt", "The shop opens at nine.")
    for number, (make, _) in enumerate(REFUSED.values()):
        (tmp_path / str(number)).mkdir()
        file = make(tmp_path / str(number))
        file.rename(shop.sources / f"{number} {file.name}")
    added = intake.add_all(shop)
    assert [each.name for each in added if each.documents] == ["good.txt"]
    assert len([each for each in added if each.findings and each.findings[0].level == "stop"]) == len(REFUSED)
    assert CANARY not in "".join(document.text for document in shop.store.documents())
    assert "evil" not in "".join(path.name for path in tmp_path.rglob("*"))
