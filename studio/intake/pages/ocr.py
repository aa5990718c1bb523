"""Pictures of text are read by Tesseract where it is installed: pages that were scanned, photos, screenshots.

Tesseract is a program of its own that gets a grey picture on its standard input; it opens no file of ours and inherits
the limits of the reading process. Without it there is no guess: who asks is told so.
"""

import functools
import logging
import os
import shutil
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Self

from studio.base.errors import Unreadable
from studio.intake.reading import Draft, Origin, Reading

LANGUAGES = ("spa", "eng")
PLACES = (r"C:\Program Files\Tesseract-OCR\tesseract.exe", "/opt/homebrew/bin/tesseract", "/usr/local/bin/tesseract")
MOST_PIXELS = 100_000_000  # of a picture in a file; refused before it is unpacked
READ_PIXELS = 25_000_000  # what is given to the program: an A4 page at 300 dots an inch has 8.7 million
SMALL = 1_600  # pixels: pictures smaller than this are screenshots, whose letters are too small to be told apart
DOTS = 300  # an inch
PAGE_SECONDS = 120
ALL_SECONDS = 1_800  # of one file; pages beyond are named and left out
AT_ONCE = max(1, min(4, (os.cpu_count() or 2) - 1))
SURE = 30.0  # percent; words it is less sure of are specks and ornaments
MOST_FRAMES = 500
PICTURES = ("PNG", "JPEG", "TIFF", "WEBP")

log = logging.getLogger(__name__)


class Seen(NamedTuple):
    """A word in a picture: its line and its box, in parts of the picture's width and height."""

    text: str
    line: tuple[int, int, int]
    left: float
    top: float
    right: float
    bottom: float


Promise = Callable[[], Sequence[Seen]]


def program() -> str | None:
    """Where Tesseract is, if it is installed and has a language."""
    found = shutil.which("tesseract") or next((place for place in PLACES if Path(place).is_file()), None)
    return found if found and languages(found) else None


@functools.cache
def languages(tesseract: str) -> str:
    """Spanish and English as far as they are installed, otherwise whatever is."""
    try:
        said = subprocess.run(
            [tesseract, "--list-langs"], capture_output=True, text=True, errors="replace", timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("cannot ask %s for its languages: %s", tesseract, error)
        return ""
    installed = [line.strip() for line in said.splitlines()[1:] if line.strip()]
    ours = [language for language in LANGUAGES if language in installed]
    return "+".join(ours or [language for language in installed if language not in ("osd", "equ", "snum")][:2])


def read(file: Path, origin: Origin) -> Reading:
    """The text of a picture; a page of a TIFF file is a section. Raises Unreadable: picture_too_large, file_damaged,
    picture_needs_recognition (no Tesseract), picture_without_text.
    """
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # its limit comes with warnings; ours is checked below, before anything is unpacked
    draft = Draft()
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(file, formats=PICTURES) as image, Reader() as reader:
            frames = min(getattr(image, "n_frames", 1), MOST_FRAMES)
            promises = []
            for number in range(frames):
                image.seek(number)
                _check_size(image.size, origin)
                if not reader.works:
                    raise Unreadable("picture_needs_recognition", name=origin.name)
                promises.append(reader.picture(image))
            for number, promise in enumerate(promises, start=1):
                text = "\n".join(lines(promise())) if promise else ""
                draft.add(text, page=number if frames > 1 else None)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise Unreadable("file_damaged", name=origin.name) from error
    documents = draft.documents(origin, "picture")
    if not documents:
        raise Unreadable("picture_without_text", name=origin.name)
    return Reading(documents=documents)


def patience(file: Path) -> int:
    """Seconds that reading this file may take longer because there may be pictures of text in it."""
    with file.open("rb") as opened:
        start = opened.read(1024)
    pictures = b"%PDF-" in start or start.startswith((b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"RIFF"))
    return ALL_SECONDS if pictures and program() else 0


def lines(words: Sequence[Seen]) -> list[str]:
    """What was seen, line by line."""
    found: dict[tuple[int, int, int], list[str]] = {}
    for word in words:
        found.setdefault(word.line, []).append(word.text)
    return [" ".join(texts) for texts in found.values()]


class Reader:
    """Gives pictures to Tesseract, a few at a time, while the next are made ready."""

    def __init__(self) -> None:
        self._program = program()
        self._until = time.monotonic() + ALL_SECONDS
        self._pool: ThreadPoolExecutor | None = None
        self._room = threading.BoundedSemaphore(AT_ONCE + 1)  # a picture takes megabytes: few wait at a time

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    @property
    def works(self) -> bool:
        return self._program is not None

    @property
    def late(self) -> bool:
        """Whether one file has taken all the time it may take."""
        return time.monotonic() > self._until

    def page(self, page: Any) -> Promise | None:
        """What is seen on a page of a PDF, as a reader sees it; None when nobody can tell."""
        if not self.works or self.late:
            return None
        width, height = page.get_size()
        scale = min(DOTS / 72, (READ_PIXELS / max(width * height, 1.0)) ** 0.5)
        bitmap = page.render(scale=scale, grayscale=True, may_draw_forms=False)
        try:
            grey = bitmap.to_numpy()
            return self._ask(bitmap.width, bitmap.height, grey[:, : bitmap.width].tobytes())
        finally:
            bitmap.close()

    def picture(self, image: Any) -> Promise | None:
        """What is seen in a picture that Pillow has opened."""
        from PIL import Image, ImageOps

        if not self.works or self.late:
            return None
        fits = min((READ_PIXELS / (image.width * image.height)) ** 0.5, 1.0)
        if fits < 1.0 and image.format == "JPEG":
            image.draft("L", (int(image.width * fits), int(image.height * fits)))
        shown = ImageOps.exif_transpose(image)
        if shown.mode in ("RGBA", "LA", "PA") or "transparency" in shown.info:
            with_alpha = shown.convert("RGBA")
            shown = Image.new("RGBA", with_alpha.size, "white")
            shown.alpha_composite(with_alpha)
        grey = shown.convert("L")
        if fits < 1.0:
            grey.thumbnail((max(int(grey.width * fits), 1), max(int(grey.height * fits), 1)))
        elif max(grey.size) < SMALL:
            grey = grey.resize((grey.width * 2, grey.height * 2))
        return self._ask(grey.width, grey.height, grey.tobytes())

    def _ask(self, width: int, height: int, grey: bytes) -> Promise:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(AT_ONCE)
        self._room.acquire()

        def work() -> Sequence[Seen]:
            try:
                return _seen(str(self._program), width, height, grey)
            finally:
                self._room.release()

        return self._pool.submit(work).result


def _seen(tesseract: str, width: int, height: int, grey: bytes) -> Sequence[Seen]:
    """Tesseract's table of words: level, page, block, paragraph, line, word, left, top, width, height, sureness, text."""
    kept = {
        name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TESSDATA_PREFIX", "TMPDIR") if name in os.environ
    }
    try:
        said = subprocess.run(
            [tesseract, "stdin", "stdout", "-l", languages(tesseract), "--dpi", str(DOTS), "--psm", "3", "tsv"],
            input=b"P5 %d %d 255\n" % (width, height) + grey,
            capture_output=True,
            timeout=PAGE_SECONDS,
            check=True,
            env={**kept, "OMP_THREAD_LIMIT": "1"},
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("text recognition failed: %s", error)
        return ()
    words = []
    for row in said.decode("utf-8", "replace").splitlines()[1:]:
        cells = row.split("\t")
        if len(cells) == 12 and cells[11].strip() and float(cells[10]) >= SURE:
            left, top, wide, high = (int(cell) for cell in cells[6:10])
            block, paragraph, line = (int(cell) for cell in cells[2:5])
            words.append(
                Seen(
                    cells[11].strip(),
                    (block, paragraph, line),
                    left / width,
                    top / height,
                    (left + wide) / width,
                    (top + high) / height,
                )
            )
    return words


def _check_size(size: tuple[int, int], origin: Origin) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise Unreadable(
            "picture_too_large",
            name=origin.name,
            width=size[0],
            height=size[1],
            limit=MOST_PIXELS // 1_000_000,
        )
