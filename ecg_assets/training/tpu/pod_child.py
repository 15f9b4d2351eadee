"""Becomes a command that ends with its parent: `python -m ecg_assets.training.tpu.pod_child PARENT_PID COMMAND...`.

A task that Ray cancels by force leaves its children behind; this one the kernel ends, and its own processes watch it.
"""

import os
import sys

from ecg_assets.store.compute.parent_death import end_with_parent

if __name__ == "__main__":
    end_with_parent(int(sys.argv[1]))  # outlives the exec
    os.execvp(sys.argv[2], sys.argv[2:])
