"""The folder a person takes home: complete, honest about where it comes from, and with nothing in it that is private."""

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from studio import engines
from studio.base.errors import BadInput, BadName, NotFound, Refused, Stopped
from studio.base.events import Note
from studio.base.project import Project
from studio.base.recipes import ExportRequest
from studio.base.records import Exported, Outcome, Trained
from studio.base.settings import Settings
from studio.evaluation import character
from studio.export import archive, check_name, folder, licensing, suggest
from studio.health import numbers, personal
from tests.evaluation import characters
from tests.export import home

TEXTS = {".json", ".md", ".txt", ".jinja", ".sha256"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return home.project(tmp_path_factory.mktemp("projects"))


@pytest.fixture(scope="module")
def merged(project: Project) -> Exported:
    return home.export(project, "trained", "aaaaaaaaaaaa")


@pytest.fixture(scope="module")
def adapter(project: Project) -> Exported:
    return home.export(project, "trained", "bbbbbbbbbbbb", form="adapter")


@pytest.fixture(scope="module")
def untrained(project: Project) -> Exported:
    return home.export(project, "said", "cccccccccccc")


def files(project: Project, exported: Exported) -> dict[str, Path]:
    place = project.path(exported.path)
    return {path.relative_to(place).as_posix(): path for path in sorted(place.rglob("*")) if path.is_file()}


def metadata(project: Project, exported: Exported) -> dict[str, Any]:
    text = files(project, exported)["README.md"].read_text("utf-8")
    found = yaml.safe_load(text.split("---\n")[1])
    assert isinstance(found, dict)
    return found


DESCRIPTION = ["LICENSE.txt", "NOTICE.txt", "README.md", "assistant.json", "checksums.sha256"]
TOKENIZER = ["chat_template.jinja", "tokenizer.json", "tokenizer_config.json"]
TOLD = ["evaluation.json", "training.json"]


def test_a_merged_assistant_holds_model_adapter_tokenizer_and_what_they_are(project: Project, merged: Exported) -> None:
    adapter = ["adapter/adapter_config.json", "adapter/adapter_model.safetensors"]
    model = ["config.json", "generation_config.json", "model.safetensors"]
    assert sorted(files(project, merged)) == sorted([*DESCRIPTION, *TOKENIZER, *TOLD, *adapter, *model])
    assert merged.files == len(files(project, merged))
    assert merged.bytes == sum(path.stat().st_size for path in files(project, merged).values())


def test_an_adapter_alone_holds_no_weights_of_the_base_model(project: Project, adapter: Exported) -> None:
    found = files(project, adapter)
    assert sorted(found) == sorted(
        [*DESCRIPTION, *TOKENIZER, *TOLD, "adapter_config.json", "adapter_model.safetensors"]
    )
    config = json.loads(found["adapter_config.json"].read_text())
    assert config["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_an_assistant_with_instructions_takes_the_base_model_and_its_instructions_home(
    project: Project, untrained: Exported
) -> None:
    found = files(project, untrained)
    assert "training.json" not in found
    assert found["model.safetensors"].read_bytes() == (home.weights() / "model.safetensors").read_bytes()
    said = json.loads(found["assistant.json"].read_text("utf-8"))
    assert (said["approach"], said["instructions"]) == ("instructions", "You answer for Blue House Insurance.")
    assert said["system"].startswith("You answer for Blue House Insurance.")
    card = found["README.md"].read_text("utf-8")
    assert "Its weights were not changed" in card
    assert "unmodified copy" in found["NOTICE.txt"].read_text()


def test_an_adapter_of_an_untrained_assistant_is_no_export(project: Project) -> None:
    with pytest.raises(BadInput, match="export_no_adapter"):
        home.export(project, "said", "dddddddddddd", form="adapter")


# ---- the card ----------------------------------------------------------------------------------------------------------


def test_the_card_says_licence_base_model_and_language(project: Project, merged: Exported, adapter: Exported) -> None:
    assert metadata(project, merged) == {
        "language": ["en"],
        "license": "apache-2.0",
        "base_model": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "base_model_relation": "finetune",
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["amedida", "unsloth", "lora", "sft", "conversational", "trained"],
    }
    alone = metadata(project, adapter)
    assert (alone["base_model_relation"], alone["library_name"]) == ("adapter", "peft")
    licence = files(project, merged)["LICENSE.txt"].read_text()
    assert "Apache License" in licence


def test_the_card_gives_the_numbers_and_how_sure_they_are(project: Project, merged: Exported) -> None:
    card = files(project, merged)["README.md"].read_text("utf-8")
    assert "| Right answers | 8 | 75 % (65-85 %) | 25 % (15-35 %) |" in card
    assert "6 times, the other way round 0 times (exact McNemar test, p = 0.031)" in card
    assert "| Learning rate | 2.0e-3 |" in card
    assert "| Loss on examples kept back | 0.61 |" in card
    assert "Bias audit: **not done**" in card
    assert "torch 2.13.0" in card
    numbers = json.loads(files(project, merged)["evaluation.json"].read_text())
    assert set(numbers) == {"date", "measured", "seconds", "wins", "losses", "p_value"}
    assert "cache" not in json.loads(files(project, merged)["training.json"].read_text())["recipe"]


@pytest.mark.parametrize("variant", ["trained", "said", "docs"])
def test_a_spanish_project_has_a_spanish_card(tmp_path: Path, variant: str) -> None:
    project = home.project(tmp_path, "es")
    exported = home.export(project, variant, "eeeeeeeeeeee")
    card = files(project, exported)["README.md"].read_text("utf-8")
    assert "## Para qué sirve" in card
    assert "Auditoría de sesgos: **no realizada**" in card
    assert "El modelo base no se hizo para: es." in card
    assert metadata(project, exported)["language"] == ["es"]
    assert not re.search(r"\{[{%]|[%}]\}", card)
    assert "\n\n\n\n" not in card
    for row in re.findall(r"^\|.*$", card, re.MULTILINE):
        assert row.endswith("|"), row


@pytest.mark.parametrize(
    ("language", "said", "unsaid"),
    [
        ("en", ("p = 0.0", "Its voice or training costs facts", "Proven differences: age"), "Bias audit"),
        ("es", ("p = 0,0", "Su voz o su entrenamiento cuesta datos", "Diferencias probadas: edad"), "Auditoría de"),
    ],
)
def test_the_card_says_what_the_character_test_found_and_quotes_nobody(
    tmp_path: Path, language: Any, said: tuple[str, ...], unsaid: str
) -> None:
    made = home.project(tmp_path, language)
    tried = characters.found(7, characters.unequal(), variant="said")
    made.store.put_fact(f"{character.FACT}-said", tried)
    exported = files(made, home.export(made, "said"))
    card = exported["README.md"].read_text("utf-8")
    assert [each for each in said if each not in card] == []
    assert unsaid not in card
    told = exported["character.json"].read_text("utf-8")
    assert json.loads(told)["personality"] == tried.personality.model_dump(mode="json")
    assert "No idea" not in told
    assert "How long is plan" not in told


def test_free_text_of_the_person_is_quoted_and_stripped_of_people(project: Project, merged: Exported) -> None:
    card = files(project, merged)["README.md"].read_text("utf-8")
    assert "> \\# Write to (…) or (…)" in card


def test_an_assistant_whose_training_is_forgotten_still_says_that_it_was_trained(tmp_path: Path) -> None:
    project = home.project(tmp_path)
    project.store.remove(Trained, "t1")
    exported = home.export(project, "trained")
    card = files(project, exported)["README.md"].read_text("utf-8")
    assert "the numbers of that training were not kept" in card
    assert metadata(project, exported)["base_model_relation"] == "finetune"


@pytest.mark.parametrize("name", [model.name for model in engines.catalogue()])
def test_every_model_of_the_catalogue_has_terms_that_the_hub_understands(name: str, tmp_path: Path) -> None:
    model = engines.model(name)
    found = licensing.terms(model)
    assert (found.identifier == "other") == (model.licence == "other")
    if found.identifier == "other":
        assert re.fullmatch(r"[a-z0-9.-]+", found.name)
        assert found.link.startswith("https://")
    licensing.write(model, tmp_path, tmp_path, changed=True)
    notice = (tmp_path / "NOTICE.txt").read_text("utf-8")
    assert model.licence_name in notice
    assert ("Built with Llama" in notice) == name.startswith("llama")


def test_the_licence_files_of_a_model_travel_with_it(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "base/LICENSE").write_text("their own words")
    (tmp_path / "base/USE_POLICY.md").write_text("be good")
    licensing.write(engines.model("llama-3.2-1b-instruct"), tmp_path / "base", tmp_path / "to", changed=True)
    assert (tmp_path / "to/LICENSE.txt").read_text() == "their own words"
    assert (tmp_path / "to/USE_POLICY.md").is_file()


# ---- what stays here ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["merged", "adapter", "untrained"])
def test_nothing_private_leaves_the_machine(project: Project, which: str, request: pytest.FixtureRequest) -> None:
    exported = request.getfixturevalue(which)
    words = [word for question, answer in home.ROWS for word in (*question.split(), *answer.split())]
    stretches = {" ".join(words[n : n + 8]).lower() for n in range(len(words) - 7)}
    forbidden = re.compile(
        "|".join(
            [
                *(re.escape(secret) for secret in home.SECRETS),
                *(
                    r"/(?:home|root|Users|tmp)/",
                    re.escape(str(project.folder)),
                    "Ana Ruiz",
                    r"\bpolicy\.txt\b",
                    r"rows\.csv",
                ),
                *(r"hf_[A-Za-z0-9]{20,}", personal.EMAIL.pattern, numbers.IBAN.pattern),
            ]
        )
    )
    for name, path in files(project, exported).items():
        assert path.suffix in TEXTS | {".safetensors"}, name
        if path.suffix in TEXTS:
            text = path.read_text("utf-8")
            if name != "tokenizer.json":
                assert not forbidden.search(text), (name, forbidden.search(text))
            flat = " ".join(text.lower().split())
            assert not any(stretch in flat for stretch in stretches), name


def test_documents_never_go_along_and_the_card_says_so(project: Project) -> None:
    without = home.export(project, "docs", "ffffffffffff")
    assert not any(name.startswith("documents/") for name in files(project, without))
    assert "They are **not** in this folder" in files(project, without)["README.md"].read_text("utf-8")


def test_an_access_token_in_the_instructions_stops_the_export(tmp_path: Path) -> None:
    project = home.project(tmp_path)
    variant = project.variant("said").model_copy(update={"instructions": "Use hf_" + "a" * 30})
    project.store.put(variant)
    with pytest.raises(Refused, match="export_holds_token"):
        home.export(project, "said")
    assert not (project.folder / "exports").exists() or not list(project.exports.iterdir())


def test_an_address_in_the_instructions_is_kept_and_pointed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = home.project(tmp_path)
    variant = project.variant("said").model_copy(update={"instructions": "Refer to help@blue-house.example"})
    monkeypatch.setattr(engines, "weights", lambda *_: home.weights())
    said: list[Any] = []
    settings = Settings(projects=tmp_path)
    folder(project, variant, ExportRequest(variant="said"), project.runs / "r", settings, said.append, lambda: False)
    assert "export_personal_in_instructions" in [event.code for event in said if isinstance(event, Note)]


def test_a_model_that_needs_code_of_its_own_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = home.project(tmp_path / "projects")
    (tmp_path / "w").mkdir()
    (tmp_path / "w/config.json").write_text('{"auto_map": {"AutoModel": "theirs.Model"}}')
    monkeypatch.setattr(engines, "weights", lambda *_: tmp_path / "w")
    with pytest.raises(Refused, match="remote_code"):
        run(project, "said")


# ---- same in, same out -------------------------------------------------------------------------------------------------


def run(project: Project, variant: str, should_stop: Any = lambda: False) -> Outcome:
    settings = Settings(projects=project.folder.parent)
    request = ExportRequest(variant=variant)
    return folder(project, project.variant(variant), request, project.runs / "r", settings, lambda _: None, should_stop)


def test_exporting_again_gives_the_same_bytes_and_replaces_the_first(project: Project, merged: Exported) -> None:
    before = {name: path.read_bytes() for name, path in files(project, merged).items()}
    packed = archive(project, merged).read_bytes()
    again = home.export(project, "trained", "aaaaaaaaaaaa")
    assert again.id == merged.id
    assert {name: path.read_bytes() for name, path in files(project, again).items()} == before
    assert archive(project, again).read_bytes() == packed
    assert [each.id for each in project.store.all(Exported)].count(merged.id) == 1


def test_the_checksums_are_those_of_the_files_and_the_zip_holds_the_same(project: Project, merged: Exported) -> None:
    found = files(project, merged)
    lines = found["checksums.sha256"].read_text().splitlines()
    told = {line.split("  ", 1)[1]: line.split("  ", 1)[0] for line in lines}
    assert told == {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in found.items() if n != "checksums.sha256"}
    with zipfile.ZipFile(archive(project, merged)) as packed:
        assert packed.testzip() is None
        assert {name.split("/", 1)[0] for name in packed.namelist()} == {"blue-house-insurance-assistant"}
        assert {n.split("/", 1)[1]: packed.read(n) for n in packed.namelist()} == {
            n: p.read_bytes() for n, p in found.items()
        }


def test_a_zip_that_was_thrown_away_is_packed_again(project: Project, merged: Exported) -> None:
    before = archive(project, merged).read_bytes()
    archive(project, merged).unlink()
    assert archive(project, merged).read_bytes() == before
    with pytest.raises(NotFound, match="export_missing"):
        archive(project, merged.model_copy(update={"path": "exports/none"}))


@pytest.mark.parametrize("after", [0, 1, 3])
def test_stopping_leaves_nothing_behind_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    project = home.project(tmp_path)
    monkeypatch.setattr(engines, "weights", lambda *_: home.weights())
    asked: list[int] = []
    with pytest.raises(Stopped):
        run(project, "trained", lambda: asked.append(1) or len(asked) > after)
    assert not (project.folder / "exports").exists()


# ---- it works ----------------------------------------------------------------------------------------------------------


def test_the_merged_model_says_what_base_model_and_adapter_say(project: Project, merged: Exported) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = project.path(merged.path)
    tokens = AutoTokenizer.from_pretrained(place)("How long does the cover last?", return_tensors="pt")
    base = AutoModelForCausalLM.from_pretrained(home.weights())
    with torch.no_grad():
        plain = base(**tokens).logits
        ours = AutoModelForCausalLM.from_pretrained(place)(**tokens).logits
        theirs = PeftModel.from_pretrained(base, place, subfolder="adapter")(**tokens).logits
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
    assert (ours - plain).abs().max() > 0.1
    assert load_file(place / "model.safetensors").keys() == load_file(home.weights() / "model.safetensors").keys()


ANSWER = """
import json, os, sys
os.environ["HF_HUB_OFFLINE"] = "1"
exec(compile(sys.stdin.read(), "README.md", "exec"))
"""


def said_by_the_cards_own_code(place: Path) -> str:
    """Run the lines the card tells people to run, in a fresh process, in the folder, without a network or our code."""
    code = re.findall(r"```python\n(.*?)```", (place / "README.md").read_text("utf-8"), re.DOTALL)[0]
    environment = {"HF_HOME": str(place.parent / "cache"), "PATH": "", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-I", "-c", ANSWER],
        input=code,
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("which", ["merged", "untrained"])
def test_the_folder_answers_in_a_process_that_knows_nothing_of_us(
    project: Project, which: str, request: pytest.FixtureRequest
) -> None:
    assert said_by_the_cards_own_code(project.path(request.getfixturevalue(which).path)).strip()


@pytest.mark.slow
def test_the_starter_with_an_adapter_answers_from_its_folder(
    tmp_path: Path, starter: Callable[[Path], Settings]
) -> None:
    import shutil

    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    project = home.project(tmp_path / "projects")
    weights = engines.weights(home.MODEL, starter(tmp_path / "projects"))
    config = LoraConfig(r=8, lora_alpha=8, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM")
    shutil.rmtree(project.models / "t1")
    get_peft_model(AutoModelForCausalLM.from_pretrained(weights, dtype="auto"), config).save_pretrained(
        project.models / "t1"
    )
    outcome = run(project, "trained")
    project.take(outcome, project.runs / "r")
    place = project.path(outcome.exports[0].path)
    untouched = (weights / "model.safetensors").read_bytes()
    assert (place / "model.safetensors").read_bytes() == untouched  # an adapter that learnt nothing changes nothing
    assert len(said_by_the_cards_own_code(place)) > 20


# ---- names -------------------------------------------------------------------------------------------------------------


def test_names_are_proposed_that_the_hub_and_the_licence_accept(project: Project) -> None:
    from huggingface_hub.utils import validate_repo_id

    for model in engines.catalogue():
        prefix = licensing.terms(model).prefix
        for name in suggest(project, project.variant("trained"), model):
            validate_repo_id(f"alice/{name}")
            assert check_name(name, prefix) == name
    assert suggest(project, project.variant("trained"), engines.model("llama-3.2-1b-instruct"))[0].startswith(
        "Llama-blue-house"
    )


@pytest.mark.parametrize(
    ("given", "proposed"),
    [
        ("my model", "my-model"),
        ("alice/Atención al cliente", "alice/Atencion-al-cliente"),
        ("https://huggingface.co/alice/bot", "alice/bot"),
        ("a/b/c", "b/c"),
        ("alice/..", "alice/assistant"),
        ("../../etc", "etc"),
        ("alice/bot.git", "alice/bot"),
        ("alice/a--b", "alice/a-b"),
        ("alice/" + "x" * 97, "alice/" + "x" * 90),
        ("", "assistant"),
        ("日本", "assistant"),
    ],
)
def test_a_name_that_cannot_be_comes_with_one_that_can(given: str, proposed: str) -> None:
    with pytest.raises(BadName) as raised:
        check_name(given)
    assert raised.value.parameters["suggestion"] == proposed
    assert check_name(proposed) == proposed
