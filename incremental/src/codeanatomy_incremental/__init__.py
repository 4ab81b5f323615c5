"""A Python workspace and its changes, kept as a living graph.

Knows files, ignore rules, module names, rule packs, watching and the one writer. Knows no editor and no protocol.
"""
