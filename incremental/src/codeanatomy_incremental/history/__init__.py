"""The history of a graph: Delta tables of evidence and of the graph, one version for each checkpoint.

Rows are only ever appended, each with the file that owns it and the generation, that is the version, that wrote it. The table
`owners` says which generation of a file counts from when on, and one commit of the table `manifests`, written last, makes a
checkpoint true: whoever reads begins there and sees all of it or nothing. The source stays the truth; a history that does not
match it is a mistake of ours and never served as the present.

Not here: what the rows mean, who decides when to write, and processes.
"""
