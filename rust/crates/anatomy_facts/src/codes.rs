//! Stable error and diagnostic codes. Nobody parses a message; everybody may match a code.

use serde::Serialize;

/// Where a failure happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading and decoding source text.
    Read,
    /// Parsing source text.
    Parse,
    /// Turning a tree into evidence.
    Extract,
    /// Decoding a rule pack.
    Decode,
    /// Compiling a program.
    Compile,
    /// Planning a view.
    Plan,
    /// Running a view.
    Run,
    /// Answering a question.
    Answer,
    /// Writing to or reading from disk.
    Persist,
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The interpreter refuses the file.
    Error,
    /// Legal but suspicious, or not analysed.
    Warning,
}

macro_rules! codes {
    ($($variant:ident = $code:literal, $doc:literal;)*) => {
        /// Every code that the engine, or what answers from it, can give out.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum ErrorCode { $(#[doc = $doc] $variant,)* }

        impl ErrorCode {
            /// All codes, in the order of the reference page.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The stable text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $code,)* }
            }

            /// One sentence for the reference page.
            #[must_use]
            pub fn doc(self) -> &'static str {
                match self { $(ErrorCode::$variant => $doc,)* }
            }
        }
    };
}

codes! {
    SyntaxUnexpected = "syntax-unexpected", "A token stands where the grammar allows none of its kind.";
    SyntaxMissing = "syntax-missing", "A token that the grammar needs is missing.";
    SyntaxUnclosed = "syntax-unclosed", "A bracket or string is opened and never closed.";
    SyntaxUnmatched = "syntax-unmatched", "A closing bracket has no opening one.";
    SyntaxIndent = "syntax-indent", "A line is indented in a way that no open block allows.";
    SyntaxStatement = "syntax-statement", "A statement is understood by the parser but refused by Python 3.";
    SourceEncoding = "source-encoding", "The bytes of the file are not text in its declared encoding (UTF-8 unless declared).";
    SourceNul = "source-nul", "The file holds a NUL byte, so Python refuses it.";
    SourceTooLarge = "source-too-large", "The file is larger than the limit and is not analysed.";
    SourceTooDeep = "source-too-deep", "Brackets or blocks are nested deeper than the limit; what lies below is not analysed.";
    SourceUnreadable = "source-unreadable", "The file could not be read.";
    SourceVanished = "source-vanished", "The file disappeared between listing and reading.";
    NotebookMalformed = "notebook-malformed", "The file is no notebook: it is not JSON, or not of the shape that nbformat 4 says.";
    NotebookVersion = "notebook-version", "The notebook is of another version of nbformat than 4, and is not analysed.";
    NotebookLanguage = "notebook-language", "The kernel of the notebook is none of Python, so that it is not analysed.";
    ProgramDecode = "program-decode", "The program document is not valid.";
    RuleUnknownRelation = "rule-unknown-relation", "A rule reads a relation that nothing defines.";
    RuleUnknownColumn = "rule-unknown-column", "A rule names a column that its inputs do not have.";
    RuleDuplicate = "rule-duplicate", "Two rules define the same relation.";
    RuleCycle = "rule-cycle", "Rules read each other in a circle; recursion needs `rounds`.";
    RuleReadsLate = "rule-reads-late", "A rule that keeps rows reads a table that is filled later than evidence, or a rule that keeps none.";
    RuleNoJoinKey = "rule-no-join-key", "No join key can be inferred between two relations.";
    RuleAmbiguousJoin = "rule-ambiguous-join", "More than one join key could be meant.";
    RuleMatch = "rule-match", "The `match` of a rule cannot be read.";
    RuleUnboundVariable = "rule-unbound-variable", "An expression of a `match` reads a variable that no pattern binds.";
    RuleUnusedVariable = "rule-unused-variable", "A variable of a `match` is bound once, and nothing reads it.";
    RuleWinnerIncomplete = "rule-winner-incomplete", "A winner needs explicit group and order keys.";
    RuleNotKeyable = "rule-not-keyable", "A view cannot be run for a few keys.";
    RuleNoImpact = "rule-no-impact", "The keys that a change of an input touches cannot be derived.";
    RuleSql = "rule-sql", "An expression or SQL text of a rule does not compile.";
    RuleReadsPlace = "rule-reads-place", "A rule reads a table of places: these change with every line above, so no view may.";
    RuleContract = "rule-contract", "A view made rows that break its contract.";
    PlanFullRefresh = "plan-full-refresh", "A view runs whole at every change of an input.";
    PlanWideGrain = "plan-wide-grain", "The unit of refresh of a view has many columns.";
    PlanWideJoin = "plan-wide-join", "A view joins many relations at once.";
    PlanWideIndex = "plan-wide-index", "A view is looked up over many columns.";
    PlanDeepRecursion = "plan-deep-recursion", "A recursive view may go very deep.";
    PlanDepthLimit = "plan-depth-limit", "Rows of a recursive view stand at its last level.";
    PlanNoLimit = "plan-no-limit", "Nothing bounds how many rows a key of a recursive view may have.";
    PlanCopy = "plan-copy", "A view holds what its input holds.";
    PlanTwin = "plan-twin", "Two views say the same.";
    PlanUnread = "plan-unread", "A view keeps rows that no rule reads.";
    PlanFanOut = "plan-fan-out", "Very many views read one view.";
    PlanGrowth = "plan-growth", "A view has many times the rows that it reads.";
    PlanNoConfidence = "plan-no-confidence", "A relationship does not say how sure it is.";
    PlanNoReason = "plan-no-reason", "A relationship has no sentence that explains a row.";
    RuleUnionShape = "rule-union-shape", "The inputs of a union do not have the same columns.";
    QueryRefused = "query-refused", "The SQL text is not a read-only query.";
    QueryTooLarge = "query-too-large", "The SQL query needs more time or memory than it was given.";
    QueryFailed = "query-failed", "The SQL query could not be planned or run.";
    UnknownFile = "unknown-file", "The file is not in the graph.";
    UnknownDocument = "unknown-document", "The document is not open.";
    BadPosition = "bad-position", "The position or range is not inside the document.";
    RenameNoName = "rename-no-name", "There is no name at that place that could be renamed.";
    RenameInvalidName = "rename-invalid-name", "The new name is no identifier of Python, or a keyword.";
    RenameSpecial = "rename-special", "A name that Python itself looks for, such as `__init__`, keeps its name.";
    RenameOutside = "rename-outside", "A definition outside the workspace needs the name: the thing itself, or one that it overrides or is imported from.";
    RenameAsked = "rename-asked", "A parameter asks for a thing by a name that it is given elsewhere, in a text or by an import.";
    RenameUnknown = "rename-unknown", "It cannot be told what the word means, so not what else would have to change.";
    RenameClash = "rename-clash", "The new name would hide another definition, or be hidden by one; the message names the place.";
    RenameGoverned = "rename-governed", "A signal of `governance.toml` blocks work on a file that would change.";
    RenameFilesUnsupported = "rename-files-unsupported", "A module is a file, and the editor does not let a server rename files.";
    MemoryBudget = "memory-budget", "The graph would need more memory than `run.memory_mb` allows; what is in it already goes on to answer.";
    ImageRefused = "image-refused", "The image of a workspace on disk is damaged or belongs to something else; the sources are read instead.";
    ImageNotWritten = "image-not-written", "The image of a workspace could not be written; the next start reads the sources.";
    SyntaxRefused = "syntax-refused", "CPython refuses the file, with this message.";
    WitnessFailed = "witness-failed", "A slow extractor raised an exception over the text of a file.";
    WitnessCrashed = "witness-crashed", "The process of a slow extractor ended over the text of a file.";
    WitnessTimeout = "witness-timeout", "A slow extractor took too long over the text of a file and was ended.";
    WitnessMissing = "witness-missing", "What a slow extractor needs is not installed or not there.";
    WitnessMalformed = "witness-malformed", "What a slow extractor said does not fit the contract of its tables.";
    Cancelled = "cancelled", "The work was cancelled because its answer is no longer wanted.";
    EngineInternal = "engine-internal", "The engine met a state that its authors thought impossible.";
}
