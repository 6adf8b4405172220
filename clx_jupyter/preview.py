"""A built page as one document, to be shown where nothing else can be fetched: pictures, styles and scripts are put into it."""

from __future__ import annotations

import base64
import html
import mimetypes
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from clx_jupyter_workers.assets import contained

MAX_PICTURE = 20_000_000
"""Bytes; a larger picture is left out."""

MAX_PICTURES = 60_000_000
"""Bytes of all pictures of one page together, as they are put in; further ones are left out."""

#: Ends a page that has links. A preview can go nowhere by itself: whoever shows it is told which relative address was clicked, and
#: decides what to show; what leads to the web gets a window of its own.
LINKS = b"""<script>
document.addEventListener('click', event => {
  const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
  const href = link ? link.getAttribute('href').trim() : '';
  if (!href || href[0] === '#' || event.defaultPrevented || window.parent === window) return;
  if (/^([a-z][a-z0-9+.-]*:|[\\/\\\\]{2})/i.test(href)) {
    link.setAttribute('target', '_blank');
    link.setAttribute('rel', 'noopener');
  } else {
    event.preventDefault();
    window.parent.postMessage({ type: 'clx-jupyter:link', href }, '*');
  }
});
</script>
"""

#: The policy a preview is served under: scripts run, but in an origin of their own, without the cookies and routes of the server.
POLICY = "sandbox allow-scripts allow-popups"

# No part runs past the next angle bracket or quote: the time stays in proportion to the page, whatever it holds.
_LINK = re.compile(rb"<a\s", re.IGNORECASE)
_IMAGE = re.compile(rb"""(<(?:img|source|image)\b[^<>]*?\s(?:src|href)=)(["'])([^"'<>]*)\2""", re.IGNORECASE)


def preview(page: Path, target: Path) -> bytes:
    """The bytes of *page* with what our pages load, and every picture below *target* as a data address. Raises :class:`OSError`."""
    room, known = MAX_PICTURES, dict[str, bytes | None]()

    def inlined(found: re.Match[bytes]) -> bytes:
        nonlocal room
        address = html.unescape(found[3].decode(errors="replace"))
        if address not in known:
            known[address] = _data(address, page.parent, target)
        data = known[address]
        if data is None or len(data) > room:
            return found[0]
        room -= len(data)
        return b"".join((found[1], found[2], data, found[2]))

    # Last: scripts are long, and hold no picture.
    made = contained(_IMAGE.sub(inlined, page.read_bytes()))
    return made + LINKS if _LINK.search(made) else made


def _data(address: str, folder: Path, target: Path) -> bytes | None:
    """The picture at a relative address as a data address; ``None`` for every other address, and where there is no picture."""
    try:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc or not parts.path:
            return None
        file = (folder / unquote(parts.path)).resolve()
        kind, _ = mimetypes.guess_type(file.name)
        if not kind or not kind.startswith("image/") or not file.is_relative_to(target.resolve()) or file.stat().st_size > MAX_PICTURE:
            return None
        content = file.read_bytes()
    except (OSError, ValueError):
        return None
    return b"data:" + kind.encode() + b";base64," + base64.b64encode(content)
