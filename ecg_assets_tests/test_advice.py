"""Every piece of advice in a message is carried out by a test, or stands here with the reason why it cannot be."""

import pytest

from ecg_assets_tests.advice import PACKAGE, Advice, advice_carried_out, advice_in_messages

ROOMS = sorted({advice.module.partition("/")[0] for advice in advice_in_messages()})

# By module and part of the message: what a test here cannot do, or why it is none.
NOT_CARRIED_OUT: dict[tuple[str, str], str] = {
    ("training/export/onnx_export.py", "onnx is not installed; install it with"): "installs from a registry",
    ("training/export/onnx_network.py", "onnxruntime is not installed; install it with"): "installs from a registry",
    (
        "training/plan/compiler_environment.py",
        "It comes from the package registry, once: make that reachable",
    ): "installs from a registry: 300 MB, which training/plan/test_compiler.py needs to have done",
    ("training/plan/compiler_environment.py", "; run the command on such a machine"): "needs another machine",
    ("training/plan/compiling.py", " minutes; set a smaller micro_batch"): "an hour of the TPU compiler",
    ("weights/__init__.py", "install the package ecg-assets again, which has that file"): "installs a package",
    (
        "commands/demo.py",
        "Pictures, numbers, lineage and logs: make ui",
    ): "after minutes of a demo; ui/ opens such runs",
    ("demo.py", ", its process is gone; the next run closes it"): "no advice; resources/test_reconcile.py shows it",
    (
        "inspection/recorded_hashes.py",
        " in a shard or split that does not match its id",
    ): "no advice: a split is a noun here",
    ("resources/pipes_trainer_client.py", "trainer started: process group "): "no advice: a line of a log",
    (
        "resources/reconcile.py",
        "its process is gone (it was killed, or the host went down)",
    ): "no advice: a line of a log",
    ("pages/camera/effects/jpeg.py", "install opencv-python-headless from its wheel"): "wants another OpenCV",
    ("pages/style/fonts.py", "run `make setup`"): "wants an environment without Matplotlib, made anew in minutes",
    ("pages/style/fonts.py", "install Pillow from its wheel"): "wants another Pillow",
    (
        "store/compute/ray_connection.py",
        "no Ray head answers at ",
    ): "cluster/ starts its heads so, and joins nodes to them",
    (
        "store/compute/node_versions.py",
        ": install the same commit",
    ): "wants a second machine: Ray gives nodes on one the code of whoever joins",
    ("ui/services.py", ": install dagster below 1.14"): "wants another Dagster, of which there is none yet",
    ("ui/webserver.py", ": install dagster-webserver below 1.14"): "wants another Dagster, of which there is none yet",
    (
        "store/write_errors.py",
        "its disk's quota is used up: make room, ",
    ): "wants a disk with quotas; a full one is tried",
}


@pytest.mark.parametrize("room", ROOMS)
def test_every_advice_of_a_message_is_carried_out(room: str) -> None:
    given = [advice for advice in advice_in_messages() if advice.module.partition("/")[0] == room]
    assert [str(advice) for advice in given if not _done(advice) and not _excused(advice)] == []


def test_marks_and_exceptions_are_of_messages_that_exist() -> None:
    gone = [one for one in advice_carried_out() if not any(_is_part(one, advice) for advice in advice_in_messages())]
    assert gone == []
    listed = [Advice(*key) for key in NOT_CARRIED_OUT]
    assert [one for one in listed if not any(_is_part(one, advice) for advice in advice_in_messages())] == []
    assert all((PACKAGE / advice.module).exists() for advice in listed)


def _done(advice: Advice) -> bool:
    return any(_is_part(one, advice) for one in advice_carried_out())


def _excused(advice: Advice) -> bool:
    return any(_is_part(Advice(*key), advice) for key in NOT_CARRIED_OUT)


def _is_part(part: Advice, whole: Advice) -> bool:
    return part.module == whole.module and part.text in whole.text
