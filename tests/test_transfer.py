"""Files on their way to and from a worker that shares none with this process: a real program, without the notebook libraries."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import resource
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.executors.local import LocalWorker
from clx_jupyter.transfer import Incoming, Transfer, Transfers, open_inside
from clx_jupyter_workers.protocol import CHUNK, FrameError

MIB = 1 << 20
WORKER = """
import hashlib, os, re, subprocess
from pathlib import Path
from clx_jupyter_workers import stage
from clx_jupyter_workers.mirror import mirrored
from clx_jupyter_workers.protocol import serve

def convert(job, link):
    root, seen = Path(job["root"]), {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            with path.open("rb") as stream:
                seen[path.relative_to(root).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    for number, name in enumerate(job["give"]):
        sha256 = stage.put_file(Path(job["stage"]), root / name)
        link.send("output", variant=str(number), sha256=sha256, size=(root / name).stat().st_size)
    for name in job["spoil"]:
        (root / name).write_bytes(b"spoilt")
    if job.get("leave"):
        subprocess.Popen(["sh", "-c", f"while :; do mkdir -p '{root}'; echo > '{root}/left'; done"])
        while not (root / "left").exists(): pass
    shelf = {path.name: path.read_text() for path in sorted(Path(job["shelf"]).rglob("*")) if path.is_file()}
    kept = link.are_shelved(job["kept"]) if job["kept"] else None
    folders = [name for name in ("root", "stage", "scratch", "shelf") if Path(job[name]).is_dir()]
    most = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
    return {"status": "ok", "seen": seen, "shelf": shelf, "kept": kept, "folders": folders, "most": most, "browser": job["browser"]}

serve("notebook", lambda: mirrored(convert))
"""


class Worker(LocalWorker):
    """Its program above; *between* is called after each frame that was sent, as soon as more may follow."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sent: list[tuple[str, int]] = []
        self.between: Callable[[], None] = lambda: None

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        self.sent.append((header["t"], len(body)))
        super().send(header, body)

    async def drain(self) -> None:
        await super().drain()
        self.between()

    @property
    def chunks(self) -> list[int]:
        return [size for kind, size in self.sent if kind == "chunk"]


class World:
    """A course, and the jobs of one worker."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root, self.shelf, self.temporary = folder, folder / "course", folder / "shelf", folder / "worker"
        for each in (self.root, self.shelf, self.temporary):
            each.mkdir()
        (self.root / "a.py").write_text("# %%\n")
        (folder / "worker.py").write_text(WORKER)
        self.transfers = Transfers()
        self.workers: list[Worker] = []
        self.number = 0
        self.transfer: Transfer | None = None

    async def start(self, **environment: str) -> Worker:
        command = (sys.executable, str(self.folder / "worker.py"))
        self.workers.append(await Worker.run(command, self.folder / "log", {**os.environ, "TMPDIR": str(self.temporary), **environment}))
        return self.workers[-1]

    def write(self, name: str | bytes, content: bytes = b"x") -> Path:
        path = self.root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def job(self, *files: str | bytes, **fields: Any) -> dict[str, Any]:
        self.number += 1
        stage = self.folder / f"stage-{self.number}"
        stage.mkdir()
        return {
            "t": "job", "job": self.number, "attempt": 1, "root": str(self.root), "stage": str(stage), "scratch": "/nowhere", "browser": "",
            "shelf": str(self.shelf), "source": {"path": "a.py"}, "files": {os.fsdecode(name): "" for name in files},
            "give": [], "spoil": [], "kept": [], **fields,
        }  # fmt: skip

    async def do(self, worker: Worker, job: dict[str, Any], begun: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """What the worker says at the end of a job, and what else it said on the way; *begun* is called when the offer is made."""
        self.transfer, frame = await self.transfers.begin(worker, job)
        assert not [value for value in frame.values() if value == str(self.root)] and frame["remote"]
        begun()
        worker.send(frame)
        try:
            return await asyncio.wait_for(self._until_done(worker), 60)
        finally:
            await self.transfer.close()

    async def _until_done(self, worker: Worker) -> dict[str, Any]:
        outputs: dict[str, Any] = {}
        assert self.transfer is not None
        while (frame := await worker.receive()) is not None:
            if not await self.transfer.hear(*frame) and frame[0]["t"] == "output":
                outputs[frame[0]["variant"]] = frame[0]
            if frame[0]["t"] in ("done", "problem"):
                return {**frame[0], "outputs": outputs}
        raise AssertionError("the worker is gone: " + worker.last_words())


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    for worker in world.workers:
        await worker.close(10)
    assert list(world.temporary.iterdir()) == []


@pytest.fixture
async def worker(world: World) -> Worker:
    return await world.start()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_a_job_sees_the_course_at_its_places_and_nothing_of_this_machine(world: World, worker: Worker) -> None:
    world.write("data/x.csv", b"1;2")
    world.write("elsewhere/y.csv")
    done = await world.do(worker, world.job("data/x.csv"))
    assert done["seen"] == {"a.py": digest(b"# %%\n"), "data/x.csv": digest(b"1;2")}
    assert done["folders"] == ["root", "stage", "scratch", "shelf"]


async def test_a_large_file_goes_there_and_back_in_small_parts_and_never_whole_through_memory(world: World, worker: Worker) -> None:
    content = bytes(range(256)) * (64 * MIB // 256) + b"!"
    world.write("big.bin", content)
    job = world.job("big.bin", give=["big.bin"])
    done = await world.do(worker, job)
    assert done["seen"]["big.bin"] == done["outputs"]["0"]["sha256"] == digest(content)
    assert (Path(job["stage"]) / digest(content)).read_bytes() == content
    assert max(worker.chunks) == CHUNK and len(worker.chunks) == 66
    assert done["most"] < 50 * MIB


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
async def test_every_size_arrives_and_returns(world: World, worker: Worker, size: int) -> None:
    world.write("x.bin", b"z" * size)
    job = world.job("x.bin", give=["x.bin"])
    done = await world.do(worker, job)
    assert done["seen"]["x.bin"] == digest(b"z" * size)
    assert (Path(job["stage"]) / digest(b"z" * size)).stat().st_size == size


async def test_odd_names_arrive_as_they_are(world: World, worker: Worker) -> None:
    names = ["with space.txt", "ü/ß.txt", "quo'te\".txt", "new\nline.txt", "back\\slash.txt", "-dash", "%20.txt", "日本.csv", "a" * 255]
    for name in names:
        world.write(name, name.encode())
    world.write(b"latin-\xfc.txt", b"odd bytes")
    done = await world.do(worker, world.job(*names, b"latin-\xfc.txt"))
    assert {name: done["seen"].get(name) for name in names} == {name: digest(name.encode()) for name in names}
    assert done["seen"]["latin-\udcfc.txt"] == digest(b"odd bytes")


async def test_equal_files_are_sent_once_and_a_worker_keeps_what_it_got_for_its_next_job(world: World, worker: Worker) -> None:
    for name in ("one.csv", "two.csv", "three.csv"):
        world.write(name, b"same")
    assert len((await world.do(worker, world.job("one.csv", "two.csv")))["seen"]) == 4
    assert len(worker.chunks) == 2
    assert len((await world.do(worker, world.job("three.csv")))["seen"]) == 4
    assert len(worker.chunks) == 2


async def test_a_file_into_which_code_wrote_is_sent_again(world: World, worker: Worker) -> None:
    path = world.write("data.csv", b"as it is")
    await world.do(worker, world.job("data.csv", spoil=["data.csv"]))
    assert path.read_bytes() == b"as it is"
    assert (await world.do(worker, world.job("data.csv")))["seen"]["data.csv"] == digest(b"as it is")


async def test_a_job_whose_file_changed_since_it_was_made_is_told_so(world: World, worker: Worker) -> None:
    path = world.write("data.csv", b"before")
    done = await world.do(worker, world.job("data.csv"), begun=lambda: path.write_bytes(b"after") and None)
    assert done["status"] == "changed"
    assert (await world.do(worker, world.job("data.csv")))["seen"]["data.csv"] == digest(b"after")


async def test_a_file_that_changes_while_it_is_sent_never_reaches_a_job(world: World, worker: Worker) -> None:
    path = world.write("big.bin", b"1" * (8 * MIB))

    def change() -> None:
        with path.open("r+b") as stream:
            stream.seek(-1, os.SEEK_END)
            stream.write(b"2")

    worker.between = change
    assert (await world.do(worker, world.job("big.bin")))["status"] == "changed"


async def test_a_file_that_is_not_needed_may_change_or_vanish(world: World, worker: Worker) -> None:
    log, gone = world.write("server.log"), world.write("gone.log", b"y")
    done = await world.do(worker, world.job(), begun=lambda: log.write_bytes(b"more") and gone.unlink())
    assert (done["status"], list(done["seen"])) == ("ok", ["a.py"])


async def test_a_file_that_vanished_is_not_there_as_for_every_worker(world: World, worker: Worker) -> None:
    path = world.write("data.csv")
    done = await world.do(worker, world.job("data.csv"), begun=path.unlink)
    assert (done["status"], list(done["seen"])) == ("ok", ["a.py"])


async def test_a_cancel_gets_through_in_the_middle_of_a_transfer_and_the_worker_goes_on(world: World, worker: Worker) -> None:
    world.write("big.bin", os.urandom(MIB) * 64)

    def cancel() -> None:
        if len(worker.chunks) == 5:
            worker.send({"t": "cancel", "job": 1, "attempt": 1})

    worker.between = cancel
    assert (await world.do(worker, world.job("big.bin")))["status"] == "cancelled"
    assert len(worker.chunks) < 60
    world.write("big.bin", b"small")
    assert (await world.do(worker, world.job("big.bin")))["seen"]["big.bin"] == digest(b"small")


async def test_a_ping_is_answered_while_files_come(world: World, worker: Worker) -> None:
    world.write("big.bin", os.urandom(MIB) * 16)
    worker.between = lambda: worker.send({"t": "ping", "n": 1}) if len(worker.chunks) == 3 else None
    heard: list[str] = []
    receive = worker.receive

    async def listening() -> tuple[dict[str, Any], bytes] | None:
        frame = await receive()
        heard.append(frame[0]["t"] if frame else "end")
        return frame

    worker.receive = listening  # type: ignore[method-assign]
    assert (await world.do(worker, world.job("big.bin")))["status"] == "ok"
    assert heard.index("pong") < heard.index("done")


async def test_files_that_were_handed_on_come_from_the_shelf_and_are_asked_for_there(world: World, worker: Worker) -> None:
    sha256 = digest(b"1;2")
    (world.shelf / sha256[:2]).mkdir()
    (world.shelf / sha256[:2] / sha256).write_bytes(b"1;2")
    after = [{"path": "b.py", "runs": {"": {"b.csv": sha256, "too large.csv": ""}}}]
    done = await world.do(worker, world.job(after=after, kept=[sha256]))
    assert (done["shelf"], done["kept"]) == ({sha256: "1;2"}, True)
    assert (await world.do(worker, world.job(kept=[sha256, "0" * 64])))["kept"] is False


async def test_what_code_left_running_disturbs_no_later_job(world: World, worker: Worker) -> None:
    world.write("data.csv")
    assert (await world.do(worker, world.job("data.csv", leave=True)))["status"] == "ok"
    assert (await world.do(worker, world.job("data.csv")))["seen"].keys() == {"a.py", "data.csv"}


async def test_what_a_killed_worker_left_is_deleted_by_the_next(world: World, worker: Worker) -> None:
    world.write("data.csv")
    await world.do(worker, world.job("data.csv"))
    worker.kill()
    await worker.close(5)
    (left,) = world.temporary.iterdir()
    other = await world.start()
    await world.do(other, world.job("data.csv"))
    third = await world.start()
    await world.do(third, world.job("data.csv"))  # the folder of one that lives is left alone
    assert not left.exists() and len(list(world.temporary.iterdir())) == 2


async def test_a_full_disk_at_the_workers_end_is_worth_another_attempt(world: World, worker: Worker) -> None:
    started = await world.start()
    await world.do(started, world.job())
    world.write("big.bin", os.urandom(MIB) * 4)
    resource.prlimit(started.pid, resource.RLIMIT_FSIZE, (MIB, MIB))
    done = await world.do(started, world.job("big.bin"))
    assert done["t"] == "problem" and done["problem"]["class"] in ("disk-full", "internal")
    frame = await asyncio.wait_for(started.receive(), 10)
    assert frame is not None and frame[0]["status"] == "infrastructure"


async def test_a_worker_looks_for_its_own_browser_and_says_where_there_is_none(world: World) -> None:
    job = {"variants": [{"format": "html"}, {"format": "pdf"}], "browser": "/usr/bin/ours"}
    worker = await world.start(CLX_CHROMIUM="/nowhere/chromium")
    said = await world.do(worker, world.job(**job))
    assert (said["problem"]["class"], said["problem"]["severity"]) == ("tool-missing", "warning")
    assert "/nowhere/chromium" in said["problem"]["message"]
    other = await world.start(CLX_CHROMIUM=sys.executable)
    assert (await world.do(other, world.job(**job)))["browser"] == sys.executable


# --- what a worker must not do ---


@pytest.fixture
async def transfer(world: World, worker: Worker) -> AsyncIterator[Transfer]:
    world.write("data.csv")
    transfer, _ = await world.transfers.begin(worker, world.job("data.csv"))
    yield transfer
    await transfer.close()


@pytest.mark.fault(32)
@pytest.mark.parametrize(
    "files",
    [
        [["data.csv", "0" * 64]],
        [["/etc/passwd", digest(b"x")]],
        [["../a", digest(b"x")]],
        [["", digest(b"x")]],
        [["a.py"]],
        "data.csv",
        None,
        [[1, 2]],
    ],
)
async def test_whoever_asks_for_what_the_job_does_not_name_is_cut_off(transfer: Transfer, files: Any) -> None:
    with pytest.raises(FrameError):
        await transfer.hear({"t": "fetch", "files": files}, b"")


async def test_whoever_asks_twice_is_cut_off(transfer: Transfer) -> None:
    await transfer.hear({"t": "fetch", "files": [["data.csv", digest(b"x")]]}, b"")
    with pytest.raises(FrameError, match="twice"):
        await transfer.hear({"t": "fetch", "files": [["data.csv", digest(b"x")]]}, b"")


def part(data: bytes, **fields: Any) -> dict[str, Any]:
    return {"t": "file", "sha256": digest(data), "offset": 0, "last": True, **fields}


@pytest.mark.fault(32)
@pytest.mark.parametrize(
    ("header", "body"),
    [
        (part(b"one"), b"two"),
        (part(b"one", offset=1), b"one"),
        (part(b"one", sha256="../../x"), b"one"),
        (part(b"one", sha256=None), b"one"),
        (part(b"z" * (CHUNK + 1)), b"z" * (CHUNK + 1)),
        ({"t": "output", "variant": "0", "sha256": digest(b"never sent"), "size": 1}, b""),
        ({"t": "output", "variant": "0", "sha256": "../../../etc/passwd", "size": 1}, b""),
        ({"t": "written", "files": [digest(b"never sent")]}, b""),
        ({"t": "shelved", "files": ["../x"]}, b""),
    ],
)  # fmt: skip
async def test_whoever_sends_what_is_not_so_is_cut_off(transfer: Transfer, header: dict[str, Any], body: bytes) -> None:
    with pytest.raises(FrameError):
        await transfer.hear(header, body)


async def test_an_output_with_another_size_is_refused(transfer: Transfer) -> None:
    assert await transfer.hear(part(b"page"), b"page")
    assert not await transfer.hear({"t": "output", "variant": "0", "sha256": digest(b"page"), "size": 4}, b"")
    with pytest.raises(FrameError):
        await transfer.hear({"t": "output", "variant": "0", "sha256": digest(b"page"), "size": 5}, b"")


async def test_no_file_is_published_beside_an_output_that_its_worker_was_not_to_see(world: World, transfer: Transfer) -> None:
    world.write("answers.pdf")
    assert await transfer.hear(part(b"page"), b"page")
    output = {"t": "output", "variant": "0", "sha256": digest(b"page"), "size": 4, "assets": ["data.csv", "answers.pdf", "../x", "/page"]}
    assert not await transfer.hear(output, b"")
    assert output["assets"] == ["data.csv", "/page"]


def test_parts_of_two_files_may_not_be_mixed_and_all_of_them_have_a_limit(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path, limit=10)
    incoming.take(part(b"one", last=False), b"on")
    with pytest.raises(FrameError):
        incoming.take(part(b"two"), b"two")
    incoming.close()
    with pytest.raises(FrameError, match="take more than"):
        incoming.take(part(b"1" * 11), b"1" * 11)
    incoming.close()


def test_no_link_leads_out_of_the_course_not_even_one_made_meanwhile(tmp_path: Path) -> None:
    root, outside = tmp_path / "course", tmp_path / "outside"
    (root / "data").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    (root / "data/x.txt").write_text("x")
    (root / "inner.txt").symlink_to("data/x.txt")
    with open_inside(root, "inner.txt") as stream:
        assert stream.read() == b"x"
    (root / "out.txt").symlink_to(outside / "secret.txt")
    (root / "away").symlink_to(outside)
    os.mkfifo(root / "fifo")
    for path in ("out.txt", "away/secret.txt", "../outside/secret.txt", "fifo", "data", "none.txt"):
        with pytest.raises(OSError):
            open_inside(root, path)


class Ends:
    """A file whose disk fails after so many parts; *error* is what reading gives then."""

    def __init__(self, parts: int, error: Exception) -> None:
        self.parts, self.error = parts, error

    def __enter__(self) -> Ends:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, size: int) -> bytes:
        self.parts -= 1
        if self.parts < 0:
            raise self.error
        return b"x" * size


@pytest.mark.parametrize(("parts", "state"), [(0, "missing"), (1, "missing"), (3, "changed")])
async def test_a_file_that_the_disk_does_not_give_to_its_end_is_not_taken_for_one_that_is_gone(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch, parts: int, state: str
) -> None:
    monkeypatch.setattr("clx_jupyter.transfer.open_inside", lambda root, path: Ends(parts, OSError(errno.EIO, "the disk")))
    *before, (last, body) = transfer._parts("data.csv", digest(b"x"))
    assert (last["state"], last["last"], body) == (state, True, b"")
    assert [header["offset"] for header, _ in before] == [CHUNK * number for number in range(len(before))]


async def test_a_worker_whose_files_cannot_be_sent_is_not_left_waiting(
    world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write("data.csv")
    with monkeypatch.context() as patch:
        patch.setattr("clx_jupyter.transfer.open_inside", lambda root, path: Ends(0, RuntimeError("a slip of ours")))
        with pytest.raises(AssertionError, match="the worker is gone"):
            await world.do(worker, world.job("data.csv"))
    assert (await world.do(await world.start(), world.job("data.csv")))["status"] == "ok"


async def test_what_several_outputs_hold_comes_back_once(world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write("data.csv")
    taken: list[str] = []
    take = Incoming.take

    def noted(self: Incoming, header: dict[str, Any], body: bytes) -> None:
        taken.append(header["sha256"])
        take(self, header, body)

    monkeypatch.setattr(Incoming, "take", noted)
    done = await world.do(worker, world.job("data.csv", give=["data.csv", "data.csv"]))
    assert list(done["outputs"]) == ["0", "1"] and taken == [digest(b"x")]
