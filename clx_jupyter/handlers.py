"""The REST interface (``docs/rest-api.md``): thin handlers over the service that the command line uses too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from typing import Any
from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, authenticated

from clx_jupyter.errors import ClxError, Problem, RequestError
from clx_jupyter.preview import POLICY
from clx_jupyter.requests import FLAGS, LISTS
from clx_jupyter.service import Download, Service

AUTH_RESOURCE = "clx_jupyter"
_MAX_BODY = 1_000_000


class ClxHandler(APIHandler):
    """What all handlers have in common; errors answer with the fields of a problem."""

    auth_resource = AUTH_RESOURCE

    def initialize(self, service: Service, wrong: ClxError | None = None) -> None:
        """Called by tornado with the arguments of the route; *wrong*: what is answered to all, in place of anything else."""
        self.service, self.wrong = service, wrong

    async def prepare(self, *, _redirect_to_login: bool = False) -> None:
        """Whoever is logged in is told what is wrong with the settings; others learn nothing."""
        await super().prepare()
        if self.wrong is not None and self.current_user and not self._finished:
            self.set_status(503)
            self.finish(json.dumps(self.wrong.problem.to_json()))

    async def reply(self, work: Awaitable[dict[str, Any] | bytes | Download], status: int = 200) -> None:
        """Answer with what *work* gives (bytes are a page), or with the problem that it ran into."""
        try:
            answer = await work
        except ClxError as error:
            status, answer = error.status, error.problem.to_json()
        except HTTPError:
            raise
        except Exception:
            self.log.exception("a request to clx_jupyter failed")
            hint = "this is an error of clx_jupyter: please report it with the server's log"
            status, answer = 500, Problem("internal", "the request failed", hint).to_json()
        self.set_status(status)
        if isinstance(answer, Download):
            await self._send(answer)
        elif isinstance(answer, bytes):
            self.finish(answer, set_content_type="text/html; charset=UTF-8")
        else:
            self.finish(json.dumps(answer))

    async def _send(self, download: Download) -> None:
        """Send a file piece by piece. What goes wrong meanwhile breaks the connection: nobody may take a part for the whole."""
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(download.name, safe='')}")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        try:
            while piece := await asyncio.to_thread(next, download.pieces, b""):
                self.write(piece)
                await self.flush()
        except StreamClosedError:
            return  # whoever asked has gone
        except Exception:
            self.log.exception("sending %s failed", download.name)
            self.detach().close()
            return
        self.finish(set_content_type="application/zip")

    def fields(self, required: Mapping[str, type[Any]], optional: Mapping[str, type[Any]]) -> dict[str, Any]:
        """The body, checked. Raises :class:`RequestError`."""
        if len(self.request.body) > _MAX_BODY:
            raise RequestError("the request is too large", "ask for less at a time")
        try:
            body = json.loads(self.request.body)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise RequestError("the body is no JSON object", "see docs/rest-api.md")
        kinds = {**required, **optional}
        for name, value in body.items():
            if name not in kinds:
                raise RequestError(f"there is no field {name!r}", f"there are: {', '.join(kinds)}")
            wrong = not isinstance(value, kinds[name]) or (kinds[name] is list and any(not isinstance(each, str) for each in value))
            if wrong:
                raise RequestError(f"{name} has the wrong type", "see docs/rest-api.md")
        for name in required:
            if name not in body:
                raise RequestError(f"{name} is missing", "see docs/rest-api.md")
        return body

    def number(self, name: str, otherwise: float, most: float) -> float:
        """A number from the query. Raises :class:`RequestError`."""
        text = self.get_query_argument(name, "")
        try:
            value = float(text) if text else otherwise
        except ValueError:
            value = -1.0
        if not 0 <= value <= most:
            raise RequestError(f"{name} must be a number from 0 to {most:g}", "see docs/rest-api.md")
        return value


class CoursesHandler(ClxHandler):
    """Which courses there are."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """List them."""
        await self.reply(asyncio.to_thread(self.service.candidates, self.get_query_argument("path", "")))


class CourseHandler(ClxHandler):
    """One course."""

    @authenticated
    @authorized
    async def get(self, id: str) -> None:
        """Its tree with states."""
        await self.reply(asyncio.to_thread(self.service.course, id))

    @authenticated
    @authorized
    async def post(self, id: str) -> None:
        """Write the course file that a folder lacks."""

        async def work() -> dict[str, Any]:
            return await asyncio.to_thread(self.service.write_course_file, id, self.fields({"do": str}, {})["do"])

        await self.reply(work(), 201)


class ArchivesHandler(ClxHandler):
    """The archives of a course."""

    @authenticated
    @authorized
    async def get(self, id: str) -> None:
        """List them."""
        await self.reply(asyncio.to_thread(self.service.archives, id))


class ArchiveHandler(ClxHandler):
    """The archive of one target."""

    @authenticated
    @authorized
    async def get(self, id: str, target: str) -> None:
        """Download it."""
        await self.reply(asyncio.to_thread(self.service.archive, id, target))


class BuildsHandler(ClxHandler):
    """The builds of a course."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """The latest ones."""

        async def work() -> dict[str, Any]:
            limit = int(self.number("limit", 20, 1000))
            return await asyncio.to_thread(self.service.builds, self.get_query_argument("course", ""), limit)

        await self.reply(work())

    @authenticated
    @authorized
    async def post(self) -> None:
        """Start one."""

        async def work() -> dict[str, Any]:
            return await self.service.start(self.fields({"course": str}, {**dict.fromkeys(FLAGS, bool), **dict.fromkeys(LISTS, list)}))

        await self.reply(work(), 201)


class BuildHandler(ClxHandler):
    """One build."""

    @authenticated
    @authorized
    async def get(self, id: str) -> None:
        """How far it is."""

        async def work() -> dict[str, Any]:
            since = self.number("since", 0.0, 1e12)
            return await asyncio.to_thread(self.service.build, self.get_query_argument("course", ""), id, since)

        await self.reply(work())

    @authenticated
    @authorized
    async def post(self, id: str) -> None:
        """Cancel it, or try again what failed."""

        async def work() -> dict[str, Any]:
            return await self.service.change(self.get_query_argument("course", ""), id, self.fields({"do": str}, {})["do"])

        await self.reply(work())


class OutputHandler(ClxHandler):
    """A built page, as one document."""

    @property
    def content_security_policy(self) -> str:
        """In an origin of its own: what the page runs can reach neither cookies nor routes of this server."""
        return f"frame-ancestors 'self'; {POLICY}"

    @authenticated
    @authorized
    async def get(self, name: str) -> None:
        """The page."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        await self.reply(asyncio.to_thread(self.service.page, self.get_query_argument("course", ""), name))


class ConvertHandler(ClxHandler):
    """One notebook or text deck."""

    @authenticated
    @authorized
    async def post(self) -> None:
        """Build it."""

        async def work() -> dict[str, Any]:
            return await self.service.convert(self.fields({"path": str}, {"execute": bool, "course": str}))

        await self.reply(work(), 201)


ROUTES: list[tuple[str, type[ClxHandler]]] = [
    (r"clx/courses", CoursesHandler),
    (r"clx/courses/([\w-]+)", CourseHandler),
    (r"clx/courses/([\w-]+)/archives", ArchivesHandler),
    (r"clx/courses/([\w-]+)/archives/([^/]+)", ArchiveHandler),
    (r"clx/builds", BuildsHandler),
    (r"clx/builds/([\w-]+)", BuildHandler),
    (r"clx/convert", ConvertHandler),
    (r"clx/outputs/(.+)", OutputHandler),
]


def routes(service: Service, wrong: ClxError | None = None) -> list[tuple[str, type[ClxHandler], dict[str, Any]]]:
    """The routes as tornado wants them, below the base URL; *wrong*: what all of them answer."""
    return [(f"/{pattern}", handler, {"service": service, "wrong": wrong}) for pattern, handler in ROUTES]
