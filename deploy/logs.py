"""How Marey's processes log: a line per record on standard error, ending with the fields given as `extra`."""

import logging
import time

_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({})))
_NO_FIELDS = _STANDARD_FIELDS | {"message", "asctime", "taskName", "color_message"}


class LineFormatter(logging.Formatter):
    """`2026-11-23T04:05:06.789Z INFO orchestrator.relay sent 3 messages action=relay job_id=7`."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the base class names it so)
        """The line, without a traceback."""
        extra = {key: value for key, value in vars(record).items() if key not in _NO_FIELDS}
        return " ".join([super().formatMessage(record), *(f"{key}={value}" for key, value in extra.items())])


def configure_logging() -> None:
    """Send this process's records from INFO up to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
