import json
from pathlib import Path

import numpy as np
import pytest

from studio.base.errors import NotPossibleHere, Unreadable
from studio.base.events import Event
from studio.base.settings import Settings
from studio.engines import gguf, gguf_file, model, shelf, starter, weights
from tests.engines import tiny


def test_a_gguf_file_reads_as_its_own_library_reads_it(tmp_path: Path) -> None:
    from gguf import GGUFReader
    from gguf.quants import dequantize

    path = tiny.write_gguf(tmp_path / "tiny.gguf")
    reference, mine = GGUFReader(path), gguf_file.read(path)
    assert [t.name for t in mine.tensors] == [t.name for t in reference.tensors]
    for ours, theirs in zip(mine.tensors, reference.tensors, strict=True):
        np.testing.assert_array_equal(ours.floats(), dequantize(theirs.data, theirs.tensor_type))
    assert mine.metadata["tokenizer.ggml.merges"] == tiny.MERGES


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"GGUF\x03\x00\x00\x00" + b"\xff" * 16])
def test_a_damaged_file_is_named_and_not_read(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(damage)
    with pytest.raises(Unreadable) as caught:
        gguf_file.read(path)
    assert caught.value.code == "gguf_damaged"


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = tiny.write_gguf(tmp_path / "cut.gguf")
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(Unreadable):
        gguf_file.read(path)


def test_both_forms_hold_the_same_weights(tiny_model: Path) -> None:
    from safetensors import safe_open

    made = {t.name: t for t in gguf_file.read(tiny_model / starter.GGUF_NAME).tensors}
    raw = (tiny_model / "model.safetensors").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    start, end = header["model.layers.1.self_attn.k_proj.weight"]["data_offsets"]
    bits = np.frombuffer(raw[8 + length + start : 8 + length + end], np.uint16).astype(np.uint32) << 16
    rows = starter.permuted(bits.view(np.float32).reshape(-1, tiny.HIDDEN), tiny.KV_HEADS)
    np.testing.assert_array_equal(rows, made["blk.1.attn_k.weight"].floats())
    with safe_open(tiny_model / "model.safetensors", "np") as file:
        assert len(list(file.keys())) == len(made)


def test_permuting_and_back_changes_nothing() -> None:
    rows = np.arange(48 * 3).reshape(48, 3)
    assert (starter.unpermuted(starter.permuted(rows, 4), 4) == rows).all()
    assert not (starter.permuted(rows, 4) == rows).all()


def test_a_package_that_is_not_installed_is_said_to_be_missing() -> None:
    with pytest.raises(NotPossibleHere) as caught:
        starter.package_file("no-such-package", "tiny")
    assert caught.value.code == "model_not_here"


def test_a_model_without_a_llama_file_says_so_before_anything_is_fetched(tmp_path: Path) -> None:
    assert model("salamandra-2b-instruct").gguf is None
    with pytest.raises(NotPossibleHere) as caught:
        gguf("salamandra-2b-instruct", Settings(projects=tmp_path))
    assert caught.value.code == "no_gguf"


def test_an_interrupted_preparation_leaves_nothing_that_looks_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(projects=tmp_path)
    source = tiny.write_gguf(tmp_path / "tiny.gguf")
    monkeypatch.setattr(starter, "package_file", lambda package, name: source)

    def pull_the_plug(event: Event) -> None:
        if event.event == "progress" and event.done > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights("smollm2-135m-instruct", settings, pull_the_plug)
    assert shelf.here("smollm2-135m-instruct", settings, "weights") is None
    assert [p.name for p in (settings.private / "models").iterdir() if not p.name.endswith(".lock")] == []

    said: list[Event] = []
    folder = weights("smollm2-135m-instruct", settings, said.append)
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= {
        p.name for p in folder.iterdir()
    }
    assert said[0].event == "stage"
    assert said[-1].event == "progress"
    assert said[-1].done == said[-1].of
    assert len(shelf.identity("smollm2-135m-instruct", settings)) == 64
    made = (folder / "model.safetensors").stat().st_mtime_ns
    assert gguf("smollm2-135m-instruct", settings).parent == folder == weights("smollm2-135m-instruct", settings)
    assert (folder / "model.safetensors").stat().st_mtime_ns == made
