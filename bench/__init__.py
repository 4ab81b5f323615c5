"""Ours beside the peers, on the same files in one run. Prints what it measures and asserts no time."""
