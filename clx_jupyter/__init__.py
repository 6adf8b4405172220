"""Builds courses from notebooks and diagrams: a Jupyter Server extension, a JupyterLab sidebar and the command ``clx``."""

__version__ = "0.1.0"


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "clx-jupyter"}]


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    from clx_jupyter.extension import ClxApp  # here, so that `clx` and the workers never load the server

    return [{"module": "clx_jupyter", "app": ClxApp}]
