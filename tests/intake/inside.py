"""Containers read in this process, with the files in them: what `child` does, without starting a process for each."""

import tempfile
from pathlib import Path
from unittest import mock

from studio.intake import importers, members
from studio.intake.reading import Origin, Reading
from tests.intake import makers


def read(file: Path, **more: str) -> Reading:
    """The file and all files in it. `more` of its origin: a password."""
    return whole(file, makers.origin(file.name).model_copy(update=more))


def whole(file: Path, origin: Origin) -> Reading:
    """What `child.read` gives."""
    allowance = members.Allowance(origin.room)

    def one(path: Path, its: Origin) -> Reading:
        reading = importers.read(path, its)
        return members.read(reading, its, folder, allowance, one) if reading.members else reading

    with tempfile.TemporaryDirectory() as name, mock.patch.object(tempfile, "tempdir", name):
        folder = Path(name)
        return one(file, origin)
