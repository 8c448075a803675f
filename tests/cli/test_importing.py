"""Commands import torch with Python's collector at rest, and leave the collector of other people's processes alone."""

from __future__ import annotations

import gc

import pytest
from interpreter import alone

from zoo.cli.importing import importing

FRESH = "import gc\nfrom zoo.cli.importing import importing\n"


def test_the_collector_rests_during_imports_and_works_again_after_them_without_what_was_imported():
    alone(
        FRESH + "with importing():\n    assert not gc.isenabled()\n    import decimal\n"
        "assert gc.isenabled() and gc.get_freeze_count() > 1000"
    )


def test_the_collector_works_again_after_an_import_that_fails():
    alone(
        FRESH + "try:\n    with importing():\n        import no_such_module\n"
        "except ImportError: pass\n"
        "assert gc.isenabled()"
    )


def test_a_collector_that_is_off_stays_off():
    alone(FRESH + "gc.disable()\nwith importing(): pass\nassert not gc.isenabled() and gc.get_freeze_count() == 0")


def test_a_process_that_has_torch_already_is_left_alone():
    pytest.importorskip("torch")
    before = gc.get_freeze_count()
    with importing():
        assert gc.isenabled()
    assert gc.get_freeze_count() == before


@pytest.mark.parametrize("command", ["train nonsense", "list", "doctor"])
def test_a_command_leaves_the_collector_on(command):
    alone(
        "import gc, io, sys, zoo.cli\n"
        "sys.stdout, sys.stderr = io.StringIO(), io.StringIO()\n"
        f"zoo.cli.run({command.split()!r})\n"
        "assert gc.isenabled()"
    )
