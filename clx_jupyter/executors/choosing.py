"""Which executor runs the workers of which type: what the settings say."""

from __future__ import annotations

from clx_jupyter.executors.base import Executor, Executors, Owner
from clx_jupyter.executors.containers import ContainerExecutor
from clx_jupyter.executors.local import LocalExecutor
from clx_jupyter.jobs import JOB_TYPES
from clx_jupyter.settings import BuildSettings


def chosen(settings: BuildSettings) -> Executors:
    """The executor of each job type; types with the same one share it."""
    names = {type: settings.executors.get(type, "local") for type in JOB_TYPES}
    made: dict[str, Executor] = {}
    for name in names.values():
        if name not in made:
            made[name] = _containers(settings) if name == "containers" else LocalExecutor()
    return {type: made[name] for type, name in names.items()}


async def assign(executors: Executors, owner: Owner) -> None:
    """Let all of them work for this holder of a root, after they ended what earlier ones left."""
    all_of_them = list({id(each): each for each in executors.values()}.values())
    if not any(isinstance(each, LocalExecutor) for each in all_of_them):
        all_of_them.append(LocalExecutor())  # processes and temporary files of this machine may be left whatever the settings say now
    for executor in all_of_them:
        executor.owner = owner
        await executor.sweep()


def _containers(settings: BuildSettings) -> ContainerExecutor:
    return ContainerExecutor(
        command=settings.container_command, images=settings.container_images, arguments=settings.container_arguments,
        memory=settings.container_memory, cpus=settings.container_cpus, network=settings.container_network,
    )  # fmt: skip
