"""A large file on its way in: how fast it is, what it costs the web process in memory, and whether pages still answer.

    python tests/benchmarks/bench_uploads.py [MEGABYTES]

The studio runs in a process of its own, as a person starts it; the file is sent over HTTP as the browser sends it, made
up on the way. Meanwhile a page is asked for four times a second. Memory is the process's own (RSS), read from the system.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import requests

from studio.base import project as projects

ROOT = Path(__file__).parents[2]
BATCH = "0123456789ab"
BLOCK = os.urandom(1 << 20)


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        made = projects.create(folder, "Upload")
        environment = {**os.environ, "AMEDIDA_PROJECTS": temporary, "AMEDIDA_PORT": "0", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-W", "ignore", "-m", "studio", "serve", "--no-browser"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            link = next(re.search(r"http://\S+token=\S+", line) for line in server.stdout if "token=" in line)
            assert link is not None
            try:
                measure(server.pid, link.group(), made, megabytes)
            finally:
                server.terminate()


def measure(pid: int, link: str, made: projects.Project, megabytes: int) -> None:
    base, session = link.partition("/?")[0], requests.Session()
    session.get(link, timeout=60)
    page = f"{base}/en/data?project={made.id}"
    session.get(page, timeout=60)
    process, over = psutil.Process(pid), threading.Event()
    before, used, waits = process.memory_info().rss, [0], [0.0]

    def watch() -> None:
        while not over.wait(0.25):
            began = time.monotonic()
            session.get(page, timeout=60)
            waits.append(time.monotonic() - began)
            used.append(process.memory_info().rss)

    def content() -> Iterator[bytes]:
        yield from (BLOCK for _ in range(megabytes))

    began_idle = time.monotonic()
    session.get(page, timeout=60)
    idle = time.monotonic() - began_idle
    watcher = threading.Thread(target=watch)
    watcher.start()
    cpu, began = sum(process.cpu_times()[:2]), time.monotonic()
    answer = requests.post(
        f"{base}/upload/{made.id}/{BATCH}",
        params={"name": "large.csv"},
        data=content(),
        cookies=session.cookies,
        headers={"origin": base},
        timeout=600,
    )
    seconds, spent = time.monotonic() - began, sum(process.cpu_times()[:2]) - cpu
    over.set()
    watcher.join()
    arrived = (made.incoming / BATCH / "large.csv").stat().st_size
    assert answer.ok, answer.text
    assert arrived == megabytes << 20
    rows = [
        ("sent and on disk", f"{megabytes} MB in {seconds:.1f} s ({megabytes / seconds:.0f} MB/s)"),
        ("processor time of the studio", f"{spent:.1f} s"),
        ("memory before", f"{before / 1e6:.0f} MB"),
        ("most memory meanwhile", f"{max(used) / 1e6:.0f} MB (+{(max(used) - before) / 1e6:.1f} MB)"),
        ("memory for each MB of the file", f"{max(max(used) - before, 0) / (megabytes << 20):.4f} MB"),
        ("page, nothing else going on", f"{idle:.2f} s"),
        ("page meanwhile, median / worst", f"{statistics.median(waits[1:] or [0]):.2f} / {max(waits):.2f} s"),
    ]
    print("\n".join(f"{name:<34} {value}" for name, value in rows))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
