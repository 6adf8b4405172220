"""What a server's doors ask for, in words of contents paths and ids (``docs/rest-api.md``)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clx_jupyter.archives import Archive, archive_of, is_there, packed, published, target_of
from clx_jupyter.course.discover import Candidate, discover
from clx_jupyter.course.draft import draft_for
from clx_jupyter.course.load import Place, check_named, load
from clx_jupyter.course.model import Course
from clx_jupyter.errors import MissingError, RequestError
from clx_jupyter.job_reader import Reader
from clx_jupyter.jobs import BULK, INTERACTIVE
from clx_jupyter.places import Places
from clx_jupyter.preview import preview
from clx_jupyter.reports import output_root
from clx_jupyter.requests import FLAGS, LISTS, Request
from clx_jupyter.roots import Roots
from clx_jupyter.start_pages import START
from clx_jupyter.views import BuildLook, course_view, folder_of


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is made while it is sent."""

    name: str
    pieces: Iterator[bytes]


class Service:
    """The courses below the folder that a server shows, and the builds of them; raises :class:`ClxError` where something is wrong."""

    def __init__(self, places: Places, roots: Roots, scan_limit: int) -> None:
        self.places, self.roots, self.scan_limit = places, roots, scan_limit

    def look(self, place: Place) -> BuildLook:
        """A look at the builds of a course."""
        folder = folder_of(place)
        return BuildLook(place, lambda id: self.roots.live(folder, id), self.places.contents_path)

    def candidates(self, path: str) -> dict[str, Any]:
        """The courses below a folder."""
        folder = self.places.absolute(path)
        if not folder.is_dir():
            raise RequestError(f"{path} is no folder", "give the folder to look in")
        found = discover(folder, self.scan_limit)
        return {"courses": [self._candidate(each) for each in found.candidates], "more": found.more}

    def _candidate(self, candidate: Candidate) -> dict[str, Any]:
        path = self.places.contents_path(candidate.path) or ""
        # By its path and not by the course it would give: that may be wrong, and whoever picks it learns why.
        place = Place(self.places.root, path)
        return {"id": self.places.id_of(place), "path": path, "title": candidate.title, "kind": candidate.kind, "built": candidate.built}

    def course(self, id: str) -> dict[str, Any]:
        """One course."""
        place = self.places.course(id)
        look = self.look(place)
        view = course_view(check_named(place), self.places.contents_path)
        path = self.places.contents_path(place.root / (place.single or place.file or ".")) or ""
        latest = next(iter(look.builds(1)), None)
        return {
            "id": id,
            "path": path,
            **view,
            "build": {**latest, "course": id} if latest else None,
            "open": [{**build, "course": id} for build in look.open()],
        }  # fmt: skip

    def write_course_file(self, id: str, what: str) -> dict[str, Any]:
        """Write the course file of a folder from what is found there, never over one; gives it and its course."""
        if what != "init":
            raise RequestError(f"a course cannot {what!r}", 'say {"do": "init"}')
        draft = draft_for(self.places.course(id))
        draft.write()
        path = self.places.contents_path(draft.path) or ""
        return {"id": self.places.id_of(self.places.place(path)), "path": path, "notice": draft.notice}

    def builds(self, id: str, limit: int) -> dict[str, Any]:
        """The latest builds of a course."""
        return {"builds": [{**build, "course": id} for build in self.look(self.places.course(id)).builds(limit)]}

    def build(self, course: str, id: str, since: float = 0.0) -> dict[str, Any]:
        """One build."""
        build = self.look(self.places.course(course)).build(id, since)
        if build is None:
            raise MissingError(f"there is no build {id} of this course", "its record may have been cleaned up")
        return {**build, "course": course}

    def page(self, course: str, name: str) -> bytes:
        """A built page as one document; *name* as in the course. Nothing but pages that were built of this course is given."""
        place = self.places.course(course)
        built = [path for path in Reader(folder_of(place)).stored(place.file) if path.endswith((".html", ".htm"))]
        # All share the folder that names count from, so the shortest path is the one that is meant.
        found = min((path for path in built if path.endswith(f"/{name}")), key=len, default=None)
        file, folder = (Path(found), Path(found.removesuffix(name))) if found else self._start_page(course, name)
        if file is not None and self.places.shows(file):
            with contextlib.suppress(OSError):
                return preview(file, folder)
        raise MissingError(f"there is no page {name}", "build the course, then open it again")

    def _start_page(self, id: str, name: str) -> tuple[Path, Path] | tuple[None, Path]:
        """The start page of this name that the manifest of a target knows as one of this course, and the folder of the target."""
        place, course = self._loaded(id)
        for target in course.targets:
            folder = target.path.relative_to(output_root(course)).as_posix() + "/"
            path = name.removeprefix(folder)
            if name.startswith(folder) and path.endswith(".html") and is_there(target.path, path):
                entry = published(course, target, place.single).get(path)
                if entry and entry.variant.split("/")[-1] == START:
                    return target.path / path, target.path
        return None, place.root

    def archives(self, id: str) -> dict[str, Any]:
        """What the archive of each target would hold; of targets without anything built there is none."""
        place, course = self._loaded(id)
        found = []
        for target in course.targets:
            with contextlib.suppress(MissingError):
                found.append(self._archive(course, target.name, place.single))
        rows = [
            {"target": each.target.name, "name": each.name, "files": len(each.files), "size": each.size,
             "audience": each.audience.level, "why": each.audience.why}
            for each in found
        ]  # fmt: skip
        return {"archives": rows}

    def archive(self, id: str, target: str) -> Download:
        """The archive of a target, packed while it is read."""
        place, course = self._loaded(id)
        archive = self._archive(course, target, place.single)
        return Download(archive.name, packed(archive))

    def _loaded(self, id: str) -> tuple[Place, Course]:
        place = check_named(self.places.course(id))
        return place, load(place)

    def _archive(self, course: Course, name: str, single: str) -> Archive:
        target = target_of(course, name)
        if not self.places.shows(target.path):
            raise MissingError(f"the target {name} lies outside of the folder that this server shows", "pack it in a terminal: `clx zip`")
        return archive_of(course, target, single)

    async def start(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Build a course, or a part of it."""
        course = body["course"]
        place = await asyncio.to_thread(lambda: check_named(self.places.course(course)))
        return await self._start(course, place, body)

    async def _start(self, course: str, place: Place, body: Mapping[str, Any], source: str = "") -> dict[str, Any]:
        asked = {name: body[name] for name in (*FLAGS, *LISTS) if name in body} | ({"sources": [source]} if source else {})
        priority = INTERACTIVE if asked.get("sources") or place.single else BULK
        where = {"root": str(place.root), "file": place.file, "single": place.single}
        id = await self.roots.start(Request.from_json({**where, **asked, "priority": priority}))
        return await asyncio.to_thread(self.build, course, id)

    async def change(self, course: str, id: str, what: str) -> dict[str, Any]:
        """Cancel a build, or build again what failed in it; gives the build that is cancelled or started."""
        if what not in ("cancel", "retry"):
            raise RequestError(f"a build cannot {what!r}", 'say {"do": "cancel"} or {"do": "retry"}')
        build = await asyncio.to_thread(self.build, course, id)
        place = await asyncio.to_thread(self.places.course, course)
        if what == "retry":
            return await self._start(course, place, {**build["request"], "failed": True, "force": False})
        await self.roots.cancel(place.root, folder_of(place), id)
        return await asyncio.to_thread(self.build, course, id)

    async def convert(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Build one notebook, in its course or outside any."""
        place = await asyncio.to_thread(self._place_of, body["path"], body.get("course"))
        chosen, place = place.chosen, replace(place, chosen="")
        return await self._start(self.places.id_of(place), place, body, chosen)

    def _place_of(self, path: str, course: str | None) -> Place:
        """The course of a notebook: the one that built it, or the one that the sidebar shows if it is a source there."""
        place = self.places.place(path)
        if not place.single and not place.chosen:
            raise RequestError(f"{path} is no notebook", "give a notebook, or a text file that is one")
        if course and place.single:
            shown = self.places.course(course)
            file = self.places.absolute(path)
            if shown.file and any(shown.root / source.path == file for _, _, source in load(shown).sources()):
                return replace(shown, chosen=file.relative_to(shown.root).as_posix())
        return place
