"""The record of training as the report reads it."""

import pytest

from traits_core.errors import StageError
from traits_core.stages.report import last_epoch

EPOCH = '{"kind": "epoch", "epoch": 1, "seconds": 2.5}\n'


@pytest.mark.parametrize("torn", ["", EPOCH[:-10], EPOCH[:-1]])
def test_a_torn_last_line_is_left_out(tmp_path, torn):
    path = tmp_path / "metrics.jsonl"
    path.write_text(EPOCH + '{"kind": "step"}\n' + torn)
    assert last_epoch(path) == {"kind": "epoch", "epoch": 1, "seconds": 2.5}


@pytest.mark.parametrize("damage", [b'{"kind": "st\n', b"\x00\xff\n", b"3\n"])
def test_another_damaged_line_is_one_error(tmp_path, damage):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(EPOCH.encode() + damage + EPOCH.encode())
    with pytest.raises(StageError, match=r"metrics\.jsonl: line 2 is damaged .*: move the file"):
        last_epoch(path)


def test_a_run_without_a_record_has_no_epoch(tmp_path):
    assert last_epoch(tmp_path / "metrics.jsonl") is None
