"""What fetching leaves behind: snapshot files in a folder, each with the place it came from.

The caller takes every one of them in like a file that was dropped, so that fetching again replaces it by its digest.
"""

from studio.base.records import Finding, Record


class Fetched(Record):
    """A snapshot: `file` is its path inside the folder, `name` what to call it, `origin` the address, query or data set."""

    file: str
    name: str
    origin: str
    findings: tuple[Finding, ...] = ()
