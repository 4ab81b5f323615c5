"""`python -m codeanatomy`, the same as the command `codeanatomy`."""

from __future__ import annotations

from codeanatomy.cli import main

raise SystemExit(main())
