"""Types of the native module; the promises are those of the engine, written where its users read them."""

from __future__ import annotations

from pathlib import Path
from typing import final

__version__: str

TOKEN_TYPES: list[str]
"""Types of semantic tokens, by the number that stands for them."""

TOKEN_MODIFIERS: list[str]
"""Modifiers of semantic tokens, by the number of their bit."""

def held_bytes() -> int:
    """Bytes of the engine's own memory that are in use, by its allocator's count; 0 where that does not count."""

def give_back() -> None:
    """Let what is free go back to the system: what threads that are gone have left is free and not returned."""

def compiles() -> int:
    """How many programs were compiled in this process: one for each program that somebody began to use."""

def would_run(policy: bytes, changed: int, files: int) -> str:
    """How a commit of so many changed files would run under a policy (JSON): `keyed` or `full`."""

def manifest(program: bytes) -> bytes:
    """What a program is, as JSON: `fingerprint` (the key of everything that is derived from it), `spec_hash`, `contracts`, `engine`,
    `extractor` and `packs`. Nothing is compiled; raises EngineError if it is no program."""

def semantic_tokens_edits(before: bytes, after: bytes) -> bytes:
    """LSP `SemanticTokensEdit[]` that make the `data` of one answer that of another."""

def fail_at(point: str) -> None:
    """Fail at a point of persistence as the environment variable `FAILPOINTS` asks: OSError, or the end of the process. For tests;
    does nothing without the variable."""

class EngineError(Exception):
    """A failure of the engine. `str(error)` is the sentence for people; programs match `code`."""

    code: str
    """Stable code, such as `query-refused`."""

    stage: str
    """Where it happened: read, parse, extract, decode, compile, plan, run, answer or persist."""

    hint: str
    """The next step, if one is known."""

    where: str
    """The rule file and key, or the path, that it is about."""

@final
class SourceFile:
    """One file of the workspace as the graph shall see it."""

    def __init__(
        self,
        path: str,
        module: str,
        package: str,
        is_package: bool,
        is_stub: bool,
        partition: str,
        search_rank: int,
        content: bytes | None,
        error: str = "",
    ) -> None:
        """`content` is None if the file could not be read; `error` is then the code that says why."""

@final
class CancelToken:
    """Asks work that runs in the engine to stop at its next seam."""

    def __init__(self) -> None: ...
    def cancel(self) -> None:
        """Ask the work to stop; it leaves nothing half written."""

    @property
    def cancelled(self) -> bool: ...

@final
class Compiling:
    """A program that is compiled, in a thread of its own, before anybody knows for which workspace. Serves one engine."""

    def __init__(self, program: bytes) -> None: ...

@final
class Engine:
    """The graph of one workspace. Documents may be touched from any thread, the graph from one at a time."""

    def __init__(
        self,
        program: bytes,
        root_uri: str = "",
        max_file_bytes: int = 0,
        python_version: str = "3.11",
        platform: str = "linux",
    ) -> None:
        """Compile a program document. `root_uri` is put before relative paths to make the URIs in answers; a larger text than
        `max_file_bytes` is not analysed, 0 being the limit of the engine. Branches that ask for the version of Python or for
        `sys.platform` are decided for that `python_version` and `platform`; ValueError if the version is none."""

    @staticmethod
    def begin(
        program: bytes,
        root_uri: str = "",
        max_file_bytes: int = 0,
        python_version: str = "3.11",
        platform: str = "linux",
        ahead: Compiling | None = None,
    ) -> Engine:
        """An engine whose program is compiled while documents are opened and files are staged. What needs the program waits
        for it and raises what the compiler refuses. What is compiled `ahead` is taken if it is the same program."""

    def ready(self) -> None:
        """Wait until the program is compiled; raises what the compiler refuses."""

    def set_policy(self, policy: bytes) -> None:
        """Run under a policy (JSON) from now on: `profile`, `validation`, `calibration`, `artifacts`, and thresholds in place of those
        of the profile. Raises findings where the policy refuses them; before the program is compiled these are what the compiler
        refuses."""

    def set_encoding(self, encoding: str) -> None:
        """Count characters as `utf-8`, `utf-16` or `utf-32` from now on."""

    def open_document(self, file: SourceFile, version: int) -> bytes:
        """Let an editor own the text of a file; the syntax diagnostics, as LSP `Diagnostic[]`."""

    def open_library_document(self, file: bytes, text: str, version: int) -> bytes:
        """Let an editor own the text of a library file (JSON), which is extracted whole from then on; the syntax diagnostics."""

    def edit_document(self, path: str, version: int, changes: bytes) -> bytes:
        """Apply the `contentChanges` of a didChange as they came; the syntax diagnostics."""

    def close_document(self, path: str) -> None:
        """Give the file back to the disk; `update` it with the text found there."""

    def document_text(self, path: str) -> str | None:
        """The newest text of an open document, if it is open."""

    def folding_ranges(self, path: str, lines_only: bool, most: int) -> bytes:
        """LSP `FoldingRange[]` of the newest text of an open document; of more than `most` the longest ones."""

    def selection_ranges(self, path: str, positions: list[tuple[int, int]]) -> bytes:
        """LSP `SelectionRange[]` of the newest text of an open document, one for each line and character."""

    def update(self, files: list[SourceFile], removed: list[str]) -> None:
        """Stage closed files; nothing is visible before `commit`."""

    def update_library(self, files: bytes, removed: list[str]) -> None:
        """Stage files of libraries (JSON) that the engine reads itself, and the going of others, by URI."""

    def keep_library_in(self, folder: str) -> None:
        """Keep the facts of library files below a folder, for all workspaces; an empty path keeps nothing."""

    def write_library(self) -> bytes:
        """Write the facts of library files that are new; what the cache did so far (JSON): `extracted`, `found`, `refused`."""

    def missing_modules(self, needed: list[str]) -> bytes:
        """Modules that imports want and no file is, nearest to the workspace first: JSON `[[module, certain]]`. Each is told
        once; `certain` is false for what `from m import n` may mean by `m.n`. `needed` are wanted in any case."""

    def near(self, paths: list[str], needed: list[str], limit: int) -> bytes:
        """What files lead to through their imports, as if they imported `needed` too, nearest first and `limit` files at most (JSON):
        how many `files`, which of them are `staged` and not in the graph yet, and `missing`, modules without a file."""

    def forget_missing_modules(self) -> None:
        """Tell all missing modules again, because there may be files for them now."""

    def unneeded_library_files(self, needed: list[str]) -> list[str]:
        """URIs of library files that no import leads to."""

    def describe_environment(self, tables: bytes) -> None:
        """Set the rows of the tables `search_path` and `library_modules` (JSON), which queries see at once."""

    def describe_signals(self, signals: bytes) -> None:
        """Set the rows of the table `governance_signals` (JSON), which queries see at once."""

    def commit(self, cancel: CancelToken | None = None) -> bytes:
        """Bring everything staged and every edited document into the next snapshot; the report of what ran."""

    def commit_some(self, paths: list[str], cancel: CancelToken | None = None) -> bytes:
        """Bring every edited document and those of the staged files into the next snapshot; all else stays staged."""

    def restore(self, image: Image) -> bytes:
        """Begin with what an image holds, in the place of what is in the graph; what is pending stays so. The bytes about the
        workspace that were written with it. EngineError `image-refused`, with everything as it was. `Image.verify` comes first."""

    def capture(self) -> Capture:
        """The newest snapshot, to be written as an image."""

    def write_image(self, capture: Capture, place: Path, conditions: str, workspace: bytes) -> int:
        """Write an image of a snapshot with bytes about the workspace, let what the newest snapshot has in common with it lie there, and
        give the memory for it back; the bytes of the file. ValueError for a capture that was written before. EngineError `image-not-written`, with
        everything as it was on disk, or `image-refused` for an image that cannot be read back."""

    def fork(self) -> Engine:
        """A second engine that begins with the newest snapshot of this one and goes its own way from there; what neither changes
        is shared. It still holds the texts of documents that are open here, but has none open, and nothing staged."""

    def with_program(self, program: bytes, cancel: CancelToken | None) -> tuple[Engine, bytes]:
        """A second engine as `fork` makes it, under another program document, and the report (JSON) of the views that ran for it: those
        whose rules, or what they read, are others than here; all else is shared. EngineError for every refusal of the compiler, and
        `cancelled`."""

    def hear(self, sayings: bytes) -> int:
        """Take in what slow witnesses say of texts (JSON): how many are about texts of the newest snapshot; the others are dropped."""

    def stamped(self, path: str) -> tuple[str, int] | None:
        """The newest text of an open document, and what it is recognised by."""

    def stamp_of_bytes(self, content: bytes) -> int:
        """What the bytes of a file are recognised by."""

    def documents_behind(self) -> list[str]:
        """Open documents whose newest text the newest snapshot does not hold, sorted."""

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""

    def pending(self) -> int:
        """How many files and documents have newer text than the snapshot."""

    def note_fault(self, code: str, stage: str, cause: str, path: str) -> None:
        """Note that something failed around the graph, or once more for the same reason: a row of `faults`."""

    def works_again(self, code: str, path: str) -> None:
        """Note that what failed with a code, or with any if it is empty, about a file, works again."""

    def faults(self) -> bytes:
        """What failed, of this engine and its forks, the oldest first: `[{"code", "stage", "cause", "path", "since", "until", "count"}]`
        with times in microseconds since 1970; `until` is 0 as long as it is not over."""

    def aside(self) -> list[str]:
        """Views that have no rows because their rules fail again and again."""

@final
class Capture:
    """A snapshot on its way into an image."""

@final
class Image:
    """A workspace as it was, in a file that is mapped into memory."""

    @staticmethod
    def open(place: Path, program: bytes, conditions: str) -> Image | None:
        """The image at a place; None if there is none, or one of another engine, another program or other conditions. EngineError
        `image-refused` for what is damaged. Before anything else is named in this process, nothing of it has to be copied."""

    @staticmethod
    def adopt_symbols(place: Path) -> None:
        """Give names here the numbers that they have in the image at a place, if there is one."""

    @property
    def is_moved(self) -> bool:
        """Whether symbols have other numbers here, so that their columns are copied and their indexes built anew."""

    def verify(self) -> None:
        """Compare everything with its checksums; EngineError `image-refused`."""

@final
class Snapshot:
    """One immutable state of the graph. Readers never wait for the writer."""

    @property
    def generation(self) -> int: ...
    def counting(self, encoding: str) -> Snapshot:
        """The same snapshot with characters counted as `utf-8`, `utf-16` or `utf-32`."""

    def version_of(self, path: str) -> int | None:
        """The version of an open document that this snapshot holds, if it holds one."""

    def definition(self, path: str, line: int, character: int) -> bytes:
        """LSP `LocationLink[]`, best first."""

    def ends_at_import(self, path: str, line: int, character: int) -> bool:
        """Whether an import is all that is known of what a word means: the module behind it is not in the graph."""

    def declaration(self, path: str, line: int, character: int) -> bytes:
        """LSP `LocationLink[]`: a stub, an annotation or an import before the definition."""

    def type_definition(self, path: str, line: int, character: int) -> bytes:
        """LSP `LocationLink[]` of the classes of the value."""

    def implementation(self, path: str, line: int, character: int) -> bytes:
        """LSP `LocationLink[]` of overriding methods, derived classes, or implementers."""

    def references(self, path: str, line: int, character: int, include_declaration: bool) -> bytes:
        """LSP `Location[]`."""

    def prepare_call_hierarchy(self, path: str, line: int, character: int) -> bytes:
        """LSP `CallHierarchyItem[]`, each with its id as text in `data.id`."""

    def incoming_calls(self, id: int, path: str, line: int, character: int) -> bytes:
        """LSP `CallHierarchyIncomingCall[]` of the item with that id; of what stands at the place if the id is 0 or gone."""

    def outgoing_calls(self, id: int, path: str, line: int, character: int) -> bytes:
        """LSP `CallHierarchyOutgoingCall[]`, in the same way."""

    def prepare_type_hierarchy(self, path: str, line: int, character: int) -> bytes:
        """LSP `TypeHierarchyItem[]`, each with its id as text in `data.id`."""

    def supertypes(self, id: int, path: str, line: int, character: int) -> bytes:
        """LSP `TypeHierarchyItem[]` of the bases of the class with that id, or of the one at the place."""

    def subtypes(self, id: int, path: str, line: int, character: int) -> bytes:
        """LSP `TypeHierarchyItem[]` of the classes that name it as a base."""

    def code_lenses(self, path: str, references: bool, overrides: bool, overridden: bool) -> bytes:
        """Lenses of a file: `[{range, title, data: {id, kind}}]`."""

    def lens_places(self, path: str, id: int, kind: str) -> bytes:
        """LSP `Location[]` of what the lens of that kind on the definition with that id speaks of."""

    def document_highlight(self, path: str, line: int, character: int) -> bytes:
        """LSP `DocumentHighlight[]`."""

    def document_symbols(self, path: str) -> bytes:
        """LSP `DocumentSymbol[]`, a tree."""

    def workspace_symbols(self, query: str, limit: int) -> bytes:
        """LSP `WorkspaceSymbol[]`."""

    def signature_help(
        self, path: str, line: int, character: int, by_offsets: bool, chosen: int | None = None
    ) -> bytes:
        """LSP `SignatureHelp` of the call that is open at a place of an open document, or `null`. Parameters are named by
        offsets into the label or by their text; `chosen` is the signature that the editor shows already."""

    def semantic_tokens(self, path: str, within: tuple[tuple[int, int], tuple[int, int]] | None = None) -> bytes:
        """The `data` of LSP `SemanticTokens` of a file, or of what lies between two lines and characters."""

    def inlay_hints(self, path: str, within: tuple[tuple[int, int], tuple[int, int]], kinds: list[str]) -> bytes:
        """LSP `InlayHint[]` between two lines and characters of an open document. Kinds: parameter_names, variable_types,
        return_types."""

    def completion(self, path: str, line: int, character: int, wishes: bytes) -> bytes:
        """LSP `CompletionList`, the likeliest first; `wishes` are a JSON object with `limit`, `auto_imports`, `snippets`,
        `adjusts_indentation`, `commit_characters`, `label_details` and `lazy_edits`. Empty for a file that is not open."""

    def completion_resolve(self, data: bytes) -> bytes:
        """What an item with that `data` leaves out: `{detail?, documentation?, edits?}`."""

    def missing_imports(self, path: str, start: tuple[int, int], end: tuple[int, int]) -> bytes:
        """Imports for the names in a stretch of an open document that nothing binds: `[{"name", "module", "edits"}]`."""

    def explain(self, path: str, line: int, character: int) -> bytes:
        """Why the word at a place means what it means, or `null`."""

    def hover(self, path: str, line: int, character: int) -> bytes:
        """The same with the last few of its steps."""

    def rename(self, path: str, line: int, character: int, new_name: str) -> bytes:
        """What renaming the word at a place would touch and what stands in the way; an empty `new_name` asks for the word alone."""

    def rename_module(self, module: str, new_name: str) -> bytes:
        """What giving a module another last word would touch and what stands in the way."""

    def imports_of(self, modules: list[str], paths: list[str]) -> bytes:
        """The import statements that name one of these modules or stand in one of these files, and the dotted uses."""

    def diagnostics(self, path: str) -> bytes:
        """LSP `Diagnostic[]`: syntax and diagnostic views."""

    def syntax(self, path: str) -> bytes:
        """LSP `Diagnostic[]`: syntax alone, as Python itself judges it where it was asked about the text."""

    def stamp_of(self, path: str) -> int | None:
        """What the text of a file is recognised by; None for files that are not there, 0 for library files."""

    def query(self, sql: str, max_rows: int, max_seconds: float | None = None, max_bytes: int | None = None) -> bytes:
        """The rows of a read-only query, as an Arrow IPC stream; within 30 s and 1 GB unless told otherwise."""

    def verify(self) -> bytes:
        """Every stored view run whole beside what the snapshot holds: `[{view, missing, extra}]`, empty if the law holds."""

    def plan(self, view: str | None) -> bytes:
        """All views and their order, or the plans of one view."""

    def bundle(self, view: str | None, tier: int) -> bytes:
        """What the program, or one view of it, was compiled to, as JSON: tier 1 says what it is, 2 the order in which it runs, 3 plans,
        findings and decisions."""

    def outputs(self) -> bytes:
        """Every table and view by content, as JSON: name, kind, rows, and a hash of the rows whatever their order."""

    def note_request(self, method: str, latency_micros: int, queue_micros: int, answer: bytes, status: str) -> None:
        """Note a request that is answered now in the table `requests`."""

    def stats(self) -> bytes:
        """Counts of files, nodes, edges, tables and symbols."""

    def paths(self) -> list[str]:
        """The files of the graph, sorted."""
