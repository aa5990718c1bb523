"""A stand-in for `studio.work` that does no work but keeps its folder's protocol: events, checkpoint, exit.json last.

Its request says how many steps it takes and what goes wrong; `studio.work` itself is tested with real work elsewhere.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from studio.base import events, files

folder = Path(sys.argv[1])
asked = files.read_json(folder / "run.json")["request"]
attempt = files.read_json(folder / "attempt.json")
how = json.loads(asked["material"])
checkpoint = folder / "checkpoint"
first = int(checkpoint.read_text()) if checkpoint.exists() else 0
emit = events.write(folder)
emit(events.Planned(stages=("learn",)))
emit(events.Stage(name="learn"))
if how.get("deaf"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

for step in range(first, how.get("steps", 5)):
    if (folder / "stop").exists() and not how.get("deaf"):
        files.write_json(folder / "exit.json", {"ok": False, "fault": {"code": "stopped", "parameters": {}}})
        sys.exit(1)
    time.sleep(how.get("sleep", 0.05))
    if how.get("kill_at") == step and attempt["attempt"] <= how.get("kill_times", 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if how.get("fail_at") == step:
        files.write_json(folder / "exit.json", {"ok": False, "fault": {"code": how["fault"], "parameters": {}}})
        sys.exit(1)
    files.write_atomically(checkpoint, str(step + 1))
    emit(events.Progress(done=step + 1, of=how.get("steps", 5)))

(folder / "made").mkdir(exist_ok=True)
(folder / "made" / "result.txt").write_text(f"from {first}, attempt {attempt['attempt']}, after {attempt['after']}")
files.write_json(folder / "exit.json", {"ok": True, "outcome": {"moves": {"made": "models/made"}}})
