"""Permissions that stop even whoever runs the tests as root."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

# capabilities(7): to write and to read files whatever their permissions say.
_OVERRIDE, _READ_ANYTHING = 1, 2
_VERSION_3 = 0x20080522


@contextmanager
def permissions_count() -> Iterator[None]:
    """In this thread, files that their owner may not read are not read."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    # Effective, permitted and inheritable ones; those from 32 on follow.
    before, without = (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, before) == libc.capget(header, without) == 0
    without[0] &= ~(1 << _OVERRIDE | 1 << _READ_ANYTHING)
    assert libc.capset(header, without) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0
