import assert from "node:assert/strict";
import { test } from "node:test";
import { type Explanation, type Target, toMarkdown } from "../src/explanation";

const at = (line: number) => ({ start: { line, character: 0 }, end: { line, character: 8 } });

const discount: Target = {
  name: "discount",
  kind: "function",
  path: "shop/tools.py",
  range: at(2),
  signature: "def discount(order)",
  doc: "Take the *seasonal* discount off an order.",
  rule: "import_target",
  why: "`discount` is imported from `shop`, which re-exports it",
  confidence: 0.98,
  steps: [
    { rule: "name_in_scope", text: "bound by an import", path: "main.py", line: 2, source: "  from shop import discount" },
    { rule: "import_target", text: "shop re-exports it", path: "shop/__init__.py", line: 1, source: "from .tools import *" },
  ],
};

const explanation: Explanation = {
  word: "discount",
  kind: "name",
  file: "main.py",
  range: at(4),
  targets: [discount],
  candidates: [{ ...discount, path: "main.py", range: at(39), steps: [], lost: "bound later in the same scope" }],
  unresolved: null,
};

test("a page shows the target, why it is meant, each step with its place, and who lost", () => {
  assert.equal(
    toMarkdown(explanation, "file:///home/me/my%20shop/main.py"),
    `# \`discount\`

A name at [main.py:5](file:///home/me/my%20shop/main.py#L5)

## \`discount\`

A function at [shop/tools.py:3](file:///home/me/my%20shop/shop/tools.py#L3), confidence 0.98

\`\`\`python
def discount(order)
\`\`\`

\`\`\`text
Take the *seasonal* discount off an order.
\`\`\`

**Why:** \`discount\` is imported from \`shop\`, which re-exports it (rule \`import_target\`)

1. bound by an import (rule \`name_in_scope\`), [main.py:2](file:///home/me/my%20shop/main.py#L2): \`from shop import discount\`
2. shop re-exports it (rule \`import_target\`), [shop/\\_\\_init\\_\\_.py:1](file:///home/me/my%20shop/shop/__init__.py#L1): \`from .tools import *\`

## Candidates that lost

- \`discount\`, function at [main.py:40](file:///home/me/my%20shop/main.py#L40), rule \`import_target\`, confidence 0.98: bound later in the same scope
`,
  );
});

test("an unresolved word says why it is open", () => {
  const open = { ...explanation, targets: [], candidates: [], unresolved: { reason: "external_missing", text: "shop is not installed" } };
  const page = toMarkdown(open, "file:///home/me/shop/main.py");
  assert.match(page, /\*\*Unresolved:\*\* shop is not installed \(`external_missing`\)/);
});

test("source text cannot become markup, a link or the end of its block", () => {
  const hostile: Target = {
    ...discount,
    signature: "def f(a='```')",
    doc: "```\n[click](command:evil)",
    why: "<img src=x> [click](command:evil)",
    steps: [{ rule: "r", text: "**loud**", path: "a.py", line: 1, source: "x = '`'" }],
  };
  const page = toMarkdown({ ...explanation, targets: [hostile], candidates: [] }, "file:///home/me/shop/main.py");
  assert.ok(page.includes("````python\ndef f(a='```')\n````"));
  assert.ok(page.includes("````text\n```\n[click](command:evil)\n````"));
  assert.ok(page.includes("\\<img src=x\\> \\[click\\](command:evil)"));
  assert.ok(page.includes("\\*\\*loud\\*\\*"));
  assert.ok(page.includes("``x = '`'``"));
});

test("places are plain text where the root is not known, and links where the path is absolute", () => {
  const page = toMarkdown({ ...explanation, targets: [{ ...discount, path: "/usr/lib/a.py" }] }, "untitled:Untitled-1");
  assert.match(page, /A name at `main\.py:5`/);
  assert.match(page, /A function at \[\/usr\/lib\/a\.py:3\]\(file:\/\/\/usr\/lib\/a\.py#L3\)/);
});
