from collections.abc import Sequence

import pytest

from studio.base.records import Chunk, Passage
from studio.retrieval import calibration
from studio.retrieval.calibration import Evidence, Frequencies, Ground, Probe, evidence

GROUND = Ground(mean=0.8, spread=0.02)
FREQUENCIES = Frequencies(50, {"exces": 4, "claim": 20})
SEEN = Evidence(near=0.86, first=0.84, cover=0.6, together=0.7, strange=0.0, told=0.0, foreign=False)


def passage(text: str, similarity: float = 0.9, language: str = "en") -> Passage:
    chunk = Chunk(id=text[:9], document_id="1", document="", text=text, start=0, end=len(text), language=language)
    return Passage(chunk=chunk, score=1.0, similarity=similarity)


def seen(question: str, *texts: str) -> Evidence:
    return evidence(question, [passage(text) for text in texts], FREQUENCIES)


def probe(near: float, kind: calibration.Kind = "elsewhere", cover: float = 0.0) -> Probe:
    return Probe(kind, SEEN._replace(near=near, first=near, cover=cover, together=cover))


def score(probes: Sequence[Probe]) -> list[float]:
    return [calibration.score(each.evidence, GROUND) for each in probes]


def test_what_speaks_for_an_answer_is_read_off_question_and_passages() -> None:
    found = seen("How high is the excess for claims in Leeds in 2026?", "The excess is €150 a claim.", "Leeds. 2026.")
    assert found.near == 0.9
    assert (found.strange, found.told, found.foreign) == (0.0, 1.0, False)
    assert 0 < found.cover < found.together < 1  # "high" is nowhere


@pytest.mark.parametrize(
    ("question", "text", "told"),
    [
        ("When does it open?", "It opens on 3 May.", 1.0),
        ("When does it open?", "It opens with a party.", -1.0),
        ("¿Cuánto cuesta la etiqueta?", "La etiqueta cuesta 3,95 €.", 1.0),
        ("¿Cuánto cuesta la etiqueta?", "La etiqueta es verde.", -1.0),
        ("Who signed the contract?", "It was signed by Teresa Molina.", 1.0),
        ("¿Cómo se pide?", "Se pide en la cuenta.", 0.0),
        ("How many customers do you have?", "We have insured homes for 50 years.", -1.0),
        ("How many customers do you have?", "We have 1,200 happy customers.", 1.0),
        ("¿En cuántos días laborables llega?", "Llega en 2 a 3 días laborables.", 1.0),
    ],
)
def test_a_sentence_must_have_the_kind_of_fact_that_was_asked_for(question: str, text: str, told: float) -> None:
    assert seen(question, text).told == told


def test_a_word_is_there_whatever_its_ending() -> None:
    assert seen("¿Reembolsan la avería?", "El reembolso de las averías tarda.").cover == 1.0


@pytest.mark.parametrize(
    ("question", "strange"),
    [
        ("Is the plan Harbour cheaper?", 1.0),
        ("Is the plan Cove cheaper?", 0.0),
        ("Do you cover 500 euros?", 1.0),
        ("Is it cheap?", 0.0),
    ],
)
def test_names_and_numbers_that_stand_nowhere_are_strange(question: str, strange: float) -> None:
    assert seen(question, "The plan Cove costs 138 euros.").strange == strange


def test_a_question_in_the_other_language_is_weighed_by_its_own_weights() -> None:
    assert evidence("¿Cuánto cuesta el plan?", [passage("The plan costs 5 euros.")], FREQUENCIES).foreign
    assert calibration.score(SEEN, GROUND) != calibration.score(SEEN._replace(foreign=True), GROUND)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (SEEN._replace(near=0.9), SEEN),
        (SEEN._replace(first=0.85), SEEN),
        (SEEN._replace(cover=0.9), SEEN),
        (SEEN._replace(together=0.9), SEEN),
        (SEEN, SEEN._replace(strange=1.0)),
        (SEEN, SEEN._replace(told=-1.0)),
    ],
)
@pytest.mark.parametrize("foreign", [False, True])
def test_no_sign_speaks_against_what_it_stands_for(more: Evidence, less: Evidence, foreign: bool) -> None:
    scores = [calibration.score(each._replace(foreign=foreign), GROUND) for each in (more, less)]
    assert scores[0] >= scores[1]


def test_the_score_counts_nearness_from_where_the_probes_lie() -> None:
    other = Ground(mean=0.2, spread=0.1)  # another embedder
    assert calibration.score(SEEN._replace(near=0.86), GROUND) == pytest.approx(
        calibration.score(SEEN._replace(near=0.5, first=0.4), other)
    )


def test_probes_the_documents_may_answer_count_neither_for_the_ground_nor_for_the_threshold() -> None:
    others = [probe(near) for near in (0.78, 0.79, 0.80, 0.81)]
    on_topic = probe(0.95, cover=0.9)
    assert calibration.ground([on_topic, *others]) == calibration.ground(others)
    assert calibration.threshold([on_topic, *others], GROUND) == calibration.threshold(others, GROUND)
    assert calibration.threshold([on_topic], GROUND) == pytest.approx(score([on_topic])[0] - calibration.EASE)


def test_what_companies_seldom_write_down_raises_the_threshold() -> None:
    elsewhere, company = [probe(0.78)] * 9, [probe(0.82, "company")] * 9
    wanted = calibration.threshold([*elsewhere, *company], GROUND)
    assert wanted == pytest.approx(score(company)[0] - calibration.EASE)


def test_the_dial_lowers_and_raises_the_threshold_and_leaves_it_in_the_middle() -> None:
    turned = [calibration.dialled(1.0, caution) for caution in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert turned == sorted(turned)
    assert (turned[2], calibration.dialled(1.0, 0.5, 0.3)) == (1.0, 1.3)


def test_without_passages_or_words_nothing_fails() -> None:
    assert evidence("?", [], FREQUENCIES).near == 0.0
    assert seen("¿?", "Text.").cover == 1.0
    assert calibration.ground([]).spread == calibration.STEADY
