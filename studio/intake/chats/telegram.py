"""Telegram's export of one chat or of a whole account (`result.json` of the desktop program).

Keeps who replied to whom, joins the pieces of formatted text, and tells the account's owner from the people they talk
with. Pictures without words, notices and entries that are no message are named by their number in the chat.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from studio.base.records import RowFault
from studio.intake.chats import talks
from studio.intake.chats.talks import Turn
from studio.intake.reading import Origin, Reading

SHOWN_LINK = "text_link"
NOBODY = "?"


class Chat(NamedTuple):
    """A chat as understood: its name, the turns, the entries that are none, and the person it is with ("" in a group)."""

    name: str
    turns: list[Turn]
    left_out: list[RowFault]
    other: str


def of_text(content: str, origin: Origin) -> Reading | None:
    """What was asked and answered, and the talk as text to search; None when this is something else."""
    if '"messages"' not in content or '"date"' not in content:
        return None
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        return None
    exported = _chats(whole)
    if exported is None:
        return None
    names = _names(exported)
    owner = _owner(whole, names)
    several = len(exported) > 1
    chats = [_chat(each, names, several) for each in exported]
    return talks.threads_reading(
        [chat.turns for chat in chats],
        origin,
        "telegram",
        [fault for chat in chats for fault in chat.left_out],
        business=(owner,) if owner else (),
        customers=[chat.other for chat in chats if chat.other],
        titles=[chat.name for chat in chats] if several else (),
        together=False,
    )


def _chats(whole: Any) -> list[Mapping[str, Any]] | None:
    """The chats in it, those that were left included; None when it does not look like Telegram's."""
    if not isinstance(whole, dict):
        return None
    lists = [whole[key].get("list") for key in ("chats", "left_chats") if isinstance(whole.get(key), dict)]
    each = [chat for found in lists if isinstance(found, list) for chat in found] if lists else [whole]
    chats: list[Mapping[str, Any]] = [
        chat for chat in each if isinstance(chat, dict) and isinstance(chat.get("messages"), list)
    ]
    return chats if any(_is_telegrams(entry) for chat in chats for entry in chat["messages"][:50]) else None


def _is_telegrams(entry: Any) -> bool:
    return isinstance(entry, dict) and "id" in entry and "date" in entry and entry.get("type") in ("message", "service")


def _names(chats: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What each account is called; two of the same name get their numbers behind it."""
    named: dict[str, str] = {}
    for chat in chats:
        for entry in chat["messages"]:
            if isinstance(entry, dict) and isinstance(entry.get("from_id"), str | int):
                named[str(entry["from_id"])] = str(entry.get("from") or entry["from_id"]).strip()
    taken = [name.casefold() for name in named.values()]
    return {
        account: name if taken.count(name.casefold()) == 1 else f"{name} ({account})" for account, name in named.items()
    }


def _owner(whole: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Whose account it is: the export of a whole account says it."""
    person = whole.get("personal_information")
    return names.get(f"user{person.get('user_id')}", "") if isinstance(person, dict) else ""


def _chat(chat: Mapping[str, Any], names: Mapping[str, str], several: bool) -> Chat:
    name = str(chat.get("name") or "").strip()
    turns: list[Turn] = []
    left_out: list[RowFault] = []
    for place, entry in enumerate(chat["messages"], start=1):
        row = entry["id"] if isinstance(entry, dict) and isinstance(entry.get("id"), int) else place
        understood = _entry(entry, row, names)
        if isinstance(understood, Turn):
            turns.append(understood)
        else:
            left_out.append(RowFault(row=row, code=understood, sheet=name if several else ""))
    other = name if chat.get("type") in ("personal_chat", "bot_chat") else ""
    return Chat(name, turns, left_out, other)


def _entry(entry: Any, row: int, names: Mapping[str, str]) -> Turn | str:
    """A turn, or why this is none."""
    if not isinstance(entry, dict):
        return "not_json"
    if entry.get("type") != "message":
        return "service"
    words = "".join(_pieces(entry.get("text", ""))).strip()
    if not words:
        return "media"
    account = entry.get("from_id")
    author = names.get(str(account), "") or str(entry.get("from") or "").strip() or NOBODY
    reply = entry.get("reply_to_message_id")
    elsewhere = "reply_to_peer_id" in entry
    return Turn(
        author, _time(entry.get("date")), words, row, reply if isinstance(reply, int) and not elsewhere else None
    )


def _pieces(words: Any) -> Iterator[str]:
    """Formatted text comes in pieces; of a link with other words over it, the address is kept, too."""
    if isinstance(words, str):
        yield words
    elif isinstance(words, list):
        for piece in words:
            if isinstance(piece, dict):
                yield str(piece.get("text", ""))
                if piece.get("type") == SHOWN_LINK and piece.get("href"):
                    yield f" ({piece['href']})"
            else:
                yield str(piece)


def _time(date: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(date)).replace(tzinfo=None)
    except ValueError:
        return None
