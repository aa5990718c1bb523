"""Placeholders: one for each person and number, natural in a sentence, and only the owner gets back what is behind."""

import random
import stat
from pathlib import Path

import pytest

from studio import health
from studio.base import project as projects
from studio.base.records import Document, Example, Goal, Message, Question, Section
from studio.health import masking, personal
from studio.health.material import Material

GOAL = Goal()


def document(text: str, language: str = "es", sections: tuple[Section, ...] = (), id: str = "guide") -> Document:
    return Document(
        id=id,
        name="a.txt",
        kind="txt",
        text=text,
        source="sources/a.txt",
        sha256="0",
        language=language,
        sections=sections,
    )


def example(question: str, answer: str, id: str = "one") -> Example:
    return Example(id=id, messages=(Message(role="user", content=question), Message(role="assistant", content=answer)))


def masked(material: Material, *, everything: bool = False) -> Material:
    """The material with the changes made."""
    after = {(change.kind, change.id): change.after for change in masking.mask(material, everything=everything).changes}

    def of(kind: str, id: str, now: str) -> str:
        return after.get((kind, id)) or now

    return material._replace(
        documents=[Document.model_validate_json(of("document", d.id, d.model_dump_json())) for d in material.documents],
        examples=[Example.model_validate_json(of("example", e.id, e.model_dump_json())) for e in material.examples],
        questions=[Question.model_validate_json(of("question", q.id, q.model_dump_json())) for q in material.questions],
    )


def test_one_person_and_one_number_get_one_placeholder_in_documents_examples_and_questions() -> None:
    material = Material(
        [document("Lista: 12345678Z, X1234567L, A58818501, 87654321X. Ana Ruiz, tel. 600 123 456, ana@x.es")],
        [
            example("Soy Ana Ruiz, mi teléfono es 600 123 456", "Gracias, Ana. Le llamamos al +34600123456."),
            example(
                "My name is Ana Ruiz, call me at 0034 600-123-456 or ANA@x.es",
                "Yes, Mrs Ruiz: 600123456.",
                "two",
            ),
        ],
        [
            Question(
                id="q",
                question="¿Y el teléfono de Ana Ruiz?",
                reference="600 123 456",
                must_contain=("600 123 456|+34600123456",),
            )
        ],
        GOAL,
    )
    after = masked(material)
    assert [d.text for d in after.documents] == [
        "Lista: [Documento 1], [Documento 2], [Documento 3], [Documento 4]. [Nombre 1], tel. [Teléfono 1], [Correo 1]"
    ]
    assert [message.content for e in after.examples for message in e.messages] == [
        "Soy [Nombre 1], mi teléfono es [Teléfono 1]",
        "Gracias, [Nombre 1]. Le llamamos al [Teléfono 1].",
        "My name is [Name 1], call me at [Phone 1] or [E-mail 1]",
        "Yes, Mrs [Name 1]: [Phone 1].",
    ]
    assert after.questions == [
        Question(
            id="q", question="¿Y el teléfono de [Nombre 1]?", reference="[Teléfono 1]", must_contain=("[Teléfono 1]",)
        )
    ]


def test_what_the_company_publishes_stays_unless_everything_is_asked_for() -> None:
    material = Material(
        [document("Tienda Sol, CIF A58818501: llame al 912 345 678 o escriba a hola@sol.es.")],
        [
            example("¿Dónde escribo?", "A hola@sol.es, o llame al 912 345 678."),
            example("¿Y Luis?", "A luis@casa.es", "two"),
        ],
        [],
        GOAL,
    )
    assert masked(material)[:2] == (
        material.documents,
        [material.examples[0], example("¿Y Luis?", "A [Correo 1]", "two")],
    )
    assert [d.text for d in masked(material, everything=True).documents] == [
        "Tienda Sol, CIF [Documento 1]: llame al [Teléfono 1] o escriba a [Correo 1]."
    ]


def test_sections_point_at_the_same_words_as_before() -> None:
    parts = ["Titular: 12345678Z", "Cuenta ES91 2100 0418 4502 0005 1332 de pago", "Horario: de 9 a 18"]
    text, sections, at = "\n".join(parts), [], 0
    for page, part in enumerate(parts, start=1):
        sections.append(Section(start=at, end=at + len(part), page=page, heading=part[:18]))
        at += len(part) + 1
    (after,) = masked(Material([document(text, sections=tuple(sections))], [], [], GOAL)).documents
    assert [(after.text[s.start : s.end], s.page, s.heading) for s in after.sections] == [
        ("Titular: [Documento 1]", 1, "Titular: [Documento 1]"),
        ("Cuenta [Cuenta 1] de pago", 2, "Cuenta ES91 2100 0"),
        ("Horario: de 9 a 18", 3, "Horario: de 9 a 18"),
    ]


def test_sections_stay_in_order_and_whole_wherever_they_are_cut() -> None:
    text = (
        "Ana Ruiz, DNI 12345678Z, ES91 2100 0418 4502 0005 1332, vive en C/ Mayor, 12, 28013 Madrid. Tel. 600 123 456."
    )
    for cut in range(1, len(text)):
        sections = (Section(start=0, end=cut), Section(start=cut, end=len(text)))
        (after,) = masked(Material([document(text, sections=sections)], [], [], GOAL), everything=True).documents
        assert "".join(after.text[s.start : s.end] for s in after.sections) == after.text


def test_masking_twice_changes_nothing_more() -> None:
    material = Material(
        [document("Contraseña: hunter2. Sr. García, DNI 12345678Z. Password: correct-horse")],
        [example("Soy Ana Ruiz, C/ Mayor 3", "Hola Ana, ES91 2100 0418 4502 0005 1332")],
        [],
        GOAL,
    )
    once = masked(material, everything=True)
    assert masking.mask(once, everything=True).changes == []
    assert not any(personal.values((d.text, d.language) for d in once.documents).values())


def test_a_short_name_is_the_long_one_only_where_no_other_is_meant() -> None:
    one = Material([], [example("Soy Juan García", "Buenas tardes, Sr. García")], [], GOAL)
    assert [m.content for e in masked(one).examples for m in e.messages] == [
        "Soy [Nombre 1]",
        "Buenas tardes, Sr. [Nombre 1]",
    ]
    two = one._replace(examples=[*one.examples, example("Soy Ana García", "Hola", "two")])
    assert masked(two).examples[0].answer == "Buenas tardes, Sr. [Nombre 2]"


def test_numbers_in_the_texts_already_are_not_given_out_again() -> None:
    material = Material([], [example("Llame a [Teléfono 4]", "Su DNI 12345678Z y tel. 600 123 456")], [], GOAL)
    assert masked(material).examples[0].answer == "Su DNI [Documento 1] y tel. [Teléfono 5]"


@pytest.mark.parametrize("seed", range(20))
def test_nothing_else_in_a_text_is_changed(seed: int) -> None:
    draw = random.Random(seed)
    filler = ["hola", "ñandú", "12,50 €", "🙂", "[nota]", "\n", "a/b", "Ref. 12345678A"]
    secret = {"DNI 12345678Z": "DNI [Documento 1]", "ana@x.es": "[Correo 1]", "+34 600 123 456": "[Teléfono 1]"}
    parts = [draw.choice([*filler, *secret]) for _ in range(30)]
    before, after = " ; ".join(parts), " ; ".join(secret.get(part, part) for part in parts)
    assert masked(Material([], [example("¿Qué hay?", before)], [], GOAL)).examples[0].answer == after


def test_only_the_owner_gets_the_real_values_back(tmp_path: Path) -> None:
    project = projects.create(tmp_path / "projects", "Sol", "es")
    private = tmp_path / "private"
    project.store.put_examples([example("Soy Ana Ruiz", "La llamamos al tel. 600 123 456")])
    health.repair(project, "mask_personal", private)
    (after,) = project.store.examples()
    assert after.answer == "La llamamos al tel. [Teléfono 1]"
    assert masking.reveal("Llame a [Name 1], [Teléfono 1] o [Correo 9].", project, private) == (
        "Llame a Ana Ruiz, 600 123 456 o [Correo 9]."
    )
    assert masking.reveal("[Nombre 1]", project, tmp_path / "elsewhere") == "[Nombre 1]"
    assert stat.S_IMODE(masking.vault(project, private).stat().st_mode) == 0o600


def test_a_source_that_comes_later_gets_the_same_placeholders(tmp_path: Path) -> None:
    project = projects.create(tmp_path / "projects", "Sol", "es")
    private = tmp_path / "private"
    project.store.put_examples([example("¿Quién?", "Tel. 600 123 456"), example("¿Y?", "Tel. 611 111 111", "two")])
    health.repair(project, "mask_personal", private)
    project.store.put_examples([example("¿Otra?", "Tel. 611 111 111 o tel. 622 222 222", "three")])
    health.repair(project, "mask_personal", private)
    assert project.store.examples()[-1].answer == "Tel. [Teléfono 2] o tel. [Teléfono 3]"
