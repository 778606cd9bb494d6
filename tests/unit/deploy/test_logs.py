"""Log lines."""

import logging

from deploy.logs import LineFormatter


def test_a_line_has_the_time_the_message_and_the_extra_fields() -> None:
    record = logging.makeLogRecord(
        {
            "name": "orchestrator.relay",
            "levelname": "INFO",
            "msg": "sent %d",
            "args": (3,),
            "job_id": 7,
        }
    )
    record.created, record.msecs = 1_795_406_706.789, 789.0
    assert LineFormatter().format(record) == (
        "2026-11-23T04:05:06.789Z INFO orchestrator.relay sent 3 job_id=7"
    )
