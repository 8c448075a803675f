"""What zoo's logger says while somebody listens: each thread's callbacks hear their own, and nobody else loses anything."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager

import pytest
from support import Notes

from zoo.callback import Callback
from zoo.engine.callbacks import Callbacks

LOG = logging.getLogger("zoo.somewhere")


class Metrics(Callback):
    """One that shows no notes."""


@contextmanager
def unconfigured():
    """Nobody has configured logging, as in a person's script: pytest's own handlers are away, too."""
    loggers = (logging.getLogger("zoo"), logging.getLogger())
    before = [list(logger.handlers) for logger in loggers]
    for logger in loggers:
        logger.handlers = []
    try:
        yield
    finally:
        for logger, handlers in zip(loggers, before, strict=True):
            logger.handlers = handlers


@pytest.mark.parametrize(("callback", "on_stderr"), [(Notes([]), ""), (Metrics(), "careful\n")])
def test_a_warning_is_seen_once_whoever_listens(callback, on_stderr, capsys):
    with unconfigured(), Callbacks([callback]).forward_log():
        LOG.warning("careful")
        LOG.info("by the way")
    assert capsys.readouterr().err == on_stderr
    assert getattr(callback, "lines", ["careful", "by the way"]) == ["careful", "by the way"]


def test_handlers_above_are_given_what_they_would_be_given_otherwise():
    seen: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    with unconfigured():
        logging.getLogger().addHandler(Keep())
        with Callbacks([Notes([])]).forward_log():
            LOG.info("by the way")
            LOG.warning("careful")
    assert seen == ["careful"]


def test_threads_hear_their_own_and_leave_the_logger_as_it_was():
    logger = logging.getLogger("zoo")
    before = logger.level, logger.propagate, list(logger.handlers)
    both_in, one_out = threading.Barrier(2), threading.Event()
    heard: dict[str, list[str]] = {}

    def training(name: str, leaves_first: bool) -> None:
        notes = Notes([])
        with Callbacks([notes]).forward_log():
            both_in.wait(30)
            LOG.info("of %s", name)
            if not leaves_first:
                assert one_out.wait(30)
                LOG.info("of %s, alone", name)
        one_out.set()
        heard[name] = notes.lines

    threads = [threading.Thread(target=training, args=(name, name == "a")) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert heard == {"a": ["of a"], "b": ["of b", "of b, alone"]}
    assert (logger.level, logger.propagate, logger.handlers) == before
