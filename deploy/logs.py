"""How Marey's processes log: a JSON object per line on standard error; docs/observing.md tells its fields."""

import logging
import re
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({})))
_NO_FIELDS = _STANDARD_FIELDS | {"message", "asctime", "taskName", "color_message"}
_SECRETS = (
    ("mry_", re.compile(r"mry_([0-9a-z]{8})_\w+"), r"mry_\1_***"),
    ("://", re.compile(r"(://[^\s/:@\"]*):[^\s/@\"]+@"), r"\1:***@"),
)
"""API keys, and passwords in addresses: nobody logs them on purpose, but foreign errors may quote them.

What such a text holds is looked for first: most lines hold none.
"""
_encoder = msgspec.json.Encoder(enc_hook=str)


class JsonFormatter(logging.Formatter):
    """`{"timestamp":"2026-11-23T04:05:06.789Z","level":"INFO","logger":...,"message":...,"action":...}`.

    The fields given as `extra` follow the message; a traceback is the last field.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line without secrets; whatever a client sent stays within its string."""
        line: dict[str, object] = {
            "timestamp": _timestamp(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _NO_FIELDS}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _without_secrets(_encoded(line))


def _encoded(line: dict[str, object]) -> str:
    try:
        return _encoder.encode(line).decode()
    except UnicodeEncodeError:
        told = {name: str(value).encode(errors="backslashreplace").decode() for name, value in line.items()}
        return _encoder.encode(told).decode()


def _timestamp(moment_s: float) -> str:
    seconds, milliseconds = divmod(int(moment_s * 1000), 1000)
    return f"{_second(seconds)}.{milliseconds:03d}Z"


@lru_cache(maxsize=2)
def _second(moment_s: int) -> str:
    """Most lines are of the same second as the line before."""
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _without_secrets(text: str) -> str:
    for mark, pattern, stars in _SECRETS:
        if mark in text:
            text = pattern.sub(stars, text)
    return text


def configure_logging() -> None:
    """Send this process's records from INFO up to standard error.

    What no line tells is not looked up for each record.
    """
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
