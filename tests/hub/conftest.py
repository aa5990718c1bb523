"""Before the client is imported: no bars, no telemetry, and its notes of what it sent in a folder of their own."""

import os
import tempfile

from studio.base import settings

settings.silence_libraries()
os.environ.setdefault("HF_XET_CACHE", tempfile.mkdtemp(prefix="xet-"))
