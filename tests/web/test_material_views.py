"""Step 2 as pure functions: sources, findings, what was done, drafts. No server, no browser."""

from datetime import UTC, datetime, timedelta

import pytest

from studio.base import records
from studio.base.events import Said
from studio.base.records import (
    Column,
    Document,
    Example,
    Fault,
    Finding,
    Layout,
    Message,
    Past,
    Place,
    Proposal,
    Repair,
    RowFault,
    Run,
    Section,
    Source,
    Speaker,
)
from studio.web.uploads import Waiting
from studio.web.views import drafts, findings, jobs, material
from studio.web.voice import Voice
from tests.web.conftest import text

EVIL = '<img src=x onerror=alert(1)><script>alert(1)</script>" onmouseover="x'
EN, ES = Voice("en"), Voice("es")
TABLE = Layout(
    columns=(Column(name="Consulta", role="question", samples=("How long?",)), Column(name="Agente", role="ignore")),
    encoding="cp1252",
    delimiter=";",
    rows=12,
    read=10,
    repaired_count=1,
    refused_count=2,
    repaired=(RowFault(row=4, code="cells_joined"),),
    refused=(RowFault(row=7, code="cells_empty", sheet="Marzo"), RowFault(row=9, code="cells_empty")),
)


def source(name: str = "faq.csv", **more: object) -> Source:
    return Source(source=f"sources/{name}", sha256="0" * 64, **more)  # type: ignore[arg-type]


def example(source: str, number: int = 1) -> Example:
    said = (Message(role="user", content=f"How long {number}?"), Message(role="assistant", content="Seven days."))
    return Example(id=f"{source}{number}", messages=said, source=source, row=number)


def proposal(id: str = "p1", **more: object) -> Proposal:
    document = {"document_id": "d1", "document": "Policy.pdf", "source": "sources/Policy.pdf", "page": 4}
    passage = {"start": 6, "end": 17, "passage": "Seven days."}
    return Proposal(id=id, question="How long?", answer="Seven days.", **document, **passage, **more)  # type: ignore[arg-type]


def shown(known: list[Source], voice: Voice = EN, **more: object) -> str:
    given = {"given": material.Contents(), "waiting": (), "locked": {}, "unread": 0, **more}
    return material.sources(known, voice=voice, **given)  # type: ignore[arg-type]


def tame(html: str) -> bool:
    return "<script" not in html and "<img" not in html and 'onmouseover="' not in html


@pytest.mark.parametrize("voice", [EN, ES], ids=["en", "es"])
def test_nothing_that_stands_in_the_material_becomes_markup(voice: Voice) -> None:
    layout = Layout(
        columns=(Column(name=EVIL, samples=(EVIL,)),),
        speakers=(Speaker(name=EVIL, messages=2),),
        encoding=EVIL,
        delimiter=EVIL,
        rows=1,
        refused_count=1,
        refused=(RowFault(row=1, code=EVIL, sheet=EVIL),),
    )
    told = Finding(code="documents_garbled", level="warn", names=(EVIL,), places=(Place(name=EVIL, text=EVIL),))
    evil = proposal(heading=EVIL, checks=("number_not_in_text",)).model_copy(
        update={"question": EVIL, "answer": EVIL, "passage": EVIL, "document": EVIL}
    )
    document = Document(id="d1", name="x", kind="pdf", text=f"{EVIL}{EVIL}", source="x", sha256="0")
    run = Run(id="r", kind="intake", project="p", folder="/", state="failed", fault=Fault(code="unexpected"))
    removed = Past(at=records.now(), what="removed", parameters={"name": EVIL})
    html = [
        shown([source(EVIL, layout=layout, origin=EVIL, findings=(told,))], voice),
        material.refused([material.Refused(EVIL, Fault(code="name_empty"))], voice),
        shown([], voice, waiting=[Waiting("0" * 12, EVIL, 9)], locked={}),
        material.preview(material.Contents(first=[example(EVIL)], examples=1), voice),
        findings.findings([told], [Repair(code=EVIL)], [removed], voice),
        drafts.drafts([evil, proposal("p2", state="approved", heading=EVIL)], {"d1": document}, voice, possible=True),
        jobs.jobs([jobs.Job(run, Said(findings=(told,)))], EVIL, voice),
    ]
    assert [tame(each) for each in html] == [True] * len(html)


def test_every_row_is_accounted_for_with_its_place_and_reason() -> None:
    html = shown([source(layout=TABLE)])
    seen = text(html)
    assert "10 rows read 1 repaired 2 left out" in seen
    assert "Marzo, row 7" in seen
    assert "row 4" in seen
    assert "cp1252" in seen
    assert "“;”" in seen


def test_the_column_roles_are_shown_and_can_be_changed() -> None:
    html = shown([source(layout=TABLE)])
    assert '<option value="question" selected>' in html
    assert '<option value="ignore" selected>' in html
    assert html.count('name="columns" data-many') == 2
    assert "How long?" in html


def test_who_speaks_for_the_business_can_be_said() -> None:
    chat = Layout(
        speakers=(Speaker(name="Costa", messages=2, business=True), Speaker(name="Marta", messages=1)), rows=3
    )
    html = shown([source("chat.txt", layout=chat)])
    assert 'value="Costa" checked>' in html
    assert 'value="Marta">' in html
    assert "1 message" in text(html)


@pytest.mark.parametrize(
    ("code", "asks"), [("pdf_password_needed", True), ("archive_locked", True), ("office_locked", False)]
)
def test_a_password_is_asked_for_where_one_helps(code: str, asks: bool) -> None:
    refused = Finding(code=code, level="stop", names=("x.pdf",), parameters={"name": "x.pdf"})
    assert ('type="password"' in shown([source("x.pdf", findings=(refused,))])) is asks


def test_a_file_that_arrived_and_was_not_read_can_be_read_or_thrown_away() -> None:
    html = shown([], waiting=[Waiting("0123456789ab", "big.csv", 5_000_000)])
    assert "“big.csv” (5 MB) has arrived and has not been read yet." in text(html)
    assert 'data-batch="0123456789ab" data-name="big.csv"' in html
    assert 'data-do="drop"' in html
    assert 'type="password"' not in html


def test_what_each_source_gave_is_counted_and_what_no_source_gave_is_told_apart() -> None:
    document = Document(
        id="d", name="p.pdf", kind="pdf", text="Seven days.", source="sources/p.pdf", sha256="0",
        sections=(Section(start=0, end=11, page=3),),
    )  # fmt: skip
    examples = [example("sources/faq.csv", n) for n in range(8)] + [
        example("drafts:sources/p.pdf"),
        example("feedback"),
    ]
    assert material.contents(
        ["sources/p.pdf", "sources/faq.csv"], [document], examples, "drafts:"
    ) == material.Contents(
        by_source={
            "sources/p.pdf": material.Gave(kind="pdf", pages=3, characters=11),
            "sources/faq.csv": material.Gave(examples=8),
        },
        drafted=1,
        corrected=1,
        first=examples[:6],
        examples=10,
    )


def test_the_three_groups_are_told_at_a_glance_and_red_only_when_something_stops_the_build() -> None:
    found = [
        Finding(code="examples_near", level="note"),
        Finding(code="examples_duplicate", level="warn"),
        Finding(code="documents_ready", level="good"),
    ]
    assert text(findings.glance(found, EN)) == "2 suggestions 1 thing is good"
    stops = [Finding(code="documents_empty", level="stop"), *found]
    assert text(findings.glance(stops, EN)).startswith("1 thing must be solved 2 suggestions")
    assert text(findings.glance([], EN)) == ""


def test_what_stops_the_build_comes_first_and_what_is_good_last() -> None:
    found = [
        Finding(code="documents_ready", level="good", parameters={"pages": 1, "words": 2}),
        Finding(code="examples_none", level="note", parameters={"enough": 60}),
        Finding(code="documents_empty", level="stop", names=("a.pdf",)),
    ]
    html = findings.findings(found, [], [], EN)
    groups = [html.index(f'id="group-{group}"') for group in ("stop", "warn", "good")]
    assert groups == sorted(groups)


def test_a_finding_has_one_button_that_says_what_it_does_and_its_places() -> None:
    places = (Place(name="faq.csv", row=14, text="My number is …"), Place(name="guide.pdf", page=3))
    found = Finding(
        code="examples_duplicate", level="warn", count=2, names=("faq.csv",), parameters={"rows": "14", "example": "x"},
        places=places, repairs=("drop_duplicates", "drop_near_duplicates"),
    )  # fmt: skip
    html = findings.findings([found], [], [], EN)
    assert html.count('data-do="repair"') == 1
    assert 'data-code="drop_duplicates"' in html
    assert EN.t("repair.drop_duplicates.will") in html
    assert "Where (2)" in text(html)
    assert "faq.csv, row 14 My number is … guide.pdf, p. 3" in text(html)


def test_after_a_repair_its_numbers_and_the_way_back_stand_on_top() -> None:
    made = Repair(
        id="r1", code="drop_duplicates", removed=12,
        before={"examples": 154, "warn": 3, "note": 1}, after={"examples": 142, "warn": 2, "note": 1},
    )  # fmt: skip
    html = findings.findings([], [made], [], EN)
    assert "Examples 154 to 142 · Suggestions 4 to 3" in text(html)
    assert html.count('data-do="undo" data-id="r1"') == 2  # on top, and in the record
    undone = made.model_copy(update={"undone": records.now()})
    html = findings.findings([], [undone], [], EN)
    assert "Taken back" in html
    assert 'data-do="undo"' not in html
    partly = undone.model_copy(update={"parameters": {"back": 3, "lost": 2}})
    assert "2 could not be put back" in findings.findings([], [partly], [], EN)


def test_the_record_keeps_what_was_done_with_date_and_numbers_the_newest_first() -> None:
    old = (datetime.now(UTC) - timedelta(days=2)).isoformat(timespec="seconds")
    made = Repair(
        id="r1", code="drop_duplicates", created=old, removed=1, before={"examples": 9}, after={"examples": 8}
    )
    history = [
        Past(at=old, what="added", parameters={"name": "faq.csv", "documents": 0, "examples": 9}),
        Past(at=old, what="repaired", parameters={"code": "drop_duplicates"}),
        Past(at=records.now(), what="removed", parameters={"name": "old.pdf"}),
    ]
    html = findings.findings([], [made], history, EN)
    seen = text(html)
    assert "What was done (3)" in seen
    assert seen.index("old.pdf was removed") < seen.index("faq.csv was read")
    assert EN.date(old) in seen
    assert "Examples 9 → 8" in seen
    assert 'class="notice' not in html  # two days ago is not a moment ago


def test_an_empty_page_teaches_what_to_bring() -> None:
    assert "Documents, for facts" in text(findings.findings([], [], [], EN, empty=True))


def test_drafts_are_looked_at_one_by_one_beside_their_passage() -> None:
    document = Document(id="d1", name="Policy.pdf", kind="pdf", text="Water. Seven days. More.", source="x", sha256="0")
    placed = proposal(heading="Water", checks=("number_not_in_text",)).model_copy(update={"start": 7, "end": 18})
    waiting = [placed, proposal("p2"), proposal("p3", state="approved"), proposal("p4", state="rejected")]
    html = drafts.drafts(waiting, {"d1": document}, EN, possible=True)
    assert html.count("<textarea") == 2
    assert "Policy.pdf, p. 4, Water" in text(html)
    assert 'Water. <mark class="medium">Seven days.</mark> More.' in html
    assert "2 to look at 1 approved 1 rejected" in text(html)
    assert EN.t("doubt.number_not_in_text") in text(html)
    later = drafts.drafts(waiting, {}, EN, possible=True, skipped=["p1"])
    assert 'data-id="p2" data-skipped="p1"' in later
    again = drafts.drafts(waiting, {}, EN, possible=True, skipped=["p1", "p2"])
    assert 'data-id="p1" data-skipped=""' in again


def test_drafts_are_offered_only_where_there_are_documents_and_none_are_being_made() -> None:
    assert drafts.drafts([], {}, EN, possible=False).strip() == ""
    assert 'data-do="draft"' in drafts.drafts([], {}, EN, possible=True)
    assert 'data-do="draft"' not in drafts.drafts([], {}, EN, possible=True, working=True)


@pytest.mark.parametrize(
    ("state", "refused", "seen"),
    [("running", False, True), ("failed", False, True), ("done", False, False), ("done", True, True)],
)
def test_work_is_shown_while_it_runs_and_when_it_has_something_to_tell(state: str, refused: bool, seen: bool) -> None:
    run = Run(id="r", kind="intake", project="p", folder="/", state=state, fault=Fault(code="disk_full"))  # type: ignore[arg-type]
    said = Said(findings=(Finding(code="file_empty", level="stop", parameters={"name": "a.pdf"}),) if refused else ())
    html = jobs.jobs([jobs.Job(run, said)], "s", EN)
    assert ("jobcard" in html) is seen
    assert ('data-do="stop"' in html) is (state == "running")
    assert ("“a.pdf” is empty." in html) is refused
