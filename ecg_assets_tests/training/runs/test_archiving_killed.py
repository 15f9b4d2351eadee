"""Kills at random moments while trainings give way to each other: each training is kept whole, once."""

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.sealed import is_sealed, write_sealed_json
from ecg_assets.training.runs.prepare import archived_runs

KILLS = 40

# Each training begins anew, because its config is another one than that before it, and leaves a file of its own.
GIVE_WAY = """
import sys
from itertools import count
from pathlib import Path
from ecg_assets.store.lock import only_writer
from ecg_assets.store.root import open_root
from ecg_assets.training.config import load_config
from ecg_assets.training.runs.prepare import prepare_run
root, begun = open_root(sys.argv[1]), Path(sys.argv[1]) / "begun.txt"
config = load_config("demo")
print("ready", flush=True)
for number in count(int(sys.argv[2])):
    with only_writer(root.runs / ".locks" / "demo", print):
        run = prepare_run(root, config.model_copy(update={"seed": number}), lambda line: None)
        (run.path / f"trained-{number}").touch()
        with begun.open("a") as file:
            file.write(f"{number}\\n")
"""


@pytest.mark.soak
def test_no_training_is_lost_or_torn_when_archiving_is_killed(tmp_path: Path) -> None:
    root, rng = open_root(tmp_path / "data_root"), random.Random()
    write_sealed_json(root.dataset / "dataset.json", {"digest": "d"})
    for kill in range(KILLS):
        command = [sys.executable, "-c", GIVE_WAY, str(root.path), str(kill * 100_000)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(rng.random() * 0.5)
        process.kill()
        process.wait()
        check_all_are_whole(root)
        for folder in archived_runs(root):
            shutil.rmtree(folder)
        (root.path / "begun.txt").unlink(missing_ok=True)
    print(f"{KILLS} kills while trainings were archived: all were kept whole")  # noqa: T201 - what pytest -s is asked for


def check_all_are_whole(root: DataRoot) -> None:
    begun = {int(line) for line in lines_of(root.path / "begun.txt")}
    folders = [*archived_runs(root), *([root.runs / "demo"] if (root.runs / "demo").exists() else [])]
    kept = []
    for folder in folders:
        if (folder / "config.json").exists():  # else killed before it was one, and it is remade
            assert is_sealed(folder / "config.json")
            kept.append(json.loads((folder / "config.json").read_text())["config"]["seed"])
        markers = [int(path.name.removeprefix("trained-")) for path in folder.glob("trained-*")]
        assert len(markers) <= 1 and set(markers) <= set(kept)
    assert len(kept) == len(set(kept)), "one training was kept twice"
    assert begun <= set(kept), f"lost: {sorted(begun - set(kept))}"


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
