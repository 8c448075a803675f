"""A lock is held by one, survives nothing but its holder, and is asked for without keeping anybody out."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zoo.system import lock as module
from zoo.system.lock import FileLock, is_held, locked

FILE = Path("a.lock")


def test_a_lock_is_held_by_one_until_it_is_released():
    one, other = FileLock(FILE), FileLock(FILE)
    assert one.take()
    assert not other.take()
    assert is_held(FILE)
    one.release()
    assert not is_held(FILE)
    assert other.take()
    other.release(remove=True)
    assert not FILE.exists()
    assert is_held(FILE) is False


def test_what_is_written_into_it_is_read_by_others_and_replaced():
    lock = FileLock(FILE)
    assert lock.take()
    lock.write(b"a long text")
    lock.write(b"short")
    assert FILE.read_bytes() == b"short"
    lock.release()


def test_a_file_that_its_holder_removes_meanwhile_is_not_taken_for_the_lock(monkeypatch):
    """The other one opens the file before the holder removes it, and gets the lock of a file that nobody else finds."""
    one, other = FileLock(FILE), FileLock(FILE)
    assert one.take()
    take = module._take

    def late(descriptor, shared=False):
        one.release(remove=True)
        return take(descriptor, shared)

    monkeypatch.setattr(module, "_take", late)
    assert other.take()
    assert os.path.samestat(os.fstat(other._descriptor), FILE.stat())
    assert is_held(FILE)
    other.release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.parametrize("child", ["os.fork() or time.sleep(600)", "subprocess.Popen(['sleep', '600'])"])
def test_a_killed_holder_lets_go_though_its_children_live(child):
    code = (
        "import os, subprocess, sys, time\nfrom pathlib import Path\nfrom zoo.system.lock import FileLock\n"
        f"lock = FileLock(Path('{FILE}'))\nassert lock.take()\nchild = {child}\n"
        "print(getattr(child, 'pid', child), flush=True)\ntime.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    living = int(holder.stdout.readline())
    try:
        assert is_held(FILE)
        holder.kill()
        holder.wait()
        while is_held(FILE):  # until the child, which may not have run yet, has let go
            time.sleep(0.01)
        os.kill(living, 0)  # it is there
    finally:
        holder.stdout.close()
        os.kill(living, signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_that_lets_go_takes_nothing_from_its_parent():
    lock = FileLock(FILE)
    assert lock.take()
    module._forget_all()  # what a forked process does first
    lock.release(remove=True)
    assert FILE.exists()


def test_a_file_system_without_locks_is_told(monkeypatch):
    def none(*arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module, "fcntl", type("No", (), dict(flock=none, LOCK_EX=2, LOCK_SH=1, LOCK_NB=4, LOCK_UN=8)))
    one, other = FileLock(FILE), FileLock(FILE)
    assert one.take()
    assert other.take()
    assert not one.supported
    assert is_held(FILE) is None
    one.release()
    other.release()


@pytest.mark.parametrize("thing", ["link", "folder", "pipe"])
def test_what_is_no_file_is_not_taken_and_not_followed(thing):
    Path("mine").write_text("mine")
    {"link": lambda: FILE.symlink_to("mine"), "folder": FILE.mkdir, "pipe": lambda: os.mkfifo(FILE)}[thing]()
    with pytest.raises(OSError):  # noqa: PT011 (whatever the system says)
        FileLock(FILE).take()
    assert is_held(FILE) in (None, False)
    assert Path("mine").read_text() == "mine"


def test_who_waits_is_told_once():
    lock, told = FileLock(FILE), []
    assert lock.take()

    def on_wait():
        told.append(True)
        lock.release()

    with locked(FILE, on_wait):
        assert is_held(FILE)
    assert told == [True]
