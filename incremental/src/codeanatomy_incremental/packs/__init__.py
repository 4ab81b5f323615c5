"""Rule packs: folders of TOML files, one file per rule, and the loader that turns them into the program of the engine.

Packs are data. Nothing here reads a workspace or calls the engine, and no rule can run code.
"""
