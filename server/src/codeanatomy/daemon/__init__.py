"""One process for each workspace that holds its graph, and what finds, starts and asks it.

`place` knows where a daemon is and starts it, `serve` is the daemon, `front` speaks with an editor and survives daemons, `caller`
asks for a command. `place` and `front` import next to nothing: an editor waits for them.
"""

from __future__ import annotations
