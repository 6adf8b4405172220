"""Worker programs of clx_jupyter: each is run as ``python -P -m clx_jupyter_workers.<type>`` and speaks frames.

This package never imports ``clx_jupyter``. The modules ``problems``, ``protocol``, ``inputs``, ``assets``, ``browsers`` and
``volumes`` are the contract both sides share; they use the standard library only.
"""

VERSION = 2
"""Version of the conversion: raised whenever the same source would now give other bytes, so that pages are made again."""
