"""Starts worker processes without importing their parent's main module.

A spawned process imports its parent's main module, in case one of its functions is called. For Dagster's command line
that costs more than a second of CPU time per worker, for functions that are never called.
"""

import sys
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any


class BareProcess(SpawnProcess):
    """A process spawned as by `multiprocessing`, but without the main module, whose functions it cannot call."""

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802  (the name that `multiprocessing` calls)
        main = sys.modules["__main__"]
        # A new process is told to import the module that its parent has here.
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            return SpawnProcess._Popen(process_obj)
        finally:
            sys.modules["__main__"] = main


class BareContext(SpawnContext):
    """The `mp_context` for a pool of such processes."""

    Process = BareProcess
