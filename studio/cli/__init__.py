"""The studio without a browser: the same verbs, in words or as JSON.

A command reads its arguments, calls one verb of a room and prints what it returns. Progress goes to standard error, so
that standard output holds the result alone.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from studio import __version__
from studio.base import settings as setup
from studio.base import words
from studio.base.errors import StudioError
from studio.base.records import LANGUAGES
from studio.cli import (
    asking,
    building,
    character,
    drafts,
    explaining,
    health,
    journey,
    learning,
    leaving,
    material,
    measuring,
    projects,
    searching,
    votes,
)
from studio.cli.session import Session

EXIT_FAILED, EXIT_STOPPED = 1, 130
COMMANDS = (
    projects,
    journey,
    material,
    health,
    drafts,
    building,
    learning,
    asking,
    searching,
    measuring,
    votes,
    character,
    explaining,
    leaving,
)  # as they stand in the help


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its status: 0 done, 1 not possible (a sentence says why), 130 stopped."""
    setup.silence_libraries()
    given = _parser().parse_args(arguments)
    settings = setup.load(
        projects=given.projects,
        language=given.lang,
        **{k: getattr(given, k, None) for k in ("host", "port", "vote_host", "vote_port")},
    )
    session = Session(settings, words.translator(settings.language), given.json)
    try:
        given.command(session, given)
    except StudioError as error:
        sentence = words.of_fault(error, session.t)
        if session.as_json:
            told = {"error": error.code, "parameters": error.parameters, "message": sentence}
            print(json.dumps(told, ensure_ascii=False))
        else:
            session.say(sentence)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        session.say(session.t("cli.interrupted"))
        sys.exit(EXIT_STOPPED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="studio", description="Tailor a language model to your company.")
    parser.add_argument("--version", action="version", version=f"Amedida {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--projects", type=Path, help="folder that holds the projects (default: projects)")
    common.add_argument("--lang", choices=LANGUAGES, help="language of the output and of new projects")
    common.add_argument("--json", action="store_true", help="print the result as JSON")
    verbs = parser.add_subparsers(required=True, metavar="command")

    def verb(
        name: str, command: Callable[[Session, argparse.Namespace], None], about: str, *arguments: str
    ) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=about, description=about, parents=[common])
        made.set_defaults(command=command)
        for argument in arguments:
            made.add_argument(argument)
        return made

    for each in COMMANDS:
        each.arguments(verb)
    return parser
