"""Editor questions as pure functions of a snapshot: one file per question, plain values and ready bytes as answers.

Knows no protocol message, no open file and no thread.
"""
