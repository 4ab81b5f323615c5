//! The contracts of the tables that tell what ran: made when a query asks for them, from rings of bounded size.
//!
//! Times are microseconds. A `commit` names one commit of one process and is what the tables have in common: everything that one
//! change of the graph did has its number.

use crate::contract::{Column, ColumnType, Contract};

const fn column(name: &'static str, kind: ColumnType, doc: &'static str) -> Column {
    Column { name, kind, role: "", doc }
}
const fn id(name: &'static str, doc: &'static str) -> Column {
    column(name, ColumnType::Id, doc)
}
const fn symbol(name: &'static str, doc: &'static str) -> Column {
    column(name, ColumnType::Symbol, doc)
}
const fn int(name: &'static str, doc: &'static str) -> Column {
    column(name, ColumnType::Int, doc)
}
const fn truth(name: &'static str, doc: &'static str) -> Column {
    column(name, ColumnType::Bool, doc)
}
const fn text(name: &'static str, doc: &'static str) -> Column {
    column(name, ColumnType::Text, doc)
}
const fn float(name: &'static str, doc: &'static str) -> Column {
    column(name, ColumnType::Float, doc)
}

const COMMIT: Column = id("commit", "correlation id: the commit that it belongs to; 0 for what belongs to the program");
const START: Column = id("start", "microseconds since 1970");

/// All run tables.
pub const RUN_TABLES: &[Contract] = &[RULE_COMPILE, RULE_EXEC, POLICY_DECISIONS, FALLBACKS, FAULTS, EDITS, REQUESTS];

/// Views as they were compiled.
pub const RULE_COMPILE: Contract = Contract {
    name: "rule_compile",
    doc: "The rules of the program and what each was compiled to.",
    key: "",
    columns: &[
        text("rule", "name of the rule"),
        text("view", "the view that its rows are part of"),
        text("kind", "kind of the rule"),
        text("pack", "pack"),
        text("file", "rule file"),
        int("micros", "what compiling its view took"),
        text("plan_fingerprint", "hash of all that decides the rows of the view"),
        text("grain", "columns that name the unit of refresh"),
        text("grain_reason", "why these"),
        text("refresh", "keyed or full"),
        int("inputs", "relations that the view reads"),
        int("blocks", "select-project-join blocks of the view"),
        int("joins", "join keys that were inferred for the rule"),
        int("joins_written", "join keys that the rule writes itself"),
        int("lines", "lines of the rule that say what holds: not its documentation, example or sentence"),
        text("status", "compiled"),
    ],
};

/// Runs of views.
pub const RULE_EXEC: Contract = Contract {
    name: "rule_exec",
    doc: "The last runs of views: one row for each view that a commit touched. A view that is not here did not run.",
    key: "",
    columns: &[
        COMMIT,
        id("generation", "generation of the snapshot that the commit made"),
        text("view", "name of the view"),
        START,
        id("end", "microseconds since 1970"),
        text("mode", "keyed or full"),
        text("reason", "why it ran this way, where that was a choice"),
        int("keys", "keys that were recomputed; 0 for a full run"),
        int("rows_in", "rows of its inputs that came or went; all of them for a full run"),
        int("rows_out", "rows that the plan yielded"),
        int("rows_inserted", "rows that came"),
        int("rows_deleted", "rows that left"),
        truth("cutoff", "nothing changed, so nothing above it had to run"),
        int("impact_micros", "finding the keys"),
        int("run_micros", "running the plan for them"),
        int("store_micros", "comparing with the rows that stand, and storing the difference"),
        int("micros", "all of it"),
        text("plan_fingerprint", "hash of all that decides the rows of the view"),
        text("status", "ok, failed or cancelled"),
        text("error", "code of the failure"),
    ],
};

/// Decisions.
pub const POLICY_DECISIONS: Contract = Contract {
    name: "policy_decisions",
    doc: "What was decided from the compiled plan, from sizes and from measured times, and why.",
    key: "",
    columns: &[
        COMMIT,
        text("view", "the view that it is about; empty for the whole"),
        text("decision", "what was decided"),
        text("value", "how"),
        text("alternatives", "what else it could have been"),
        float(
            "score",
            "what was compared, as a share of the threshold: from 1 on the other way; 0 where nothing is compared",
        ),
        float("confidence", "how sure it is, from 0 to 1: 1 where the plan leaves no choice, less near a threshold"),
        text("evidence", "the numbers that it was decided from"),
        text("fallback_reason", "why the usual way was not taken; empty if it was"),
    ],
};

/// Fallbacks.
pub const FALLBACKS: Contract = Contract {
    name: "fallbacks",
    doc: "Where the graph had to do more than the change asked for.",
    key: "",
    columns: &[
        COMMIT,
        START,
        text("view", "the view, if it is about one"),
        text("kind", "full_view, full_commit, missed_index or failed_commit"),
        truth("declared", "the pack or the policy says that it may be so"),
        id("rows", "rows that it cost"),
        text("reason", "why"),
    ],
};

/// Faults.
pub const FAULTS: Contract = Contract {
    name: "faults",
    doc: "What failed: rules, witnesses, images, the watcher, the history. One row for as long as the same goes on for the same reason.",
    key: "",
    columns: &[
        text("code", "code of the failure"),
        text("stage", "where on the way it failed"),
        text("cause", "what was met, in words"),
        text("path", "the file that it is about, if it is about one"),
        id("since", "microseconds since 1970: the first time"),
        id("until", "microseconds since 1970: when it was over; 0 as long as it is not"),
        int("count", "how often"),
    ],
};

/// Keystrokes.
pub const EDITS: Contract = Contract {
    name: "edits",
    doc: "The last changes of open documents, each with the time of every hop on its way into the graph.",
    key: "",
    columns: &[
        COMMIT,
        symbol("file", "path"),
        id("version", "version of the document"),
        START,
        int("apply_micros", "position to bytes, the text, and its syntax errors"),
        int("queue_micros", "until the writer took it"),
        int("extract_micros", "tree and evidence, of all files of the commit"),
        int("diff_micros", "which rows of evidence changed"),
        int("views_micros", "the views"),
        int("publish_micros", "places of ids, and the snapshot"),
        int("total_micros", "from the message to the snapshot"),
        int("views", "views that were touched"),
        int("views_changed", "views whose rows changed"),
        truth("superseded", "a later change of the same file came before the writer took it"),
    ],
};

/// Requests.
pub const REQUESTS: Contract = Contract {
    name: "requests",
    doc: "The last requests of editors.",
    key: "",
    columns: &[
        text("method", "LSP method"),
        START,
        int("latency_micros", "from the message to the answer"),
        int("queue_micros", "of these, before a thread took it"),
        int("rows", "items of the outermost list of the answer; 1 for another answer, 0 for none"),
        int("bytes", "length of the answer"),
        id("generation", "generation of the newest snapshot then"),
        text("status", "ok or the code of the failure"),
    ],
};
