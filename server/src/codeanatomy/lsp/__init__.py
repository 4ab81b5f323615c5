"""The language server: protocol messages in, one editor question each, protocol messages out.

The conversion between the two worlds is in `convert.py`; the engine alone counts characters.
"""
