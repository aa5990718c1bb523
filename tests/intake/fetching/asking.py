"""Fetches data sets in a process whose environment names a hub, as a run does: a JSON request a line, an answer a line."""

import json
import sys
from pathlib import Path

from studio.base import settings

settings.silence_libraries()


def main(folder: Path) -> None:
    from studio.base.errors import StudioError
    from studio.base.events import Event
    from studio.base.recipes import DatasetRequest
    from studio.intake import fetching

    for line in sys.stdin:
        asked = json.loads(line)
        said: list[Event] = []
        limit = asked.pop("stop_after", 1 << 30)
        token = asked.pop("token", "")
        try:
            request = DatasetRequest(**asked)
            found = fetching.dataset(request, folder, said.append, lambda: len(said) > limit, token)  # noqa: B023
            answer = {"fetched": [each.model_dump() for each in found]}
        except StudioError as error:
            answer = {"code": error.code, "parameters": error.parameters}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
