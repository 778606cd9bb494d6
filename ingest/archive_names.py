"""Names and kinds of a package's entries: which are safe, which are noise, which are packages themselves."""

import re
import stat
import unicodedata
from zipfile import ZipInfo

from core.errors import DuplicateNameError, SymlinkError, UnsafeNameError

_NOISE = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_DRIVE = re.compile(r"^[A-Za-z]:")
_MAX_NAME_CHARACTERS = 1024
_UNIX_MODE_SHIFT = 16
_ARCHIVE_MAGIC = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x1f\x8b\x08",
    b"\xfd7zXZ\x00",
    b"BZh",
    b"\x28\xb5\x2f\xfd",
)
"""zip, 7z, rar, gzip, xz, bzip2, zstd; tar has its mark further in."""
_TAR_MAGIC = (b"ustar", 257)


class EntryNames:
    """The names of a package that were accepted so far."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def accept(self, entry: ZipInfo) -> str:
        """The entry's name with forward slashes.

        Raises UnsafeNameError, SymlinkError for anything that is no plain file, and DuplicateNameError
        for a name that differs from an earlier one in case or Unicode form at most.
        """
        name = safe_name(entry.orig_filename)
        _check_plain_file(entry, name)
        key = unicodedata.normalize("NFC", name).casefold()
        if key in self._seen:
            raise DuplicateNameError(f"{name}: expected each name once, got it again")
        self._seen.add(key)
        return name


def safe_name(raw: str) -> str:
    """`raw` with forward slashes and without `.` parts. Raises UnsafeNameError."""
    name = raw.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    unsafe = (
        name.startswith("/")
        or _DRIVE.match(name) is not None
        or ".." in parts
        or not parts
        or len(name) > _MAX_NAME_CHARACTERS
        or any(unicodedata.category(character) in {"Cc", "Cs"} for character in name)
    )
    if unsafe:
        raise UnsafeNameError(f"expected a name that stays inside the package, got {raw[:200]!r}")
    return "/".join(parts)


def is_ignored(raw: str) -> bool:
    """Whether a name is a directory's, or one of the files that desktops leave in packages."""
    parts = raw.replace("\\", "/").split("/")
    return parts[-1] == "" or "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1].lower() in _NOISE


def is_nested_archive(head: bytes) -> bool:
    """Whether a file that starts with `head` is an archive or a compressed file."""
    magic, offset = _TAR_MAGIC
    return head.startswith(_ARCHIVE_MAGIC) or head[offset : offset + len(magic)] == magic


def _check_plain_file(entry: ZipInfo, name: str) -> None:
    kind = stat.S_IFMT(entry.external_attr >> _UNIX_MODE_SHIFT)
    if kind not in {0, stat.S_IFREG}:
        what = "a link" if kind == stat.S_IFLNK else "a special file"
        raise SymlinkError(f"{name}: expected a plain file, got {what}")
