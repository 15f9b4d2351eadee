"""A host's command does not outlive the worker that started it, even one killed without notice."""

import subprocess
import sys

from ecg_assets_tests.integration.live import until

PARENT = """
import os, subprocess, sys
child = [sys.executable, "-m", "ecg_assets.training.tpu.pod_child", str(os.getpid()), sys.executable, "-c", sys.argv[1]]
subprocess.call(child)
"""
CHILD = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


def test_the_command_ends_when_its_worker_is_killed() -> None:
    worker = subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    child = int(worker.stdout.readline())
    worker.kill()
    worker.wait()
    # The pipe closes when the last process that holds it has ended.
    until(lambda: not _runs(child), 20, "the end of the command")
    assert worker.stdout.read() == ""


def _runs(pid: int) -> bool:
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(said.strip()) and not said.startswith("Z")
