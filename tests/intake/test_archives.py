"""Archives: every file inside is read by itself, one bad file stops nobody, and nothing is written outside."""

import zipfile
from pathlib import Path

import pytest

from studio import intake
from studio.base import project
from studio.base.errors import Unreadable
from studio.base.records import Finding
from studio.intake import archives, child, importers
from studio.intake.reading import Reading
from tests.intake import letters, makers, paper
from tests.intake.inside import read

CSV = "question,answer\nA?,B\n"


def codes(reading: Reading) -> dict[str, tuple[str, ...]]:
    return {finding.code: finding.names for finding in reading.findings}


def test_every_file_is_read_by_its_own_name_and_one_bad_file_stops_nobody(tmp_path: Path) -> None:
    parts = {
        "guía/a.docx": makers.docx(tmp_path),
        "q.csv": CSV,
        "copy/q.csv": CSV,
        "bad.pdf": b"%PDF-1.4 broken",
        "film.mp4": b"\x00\x00\x00\x18ftypmp42" + bytes(999),
        "empty.txt": b"",
        "__MACOSX/._a": b"x",
        ".DS_Store": b"x",
    }
    reading = read(paper.zipped(tmp_path, "all.zip", parts))
    assert [(d.name, d.source) for d in reading.documents] == [("all.zip/guía/a.docx", "sources/all.zip")]
    assert len({e.id for e in reading.examples}) == 2
    assert reading.findings[-3:] == (
        Finding(code="members_read", level="good", count=3, names=("all.zip",), parameters={"of": 6}),
        Finding(code="file_damaged", level="warn", names=("all.zip/bad.pdf",), parameters={"name": "all.zip/bad.pdf"}),
        Finding(
            code="members_unknown",
            level="note",
            count=2,
            names=("all.zip/film.mp4", "all.zip/empty.txt"),
            parameters={"name": "all.zip", "kinds": ", ".join(intake.READABLE)},
        ),
    )


def test_an_archive_in_an_archive_is_opened_and_one_in_that_is_not(tmp_path: Path) -> None:
    third = paper.zipped(tmp_path, "third.zip", {"x.txt": "never read"})
    second = paper.zipped(tmp_path, "second.zip", {"third.zip": third, "y.txt": "The shop opens at nine."})
    reading = read(paper.zipped(tmp_path, "first.zip", {"second.zip": second}))
    assert [d.name for d in reading.documents] == ["first.zip/second.zip/y.txt"]
    assert codes(reading)["archive_too_deep"] == ("first.zip/second.zip/third.zip",)


@pytest.mark.slow
def test_files_in_an_archive_are_read_in_processes_of_their_own_and_find_the_same(tmp_path: Path) -> None:
    second = paper.zipped(tmp_path, "second.zip", {"y.txt": "The shop opens at nine."})
    file = paper.zipped(tmp_path, "a.zip", {"a.docx": makers.docx(tmp_path), "q.csv": CSV, "second.zip": second})
    assert child.read(file, makers.origin(file.name)) == read(file)


def test_a_mail_in_an_archive_brings_its_attachments(tmp_path: Path) -> None:
    mail = letters.eml(tmp_path, letters.mail("Vea esto.", files={"oferta.txt": b"Dos por uno."}))
    reading = read(paper.zipped(tmp_path, "a.zip", {"mail.eml": mail}))
    assert [d.name for d in reading.documents] == ["a.zip/mail.eml", "a.zip/mail.eml/oferta.txt"]


def test_names_are_shown_as_they_were_meant_and_equal_ones_are_told_apart(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("oferta\u202e\u200b.txt", "oferta.txt", "x/CON.txt", "a:b.txt"):
            archive.writestr(name, f"Text of {name}")
    content = (tmp_path / "a.zip").read_bytes()
    dos = zipfile.ZipInfo("ma\u00f1ana.txt")
    assert sorted(d.name for d in read(makers.written(tmp_path, "b.zip", content)).documents) == [
        "b.zip/a_b.txt",
        "b.zip/oferta (2).txt",
        "b.zip/oferta.txt",
        "b.zip/x/_CON.txt",
    ]
    for raw, flags in ((dos.filename.encode("cp850"), 0), (dos.filename.encode(), 0)):
        dos.filename, dos.flag_bits = raw.decode("cp437"), flags
        assert archives._name(dos) == "mañana.txt"
        dos = zipfile.ZipInfo("ma\u00f1ana.txt")


def test_an_exported_chat_is_known_by_its_archive_and_its_pictures_are_not_counted_twice(tmp_path: Path) -> None:
    chat = "[02/03/26, 10:14:00] Ana: ¿Abren hoy?\n[02/03/26, 10:15:00] Tienda Sol: Sí, hasta las ocho.\n" * 2
    parts = {
        "_chat.txt": chat,
        "IMG-1.jpg": makers.png(3, 3),
        "STK-1.webp": b"RIFF0000WEBP",
        "menu.txt": "Sopa, 4 euros",
    }
    reading = read(paper.zipped(tmp_path, "WhatsApp Chat - Ana.zip", parts))
    assert reading.examples[0].question == "¿Abren hoy?"
    assert [d.name for d in reading.documents if d.kind == "txt"] == ["WhatsApp Chat - Ana.zip/menu.txt"]
    assert "members_unknown" not in codes(reading)
    assert codes(reading)["chat_read"] == ("WhatsApp Chat - Ana.zip",)


def test_a_locked_archive_opens_with_its_password_and_says_when_it_is_wrong(tmp_path: Path) -> None:
    file = paper.locked_zip(tmp_path, "a.zip", "s.txt", "El código es 1234.".encode(), b"clave")
    assert [d.text for d in read(file, password="clave").documents] == ["El código es 1234."]
    for password, code in (("", "archive_locked"), ("mal", "password_wrong")):
        with pytest.raises(Unreadable, match=code):
            read(file, password=password)


def test_an_archive_in_which_nothing_can_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as refused:
        read(paper.zipped(tmp_path, "a.zip", {"b.pdf": b"%PDF-1.4 broken", "c.gif": b"GIF89a"}))
    assert (refused.value.code, refused.value.parameters) == ("file_damaged", {"name": "a.zip/b.pdf"})
    with pytest.raises(Unreadable) as refused:
        read(paper.zipped(tmp_path, "a.zip", {"b.gif": b"GIF89a", "c.gif": b"GIF89a"}))
    assert refused.value.parameters == {"name": "a.zip", "files": "a.zip/b.gif, a.zip/c.gif"}
    with pytest.raises(Unreadable, match="archive_empty"):
        read(paper.zipped(tmp_path, "a.zip", {".hidden": "x"}))


def test_a_file_damaged_inside_an_archive_costs_that_file(tmp_path: Path) -> None:
    file = paper.zipped(tmp_path, "a.zip", {"a.txt": "The good one." * 9, "b.txt": "The bad one." * 9})
    content = bytearray(file.read_bytes())
    at = content.rfind(b"b.txt", 0, content.find(b"PK\x01\x02")) + 12
    content[at : at + 4] = b"\xff\xff\xff\xff"
    reading = read(makers.written(tmp_path, "b.zip", bytes(content)))
    assert [d.name for d in reading.documents] == ["b.zip/a.txt"]
    assert codes(reading)["file_damaged"] == ("b.zip/b.txt",)


def test_many_bad_files_are_named_in_one_finding(tmp_path: Path) -> None:
    from studio.intake import members
    from studio.intake.members import Tried

    fault = Unreadable("file_damaged", name="x").fault
    tried = [Tried(f"a.zip/{n}.pdf", None, fault) for n in range(30)]
    found = list(members._findings(makers.origin("a.zip"), tried))
    assert [finding.code for finding in found] == ["file_damaged"] * 20 + ["members_refused"]
    assert (found[-1].count, found[-1].names[0]) == (10, "a.zip/20.pdf")


def test_an_archive_is_one_source_of_the_project(tmp_path: Path) -> None:
    shop = project.create(tmp_path / "projects", "Shop")
    added = intake.add(shop, paper.zipped(tmp_path, "a.zip", {"a.txt": "We open at nine.", "q.csv": CSV}))
    assert (added.name, added.documents, added.examples) == ("a.zip", 1, 1)
    assert list(shop.store.sources()) == ["sources/a.zip"]
    intake.remove(shop, "sources/a.zip")
    assert (shop.store.documents(), shop.store.examples()) == ([], [])


def test_office_files_are_no_archives_and_archives_no_office_files(tmp_path: Path) -> None:
    assert read(makers.docx(tmp_path).rename(tmp_path / "guide.zip")).documents[0].kind == "docx"
    with pytest.raises(Unreadable, match="not_what_it_says"):
        importers.read(paper.zipped(tmp_path, "a.docx", {"a.txt": "x"}), makers.origin("a.docx"))
