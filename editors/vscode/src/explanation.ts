/**
 * What the server answers to `codeanatomy/explain`, and the page that shows it. Knows nothing of VS Code. It decides
 * nothing either: order, reasons and confidence are the server's.
 */

export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** One rule on the way to a target, and the source line that it relies on. */
export interface Step {
  readonly rule: string;
  readonly text: string;
  readonly path: string;
  /** As people count: from 1. */
  readonly line: number;
  readonly source?: string;
}

export interface Target {
  readonly name: string;
  readonly kind: string;
  readonly path: string;
  readonly range: Range;
  readonly signature: string;
  readonly doc: string;
  readonly rule: string;
  readonly why: string;
  readonly confidence: number;
  readonly steps: readonly Step[];
  /** Why a candidate lost. */
  readonly lost?: string;
}

export interface Explanation {
  readonly word: string;
  readonly kind: string;
  /** Path of the file, from the root of the workspace. */
  readonly file: string;
  readonly range: Range;
  readonly targets: readonly Target[];
  readonly candidates: readonly Target[];
  readonly unresolved: { readonly reason: string; readonly text: string } | null;
}

/** The explanation as a Markdown page. `document` is the URI of the file that was asked about. */
export function toMarkdown(explanation: Explanation, document: string): string {
  const root = rootOf(document, explanation.file);
  const parts = [`# ${code(explanation.word)}`, `${article(explanation.kind)} at ${place(explanation.file, explanation.range.start.line, root)}`];
  if (explanation.unresolved) {
    parts.push(`**Unresolved:** ${prose(explanation.unresolved.text)} (${code(explanation.unresolved.reason)})`);
  }
  for (const target of explanation.targets) parts.push(targetSection(target, root));
  if (explanation.candidates.length > 0) {
    parts.push("## Candidates that lost", explanation.candidates.map((candidate) => beaten(candidate, root)).join("\n"));
  }
  return `${parts.join("\n\n")}\n`;
}

function targetSection(target: Target, root: string | undefined): string {
  const parts = [
    `## ${code(target.name)}`,
    `${article(target.kind)} at ${place(target.path, target.range.start.line, root)}, confidence ${target.confidence.toFixed(2)}`,
  ];
  if (target.signature !== "") parts.push(fenced(target.signature));
  if (target.doc !== "") parts.push(quoted(target.doc));
  parts.push(`**Why:** ${prose(target.why)} (rule ${code(target.rule)})`);
  if (target.steps.length > 0) parts.push(target.steps.map((step, index) => numbered(step, index + 1, root)).join("\n"));
  return parts.join("\n\n");
}

function numbered(step: Step, number: number, root: string | undefined): string {
  const where = step.path === "" ? "" : `, ${place(step.path, step.line - 1, root)}`;
  const text = (step.source ?? "").trim();
  const source = text === "" ? "" : `: ${code(text)}`;
  return `${number}. ${prose(step.text)} (rule ${code(step.rule)})${where}${source}`;
}

function beaten(candidate: Target, root: string | undefined): string {
  const where = place(candidate.path, candidate.range.start.line, root);
  return `- ${code(candidate.name)}, ${candidate.kind} at ${where}, rule ${code(candidate.rule)}, confidence ${candidate.confidence.toFixed(2)}: ${prose(candidate.lost ?? "")}`;
}

/** The URI that paths of the answer are relative to, if the document lies under it. */
function rootOf(document: string, file: string): string | undefined {
  const segments = document.split("/");
  const root = segments.slice(0, -file.split("/").length);
  const tail = segments.slice(root.length).map(decodeURIComponent).join("/");
  return tail === file ? root.join("/") : undefined;
}

function place(path: string, line: number, root: string | undefined): string {
  const text = `${path}:${line + 1}`;
  const base = path.startsWith("/") ? "file://" : root === undefined ? undefined : `${root}/`;
  return base === undefined ? code(text) : `[${escaped(text)}](${base}${quotedPath(path)}#L${line + 1})`;
}

function quotedPath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function article(kind: string): string {
  return /^[aeiou]/.test(kind) ? `An ${kind}` : `A ${kind}`;
}

/** Text in backticks, with more of them around than there are inside. */
function code(text: string): string {
  const ticks = "`".repeat(longestRun(text) + 1);
  const space = text.startsWith("`") || text.endsWith("`") ? " " : "";
  return `${ticks}${space}${text}${space}${ticks}`;
}

function fenced(text: string): string {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}python\n${text}\n${fence}`;
}

/** A docstring is text, not Markdown, and comes from code that nobody reviewed: it is shown as it stands. */
function quoted(text: string): string {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}text\n${text}\n${fence}`;
}

/** The sentences of rules use backticks; anything else that Markdown would read is taken literally. */
function prose(text: string): string {
  return text.split(/(`[^`]*`)/).map((part, index) => (index % 2 === 1 ? part : escaped(part))).join("");
}

function escaped(text: string): string {
  return text.replace(/[\\*_[\]<>#|~!]/g, "\\$&");
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
