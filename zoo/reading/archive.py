"""Zip archives within bounds: every size that an archive states is checked against the bytes that are there."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from zoo.errors import BadData, Refused

MAX_ENTRIES = 10_000
MAX_DIRECTORY_BYTES = 2**22  # of the central directory, which zipfile reads whole
MAX_BYTES = 2**29  # of all entries together
MAX_RATIO = 100
FREE_BYTES = 2**20  # below this size no ratio matters
PIECE_BYTES = 2**16
_LOCAL = struct.Struct("<4s2x2H8x2L2H")  # signature, flags, method, packed size, size, length of name, length of extra
_LOCAL_MAGIC = b"PK\x03\x04"
_ENCRYPTED = 0x41
_UTF_8 = 0x800  # the name is UTF-8
_SIZES_FOLLOW = 0x08  # the sizes stand behind the data, and zeros in the local header
_IN_EXTRA = 0xFFFFFFFF  # the size stands in the extra field (zip64)


class _Member(NamedTuple):
    """One file of an archive: its line in the central directory, and what its local header says."""

    entry: zipfile.ZipInfo
    name: bytes
    begin: int  # of its data
    packed: int
    size: int

    @property
    def end(self) -> int:
        return self.begin + self.entry.compress_size

    def is_consistent(self) -> bool:
        """Whether directory and local header state the same name and sizes."""
        entry = self.entry
        same_name = self.name.decode("utf-8" if entry.flag_bits & _UTF_8 else "cp437", "replace") == entry.orig_filename
        same_sizes = self.packed in (entry.compress_size, _IN_EXTRA) and self.size in (entry.file_size, _IN_EXTRA)
        return same_name and (same_sizes or bool(entry.flag_bits & _SIZES_FOLLOW))


class Archive:
    """The files of one open zip archive."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Read the central directory of `file`; messages call the archive `path`.

        Raises:
            zipfile.BadZipFile: it is damaged.
            BadData: two files have the same name.
            Refused: it has too many files, they overlap, or they would grow out of all proportion.
        """
        self.path, self._file = path, file
        with zipfile.ZipFile(_BoundedReads(file)) as archive:
            entries, end = archive.infolist(), archive.start_dir
        size, packed = sum(e.file_size for e in entries), sum(e.compress_size for e in entries)
        if len(entries) > MAX_ENTRIES or size > MAX_BYTES or size > max(FREE_BYTES, MAX_RATIO * packed):
            raise Refused(f"{path} has {len(entries):,} entries of {size:,} bytes packed in {packed:,}: not a book")
        self._members = {entry.filename: self._member(entry, end) for entry in entries}
        if len(self._members) != len(entries):
            raise BadData(f"{path} is a damaged EPUB: it holds two files of one name")
        self._check_overlap(end)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        """Return the size that a file is stated to have; `read` returns no other."""
        return self._members[name].entry.file_size

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            zipfile.BadZipFile, zlib.error: it is damaged, or not as large as it is stated to be.
            BadData: it is encrypted, or compressed as no EPUB may be.
        """
        member = self._members[name]
        entry = member.entry
        if entry.flag_bits & _ENCRYPTED:
            raise BadData(f"{self.path} is encrypted; a book can be read only without a password")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadData(f"{self.path} is compressed as no EPUB may be; pack it again with deflate (zip's default)")
        if not member.is_consistent():
            raise zipfile.BadZipFile(f"two statements of the name or size of {name} differ")
        pieces, size, checksum = [], 0, 0
        for piece in self._unpacked(member):
            size += len(piece)
            if size > entry.file_size:
                raise zipfile.BadZipFile(f"{name} is larger than it is stated to be")
            checksum = zlib.crc32(piece, checksum)
            pieces.append(piece)
        if size != entry.file_size or checksum != entry.CRC:
            raise zipfile.BadZipFile(f"{name} does not have the stated size and checksum")
        return b"".join(pieces)

    def _member(self, entry: zipfile.ZipInfo, end: int) -> _Member:
        """Read the local header of a file, which alone says where its data begin; the central directory begins at
        `end`."""
        self._file.seek(min(entry.header_offset, end))  # an offset of zip64 may be beyond what a seek can take
        header = self._file.read(_LOCAL.size)
        if len(header) != _LOCAL.size or not header.startswith(_LOCAL_MAGIC):
            raise zipfile.BadZipFile(f"{entry.filename} is not where it is stated to be")
        _, _, _, packed, size, name_length, extra_length = _LOCAL.unpack(header)
        begin = entry.header_offset + _LOCAL.size + name_length + extra_length
        return _Member(entry, self._file.read(name_length), begin, packed, size)

    def _check_overlap(self, end: int) -> None:
        """Raise Refused for files that share bytes with each other or with the central directory, which begins at
        `end`: so the packed sizes are those of bytes that are there."""
        members = sorted(self._members.values(), key=lambda member: member.entry.header_offset)
        begins = [member.entry.header_offset for member in members] + [end]
        for member, (_, following) in zip(members, pairwise(begins), strict=True):
            if member.end > following:
                raise Refused(f"{self.path} has entries that overlap: not a book")

    def _unpacked(self, member: _Member) -> Iterator[bytes]:
        """Yield the data of a file in bounded pieces."""
        self._file.seek(member.begin)
        left = member.entry.compress_size
        inflate: Any = zlib.decompressobj(-zlib.MAX_WBITS) if member.entry.compress_type else None
        while left and not (inflate and inflate.eof):
            packed = self._file.read(min(left, PIECE_BYTES))
            if not packed:
                raise zipfile.BadZipFile("it is cut off")
            left -= len(packed)
            if inflate is None:
                yield packed
                continue
            while packed and not inflate.eof:
                yield inflate.decompress(packed, PIECE_BYTES)
                packed = inflate.unconsumed_tail
        if inflate:
            yield inflate.flush()  # less than one match: all input has been consumed
            if not inflate.eof:
                raise zipfile.BadZipFile("it is cut off")


class _BoundedReads:
    """A file of which zipfile reads no more at once than a central directory may have, whatever length is stated."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.seek, self.tell = file, file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(MAX_DIRECTORY_BYTES + 1 if size < 0 else min(size, MAX_DIRECTORY_BYTES + 1))
        if len(data) > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its directory is longer than {MAX_DIRECTORY_BYTES:,} bytes")
        return data
