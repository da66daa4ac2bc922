"""Files behind a URL: the candle store, bundles, snapshots and results all go through here."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import fsspec

from candleloop.errors import NotFound

STAGING = ".staging"
"""Folder of files that are being written; what a killed process leaves there has no name yet and is never read."""


@dataclass(frozen=True)
class Storage:
    """A folder behind an fsspec URL (``file:///...``, ``s3://bucket/prefix``, ``memory://...``).

    Names are relative, with ``/`` between parts. A file appears whole or not at all: it is written under a temporary
    name and moved into place.
    """

    url: str
    filesystem: Any = field(init=False, repr=False, compare=False)
    root: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        filesystem, root = fsspec.core.url_to_fs(self.url)
        object.__setattr__(self, "filesystem", filesystem)
        object.__setattr__(self, "root", root.rstrip("/"))

    def path(self, name: str) -> str:
        """Return the path of ``name`` on the filesystem."""
        parts = name.split("/")
        if not name or any(part in {"", ".", ".."} for part in parts):
            raise ValueError(f"{name!r} is not a name inside the storage")
        return f"{self.root}/{name}"

    def exists(self, name: str) -> bool:
        """Tell whether a file is there."""
        return bool(self.filesystem.exists(self.path(name)))

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises
        ------
        NotFound
            When there is no such file.
        """
        try:
            return bytes(self.filesystem.cat_file(self.path(name)))
        except FileNotFoundError:
            raise NotFound(f"{name} is not in the storage.", code="file_missing") from None

    def open(self, name: str) -> BinaryIO:
        """Open a file to read it piece by piece.

        Raises
        ------
        NotFound
            When there is no such file.
        """
        try:
            opened: BinaryIO = self.filesystem.open(self.path(name), "rb")
        except FileNotFoundError:
            raise NotFound(f"{name} is not in the storage.", code="file_missing") from None
        return opened

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all; an existing one is replaced."""
        with self.staged() as staged:
            staged.stream.write(content)
            staged.keep(name)

    @contextmanager
    def staged(self) -> Iterator[StagedFile]:
        """Open a file to write to piece by piece; it is dropped at the end of the block unless it was kept."""
        folder = f"{self.root}/{STAGING}"
        self.filesystem.makedirs(folder, exist_ok=True)
        path = f"{folder}/{uuid.uuid4().hex}"
        staged = StagedFile(self, path, self.filesystem.open(path, "wb"))
        try:
            yield staged
        finally:
            staged.stream.close()
            if self.filesystem.exists(path):
                self.filesystem.rm_file(path)


@dataclass
class StagedFile:
    """A file that is being written and has no name yet."""

    storage: Storage
    path: str
    stream: Any

    def restart(self) -> None:
        """Forget what was written and begin again."""
        self.stream.close()
        self.stream = self.storage.filesystem.open(self.path, "wb")

    def keep(self, name: str) -> None:
        """Finish the file and move it to its name; an existing one is replaced."""
        target = self.storage.path(name)
        self.stream.close()
        self.storage.filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
        self.storage.filesystem.mv(self.path, target)
