import pytest

from studio.answering import streaming


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("We pay within 5 days. We pay within 5 days. We", "We pay within 5 days. "),
        (
            "We pay. We decide that soon. We pay it. We decide THAT soon! And",
            "We pay. We decide that soon. We pay it. ",
        ),
        ("the best of the best of the best of the best of", "the best of "),
        ("Yes. Yes. We cover it.", None),
        ("We pay within 5 days. We decide within 10 days.", None),
        ("", None),
    ],
)
def test_a_model_is_stopped_where_it_begins_to_repeat_itself(text: str, kept: str | None) -> None:
    at = streaming.repeats(text)
    assert (text[:at] if at is not None else None) == kept


@pytest.mark.parametrize(
    ("text", "cut_off", "kept"),
    [
        ("We pay within 5 days. And then", True, "We pay within 5 days."),
        ("We pay within", True, "We pay within"),
        ("We pay within 5 days. And then", False, "We pay within 5 days. And then"),
        ("Answer: We pay.", False, "We pay."),
        ("Respuesta: Pagamos.", False, "Pagamos."),
    ],
)
def test_an_unfinished_last_sentence_is_left_out_only_when_the_limit_cut_it(
    text: str, cut_off: bool, kept: str
) -> None:
    assert streaming.tidy(text, cut_off) == kept
