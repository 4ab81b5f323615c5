"""The image of a graph on disk: where it lies, what has to be true for it to be of use, and when it is worth writing again.

An image is disposable. It is taken only if the same engine, program, options and target wrote it for the same folder, and only
after its checksums; what changed on disk since then is found by comparing stamps, as in a running graph. What is wrong with it
costs the time of reading the sources, never an answer.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from codeanatomy_engine import Capture, Engine, EngineError, Image

from codeanatomy_incremental import workspace
from codeanatomy_incremental.libraries import LibraryState, cache_folder
from codeanatomy_incremental.options import WorkspaceOptions

logger = logging.getLogger(__name__)

_SUFFIX = ".image"
_MOST_BYTES = 4 << 30
"""All images of a user together; those not used for longest go first."""
_LEFT_OVER_S = 3600.0
"""A file that was begun so long ago and has no name yet is what a crash left."""
_LEAST_CHANGES = 64
_LEAST_SHARE = 0.02
"""An image is written again when this many files and this share of all are not as it says: reading them anew takes longer than
opening it."""


class Kept(msgspec.Struct, frozen=True):
    """What of a graph has no place in the engine."""

    known: dict[str, workspace.Known]
    libraries: LibraryState


class ImageFile:
    """The image of one graph."""

    def __init__(self, folder: str, root: str, options: WorkspaceOptions, target: tuple[str, str]) -> None:
        real = os.path.realpath(root)
        name = hashlib.blake2b(os.fsencode(real), digest_size=12).hexdigest()
        self.place = Path(folder, "images", name + _SUFFIX)
        self.conditions = conditions_of([os.fsencode(real), os.fsencode(root), options, target])
        self.refusal = ""
        """Why the last attempt to read or write it failed, with its code; empty if it did not."""
        self._stale: set[str] = set()
        self._whole = True
        self._failed = False

    def open(self, program: bytes) -> Image | None:
        """The image if it is of use; best before anything else is named in this process."""
        try:
            image = Image.open(self.place, program, self.conditions)
            if image is not None:
                os.utime(self.place)
            return image
        except EngineError as error:
            self.refuse(error)
        except OSError as error:
            logger.info("the time of %s cannot be set: %s", self.place, error)
        return None

    def refuse(self, error: EngineError) -> None:
        """Do without the image that there is."""
        self.refusal = f"{error.code}: {error}"
        logger.warning("%s", self.refusal)
        try:
            self.place.unlink(missing_ok=True)
        except OSError as failure:
            logger.warning("%s cannot be removed: %s", self.place, failure)

    def opened(self) -> None:
        """Note that the graph began with the image, so that only changes from now on count."""
        self._whole = False

    def changed(self, files: tuple[str, ...]) -> None:
        """Note files that are in the graph with another text than in the image."""
        self._stale.update(files)

    def is_due(self, files: int) -> bool:
        """Whether it should be written for a graph of so many files."""
        return not self._failed and (self._whole or len(self._stale) >= max(_LEAST_CHANGES, int(files * _LEAST_SHARE)))

    def begin(self) -> None:
        """Note that what is in the graph now is being written."""
        self._stale, self._whole = set(), False

    def write(self, engine: Engine, capture: Capture, kept: bytes) -> None:
        """Write the image of a snapshot of a graph and let the graph lie in it. A failure is told and costs only the image; it is not tried again
        before the process starts anew."""
        try:
            began = time.monotonic()
            size = engine.write_image(capture, self.place, self.conditions, kept)
            logger.info("an image of %.1f MB was written in %.2f s", size / 1e6, time.monotonic() - began)
            engine.works_again("", os.fspath(self.place))
        except EngineError as error:
            self._failed = True
            engine.note_fault(error.code, error.stage, str(error), os.fspath(self.place))
            self.refusal = f"{error.code}: {error}"
            logger.warning("%s", self.refusal)
        tidy(self.place.parent)


def conditions_of(facts: list[object]) -> str:
    """What has to be the same for an image to be of use, as one text."""
    told = msgspec.json.encode([*facts, msgspec.json.schema(Kept)])
    return hashlib.blake2b(told, digest_size=16).hexdigest()


def image_of(
    root: str, options: WorkspaceOptions, target: tuple[str, str], environ: Mapping[str, str]
) -> ImageFile | None:
    """The image of a folder; None if the system has no place for one."""
    folder = cache_folder(environ)
    return ImageFile(folder, root, options, target) if folder else None


def name_first(root: str, environ: Mapping[str, str]) -> None:
    """Give names in this process the numbers that they have in the image of a folder, if there is one: nothing of it has to be copied
    then. Comes before everything else that names anything."""
    file = image_of(root, WorkspaceOptions(), ("", ""), environ)
    if file is not None:
        Image.adopt_symbols(file.place)


def tidy(folder: Path) -> None:
    """Keep images within their bounds. What cannot be removed is left for the next time."""
    found: list[tuple[float, int, Path]] = []
    for each in _listed(folder):
        try:
            status = each.stat()
        except OSError:
            # Another process tidies too.
            continue
        found.append((status.st_mtime, status.st_size, each))
    size = 0
    for changed, length, each in sorted(found, reverse=True):
        is_left_over = each.name.startswith(".") and time.time() - changed > _LEFT_OVER_S
        size += length
        if is_left_over or size > _MOST_BYTES:
            try:
                each.unlink(missing_ok=True)
            except OSError as error:
                logger.info("%s cannot be removed: %s", each, error)


def _listed(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if _SUFFIX in each.name]
    except OSError:
        return []
