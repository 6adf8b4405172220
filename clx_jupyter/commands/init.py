"""``clx init``: write the first course file of a folder."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from clx_jupyter.course import schema
from clx_jupyter.course.draft import draft_for
from clx_jupyter.course.load import find


def init(options: argparse.Namespace) -> int:
    """Write a course file from what is found, never over one that is there."""
    if options.schema:
        print(json.dumps(schema.whole(), ensure_ascii=False, indent=2))
        return 0
    draft = draft_for(find(Path(options.path or ".")))
    if options.dry_run:
        print(draft.text, end="")
        return 0
    draft.write()
    print(f"wrote {draft.path}: {draft.notice}")
    print("change it as you like; `clx validate` checks it, `clx build` builds it")
    return 0
