"""The same eight validation samples at each new best; what fails or comes too late never stops the training."""

import io
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ecg_assets.training.monitoring.validation_image_worker import PictureMaker
from ecg_assets.training.monitoring.validation_images import best_epoch, draw_best, due_epoch, picture_path
from ecg_assets.training.runs.events import Event, EventLog, read_events
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import read_state
from ecg_assets.training.trainer import train
from ecg_assets_tests.integration.live import until
from ecg_assets_tests.training.conftest import Prepare


def new_best(epoch: int) -> Event:
    return Event(kind="checkpoint", message="", values={"epoch": epoch, "best": True}, time=time.time())


def told(run: RunFolder) -> list[str]:
    return [event.values["picture"] for event in read_events(run.events) if "picture" in event.values]


@pytest.fixture
def trained(prepare: Prepare) -> RunFolder:
    """A finished training without pictures."""
    run = prepare(epochs=1)
    train(run.path)
    return run


def test_a_training_ends_with_the_picture_of_its_best_epoch_and_hears_of_it(prepare: Prepare) -> None:
    run = prepare()
    heard: list[Event] = []
    train(run.path, [heard.append], pictures=True)
    state = read_state(run)
    assert state is not None
    best = f"pictures/epoch_{state.best_epoch}.png"
    assert told(run)[-1] == best
    assert (run.path / best).exists()
    assert [event.values["picture"] for event in heard if "picture" in event.values] == told(run)


@pytest.mark.parametrize(("classes", "weights"), [(5, (1, 1, 1, 2, 2)), (3, (1, 1, 2))])
def test_a_picture_shows_image_truth_and_prediction_of_eight_samples(
    prepare: Prepare, classes: int, weights: tuple[int, ...]
) -> None:
    run = prepare(epochs=1, classes=classes, class_weights=weights)
    train(run.path)
    path = draw_best(run)
    assert path == picture_path(run, best_epoch(run.best))
    first = path.read_bytes()
    with Image.open(io.BytesIO(first)) as picture:
        shown = np.asarray(picture.convert("RGB"))
    assert 4 * 256 < shown.shape[0] < 4 * 300
    assert 6 * 256 < shown.shape[1] < 6 * 270
    assert draw_best(run).read_bytes() == first


def test_a_best_that_was_not_drawn_is_drawn_at_the_next_start(trained: RunFolder) -> None:
    maker = PictureMaker(trained, EventLog(trained.events))
    maker(Event(kind="started", message="", values={}, time=time.time()))
    until(lambda: told(trained), 60, "the picture")
    maker.close(finished=False)
    assert told(trained) == ["pictures/epoch_1.png"]
    assert due_epoch(trained) is None


def test_a_training_that_stops_does_not_wait_for_its_picture(trained: RunFolder) -> None:
    maker = PictureMaker(trained, EventLog(trained.events))
    maker(new_best(1))
    until(lambda: maker.process is not None, 10, "the drawing process")
    begun = time.monotonic()
    maker.close(finished=False)
    assert time.monotonic() - begun < 2
    assert maker.process is not None
    assert maker.process.returncode != 0
    assert told(trained) == []


def test_weights_that_cannot_be_read_are_told_once_and_nothing_is_raised(trained: RunFolder) -> None:
    content = bytearray(trained.best.read_bytes())
    content[-1] ^= 1
    trained.best.write_bytes(content)
    maker = PictureMaker(trained, EventLog(trained.events))
    maker(new_best(1))
    maker(new_best(1))
    maker.close(finished=True)
    notes = [event.message for event in read_events(trained.events) if "no picture" in event.message]
    assert len(notes) == 1
    assert "has changed since it was written" in notes[0]


def test_a_missing_dataset_is_told_and_not_raised(trained: RunFolder) -> None:
    dataset = trained.path.parent.parent / "dataset_grid_wave_mix"
    dataset.unlink()
    maker = PictureMaker(trained, EventLog(trained.events))
    maker(new_best(1))
    maker.close(finished=True)
    assert any("no picture" in event.message for event in read_events(trained.events))


def test_a_best_file_that_is_gone_meanwhile_is_no_error(trained: RunFolder, tmp_path: Path) -> None:
    kept = shutil.move(trained.best, tmp_path / "kept")
    maker = PictureMaker(trained, EventLog(trained.events))
    maker(new_best(1))
    time.sleep(0.2)
    shutil.move(kept, trained.best)
    maker.close(finished=True)
    assert told(trained) == ["pictures/epoch_1.png"]
