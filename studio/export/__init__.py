"""Take an assistant home: a folder that works without the studio, the same folder as a zip, and the Hugging Face Hub.

`folder` writes and needs no network; `push` uploads what `folder` wrote and nothing else. What never leaves the machine:
examples, test questions, names of files, paths, pickles, tokens; documents only when they were asked for.
"""

from studio.export.naming import check_name, suggest
from studio.export.pushing import push
from studio.export.writing import archive, folder

__all__ = ["archive", "check_name", "folder", "push", "suggest"]
