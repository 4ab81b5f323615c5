"""CodeAnatomy for people and editors: the command line and the language server.

Knows users, editors and their protocols. What a workspace is comes from `codeanatomy_incremental`, what a graph is from
`codeanatomy_engine`.
"""

from __future__ import annotations

__version__ = "0.1.0"
