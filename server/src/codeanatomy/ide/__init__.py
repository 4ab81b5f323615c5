"""Editor questions as pure functions: one file per question, plain values and ready bytes as answers.

They ask a snapshot, or the engine that follows the edits where the text alone decides. They know no protocol message, no open
file and no thread.
"""
