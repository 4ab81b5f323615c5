"""The long run: `python -m tests.walks --edits 100000 --seed 7`. Prints each broken walk, made small; leaves with 1 if any."""

from __future__ import annotations

import argparse
import sys
import time

from tests.walks import runs


def main() -> int:
    """Walk as far as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.walks", description="Random edits: live equals fresh.")
    parser.add_argument("--edits", type=int, default=10_000, help="edits to make in all")
    parser.add_argument("--seed", type=int, default=1, help="the same seed walks the same way")
    parser.add_argument("--over", choices=("small", "real", "both"), default="both", help="what to walk over")
    options = parser.parse_args()
    truth = runs.truth()
    broken = 0
    share = {"small": (1.0, 0.0), "real": (0.0, 1.0), "both": (0.8, 0.2)}[options.over]
    for name, run, part in (("small projects", runs.small, share[0]), (runs.REAL[0], runs.real, share[1])):
        began = time.monotonic()
        told = 0
        for tally in run(truth, options.seed, int(options.edits * part)):
            for text in tally.broken[told:]:
                print(f"BROKEN: {text}\n", flush=True)
            told = len(tally.broken)
            print(
                f"{name}: {tally.edits} edits in {tally.steps} steps of {tally.walks} walks, "
                f"{tally.comparisons} comparisons, {told} broken, {time.monotonic() - began:.0f} s",
                file=sys.stderr,
                flush=True,
            )
        broken += told
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
