"""The host child with a tiny model: real processes, real llama.cpp, real HTTP on loopback."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from studio.base import files
from studio.base.errors import BadInput, NotFound, NotPossibleHere, Refused, Unavailable
from studio.base.records import Message
from studio.base.settings import Settings
from studio.engines import Engine, Text, Usage
from studio.engines.host import Utterance
from tests.engines import tiny
from tests.engines.conftest import STARTER

QUESTION = (Message(role="user", content="the sun"),)


def answer(engine: Engine, messages: tuple[Message, ...] = QUESTION, **how: object) -> tuple[str, Usage]:
    pieces = list(engine.chat(messages, model=STARTER, **({"max_tokens": 12} | how)))  # type: ignore[arg-type]
    assert isinstance(pieces[-1], Usage)
    return "".join(piece.text for piece in pieces if isinstance(piece, Text)), pieces[-1]


def host_of(settings: Settings) -> dict[str, object]:
    said = files.read_json(settings.private / "host.json")
    assert isinstance(said, dict)
    return said


def test_importing_the_engines_loads_no_heavy_library() -> None:
    heavy = {"torch", "transformers", "peft", "xllamacpp", "numpy"}
    code = f"import sys, studio.engines, studio.engines.host; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_answer_comes_in_pieces_and_ends_with_what_it_took(engine: Engine) -> None:
    text, usage = answer(engine)
    assert text
    assert 0 < usage.tokens <= 12
    assert usage.prompt_tokens > 10
    assert 0 < usage.first_token_seconds <= usage.seconds
    assert answer(engine)[0] == text  # greedy: the same question, the same answer


def test_an_adapter_answers_differently_and_leaves_the_plain_model_as_it_was(
    engine: Engine, settings: Settings
) -> None:
    plain, _ = answer(engine)
    adapters = [tiny.write_adapter(settings.projects / f"p/models/{seed}", seed) for seed in (1, 2)]
    trained = [answer(engine, adapter=adapter)[0] for adapter in adapters]
    assert len({plain, *trained}) == 3
    assert answer(engine)[0] == plain


def test_an_adapter_trained_again_in_the_same_folder_is_used_anew(engine: Engine, settings: Settings) -> None:
    folder = settings.projects / "p/models/again"
    first, _ = answer(engine, adapter=tiny.write_adapter(folder, 5))
    time.sleep(0.01)
    assert answer(engine, adapter=tiny.write_adapter(folder, 6))[0] != first


def test_several_answers_are_spoken_at_once(engine: Engine) -> None:
    alone, _ = answer(engine, max_tokens=60)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(answer(engine, max_tokens=60)[0])) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 5
    assert all(text[:3] == alone[:3] for text in found)


@pytest.mark.parametrize(
    ("kind", "code", "how"),
    [
        (NotFound, "model_missing", {"model": "gpt-17"}),
        (NotPossibleHere, "model_not_here", {"model": "qwen3-0.6b"}),
        (Refused, "path_outside", {"adapter": Path("/etc")}),
        (NotFound, "adapter_missing", {"adapter": "nowhere"}),
    ],
)
def test_what_cannot_be_answered_comes_back_as_the_same_error(
    engine: Engine, settings: Settings, kind: type[Exception], code: str, how: dict[str, object]
) -> None:
    if how.get("adapter") == "nowhere":
        how = {"adapter": settings.projects / "nowhere"}
    with pytest.raises(kind) as caught:
        list(engine.chat(QUESTION, **({"model": STARTER} | how)))  # type: ignore[arg-type]
    assert caught.value.code == code  # type: ignore[attr-defined]


def test_a_question_longer_than_the_model_can_read_is_bad_input(engine: Engine) -> None:
    with pytest.raises(BadInput) as caught:
        answer(engine, (Message(role="user", content="xyz " * 600),))
    assert caught.value.code == "conversation_too_long"
    assert caught.value.parameters["tokens"] > caught.value.parameters["limit"]  # type: ignore[operator]


def test_nobody_is_answered_without_the_token(engine: Engine, settings: Settings) -> None:
    answer(engine)
    url = f"http://127.0.0.1:{host_of(settings)['port']}"
    with httpx.Client(trust_env=False) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            assert client.get(f"{url}/health", headers=headers).status_code == 401
            assert client.post(f"{url}/v1/chat/completions", json={}, headers=headers).status_code == 401
    assert (settings.private / "host.json").stat().st_mode & 0o077 == 0


def test_it_speaks_openais_protocol(engine: Engine, settings: Settings) -> None:
    answer(engine)
    said = host_of(settings)
    url, headers = f"http://127.0.0.1:{said['port']}", {"Authorization": f"Bearer {said['token']}"}
    body = {
        "model": STARTER,
        "messages": [{"role": "user", "content": "the sun"}],
        "max_tokens": 5,
        "presence_penalty": 0,
    }
    with httpx.Client(trust_env=False, headers=headers) as client:
        whole = client.post(f"{url}/v1/chat/completions", json=body).json()
        lines = [
            line
            for line in client.post(f"{url}/v1/chat/completions", json=body | {"stream": True}).text.splitlines()
            if line
        ]
        assert client.get(f"{url}/v1/models").json()["data"][0]["id"] == STARTER
        assert client.post(f"{url}/v1/chat/completions", content=b"{").status_code == 400
        assert (
            client.post(f"{url}/v1/chat/completions", json={"model": STARTER}).json()["error"]["code"]
            == "request_malformed"
        )
        assert client.get(f"{url}/nothing").status_code == 404
    assert whole["object"] == "chat.completion"
    assert whole["usage"]["completion_tokens"] <= 5
    assert lines[-1] == "data: [DONE]"
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    text = "".join(choice["delta"].get("content", "") for event in events for choice in event["choices"])
    assert text == whole["choices"][0]["message"]["content"]
    assert events[-1]["usage"]["total_tokens"] == whole["usage"]["total_tokens"]


def test_it_takes_what_standard_clients_send_and_refuses_what_it_cannot_read(
    engine: Engine, settings: Settings
) -> None:
    answer(engine)
    said = host_of(settings)
    url, headers = f"http://127.0.0.1:{said['port']}/v1/chat/completions", {"Authorization": f"Bearer {said['token']}"}
    plain = {"model": STARTER, "messages": [{"role": "system", "content": "a\nb"}, {"role": "user", "content": "c"}]}
    text = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache": 1}]
    wordy = {
        "model": STARTER,
        "messages": [
            {"role": "developer", "content": text, "name": "rules"},
            {"role": "user", "content": "c", "tool_calls": None},
        ],
        "stop": None,
        "max_tokens": None,
        "temperature": None,
        "adapter": None,
        "stream": None,
        "max_completion_tokens": 5,
        "user": "me",
    }
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    with httpx.Client(trust_env=False, headers=headers) as client:
        first = client.post(url, json=plain | {"max_tokens": 5}).json()
        second = client.post(url, json=wordy).json()
        refused = client.post(url, json=plain | {"messages": [{"role": "user", "content": [image]}]})
    assert (first["choices"], first["usage"]["prompt_tokens"]) == (second["choices"], second["usage"]["prompt_tokens"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "request_malformed")


def test_what_stays_on_this_machine_passes_no_proxy(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    plain, _ = answer(engine)
    said = host_of(settings)
    away = settings.model_copy(update={"remote_url": "http://models.invalid/v1"})
    with pytest.raises(Unavailable):
        answer(Engine(away))
    near = away.model_copy(update={"remote_url": f"http://127.0.0.1:{said['port']}", "remote_key": said["token"]})
    assert answer(Engine(near))[0] == plain
    # a child of one's own is asked directly also while another service answers
    assert Engine(near).embedder().dim > 0


def test_an_openai_compatible_server_can_stand_in(engine: Engine, settings: Settings) -> None:
    plain, _ = answer(engine)
    said = host_of(settings)
    remote = Engine(
        settings.model_copy(update={"remote_url": f"http://127.0.0.1:{said['port']}/v1", "remote_key": said["token"]})
    )
    assert answer(remote)[0] == plain
    with pytest.raises(NotPossibleHere) as scored:
        remote.score([QUESTION], "x", model=STARTER)
    assert scored.value.code == "score_needs_local_model"
    with pytest.raises(NotPossibleHere) as adapted:
        answer(remote, adapter=settings.projects)
    assert adapted.value.code == "adapter_needs_local_model"
    for url, key, code in (
        (f"http://127.0.0.1:{said['port']}", "wrong", "remote_key_wrong"),
        ("http://127.0.0.1:9", "", "remote_unreachable"),
    ):
        away = Engine(settings.model_copy(update={"remote_url": url, "remote_key": key}))
        with pytest.raises(Unavailable) as caught:
            answer(away)
        assert caught.value.code == code


def test_two_engines_share_one_child_and_a_killed_one_comes_back(engine: Engine, settings: Settings) -> None:
    plain, _ = answer(engine)
    first = host_of(settings)["pid"]
    other = Engine(settings)
    assert answer(other)[0] == plain
    assert host_of(settings)["pid"] == first
    os.kill(first, signal.SIGKILL)  # type: ignore[arg-type]
    assert answer(other)[0] == plain
    assert host_of(settings)["pid"] != first
    assert answer(engine)[0] == plain


def test_many_starting_at_once_start_one_child(engine: Engine, settings: Settings) -> None:
    engine.stop()
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: (answer(Engine(settings)), found.append(host_of(settings)["pid"])))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 4
    assert len(set(found)) == 1


def test_stopping_ends_the_process_and_may_be_repeated(engine: Engine, settings: Settings) -> None:
    answer(engine)
    pid = int(str(host_of(settings)["pid"]))
    Engine(settings).stop()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert not (settings.private / "host.json").exists()
    engine.stop()


def test_a_child_that_cannot_start_is_reported_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMEDIDA_PORT", "not a port")
    with pytest.raises(Unavailable) as caught:
        answer(Engine(Settings(projects=tmp_path, port=1)))
    assert caught.value.code == "engine_not_started"
    assert "port" in Path(str(caught.value.parameters["log"])).read_text()


def test_text_goes_up_to_a_stop_string_even_when_it_comes_in_pieces() -> None:
    utterance = Utterance(("\nUser:",))
    told = "".join(utterance.add(piece) for piece in ("Hello", "\nUs", "eful. ", "\nUser", ": no"))
    assert (told + utterance.rest(), utterance.ended) == ("Hello\nUseful. ", True)


def test_an_answer_that_goes_round_in_circles_is_ended() -> None:
    utterance = Utterance()
    pieces = 0
    while not utterance.ended and pieces < 100:
        utterance.add("la France, ")
        pieces += 1
    assert pieces == 6


def test_lists_and_tables_are_no_circles() -> None:
    utterance = Utterance()
    for row in range(30):
        utterance.add(f"| claim {row} | {row * 7} EUR |\n")
    utterance.add(" " * 100)
    assert not utterance.ended
