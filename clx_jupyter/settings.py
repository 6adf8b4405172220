"""The settings of builds: how many workers there are, where they run, and how long things are kept."""

from __future__ import annotations

import shlex
from typing import Any

from traitlets import Bool, Dict, Enum, Float, Integer, List, TraitError, Unicode, validate
from traitlets.config.configurable import Configurable

from clx_jupyter.jobs import JOB_TYPES


class WrongSetting(TraitError):
    """A value that a setting cannot have, in words for people."""


class BuildSettings(Configurable):
    """What a person may choose about the engine, the same for servers and for the terminal."""

    workers = Integer(0, min=0, max=64, help="Worker processes of a course. 0: as many as CPU and memory allow this process.").tag(
        config=True
    )
    pool_sizes = Dict(
        Integer(min=1, max=64), {}, key_trait=Unicode(), help="Worker processes by job type, where that differs from `workers`."
    ).tag(config=True)
    spare_workers = Integer(
        1, min=0, max=8, help="In a build that keeps all workers busy, so many more stand by for one that is lost or replaced."
    ).tag(config=True)
    idle_seconds = Float(300.0, min=0.0, help="A worker that has had nothing to do for so many seconds ends.").tag(config=True)
    memory_limit = Integer(
        0, min=0,
        help="Megabytes. A worker that with all it started holds more is replaced after its job, and killed at twice as much."
        " 0: half of the memory, shared among the workers.",
    ).tag(config=True)  # fmt: skip
    jobs_per_worker = Integer(0, min=0, help="A worker is replaced after so many jobs. 0: only for its memory.").tag(config=True)
    executors = Dict(
        Enum(("local", "containers")), {}, key_trait=Unicode(),
        help="Where workers run, by job type: `local` (processes of this machine, the default) or `containers`.",
    ).tag(config=True)  # fmt: skip
    container_command = Unicode(
        "", help="Program that runs containers, with options of its own in front. Empty: podman or docker, whichever is there."
    ).tag(config=True)
    container_images = Dict(
        Unicode(), {}, key_trait=Unicode(), help="The image of the workers, by job type. Where none is named: `clx-` and the type."
    ).tag(config=True)
    container_arguments = List(Unicode(), [], help="More arguments for the `run` of the container command.").tag(config=True)
    container_memory = Integer(2048, min=0, help="Megabytes of memory of a container. 0: no limit.").tag(config=True)
    container_cpus = Float(1.0, min=0.0, help="Processors that a container may use. 0: no limit.").tag(config=True)
    container_network = Bool(False, help="Code in containers may use the network.").tag(config=True)
    journal_mode = Enum(
        ("auto", "wal", "delete"), "auto", help="SQLite's journal of the job database. auto: `delete` on network file systems, else `wal`."
    ).tag(config=True)
    keep_days = Float(30.0, min=0.0, help="Builds that ended, their reports and logs are kept for so many days.").tag(config=True)
    keep_builds = Integer(100, min=1, help="So many ended builds of a course are kept at most.").tag(config=True)
    keep_executions = Integer(2000, min=0, help="Megabytes of kept results of code; the ones not used for longest go first.").tag(
        config=True
    )

    @validate("pool_sizes", "executors", "container_images")
    def _known_types(self, proposal: Any) -> Any:
        if unknown := [type for type in proposal["value"] if type not in JOB_TYPES]:
            raise WrongSetting(f"there is no job type {unknown[0]!r}; there are: {', '.join(JOB_TYPES)}")
        return proposal["value"]

    @validate("container_command")
    def _whole_words(self, proposal: Any) -> Any:
        try:
            shlex.split(proposal["value"])
        except ValueError:
            raise WrongSetting("a quotation mark is missing") from None
        return proposal["value"]
