/**
 * Drives the built server as the extension does: the command that `findServer` finds, over stdio, with the messages that
 * VS Code sends. VS Code itself cannot be had in every build, so `client.ts` and `vscodeapi.ts` stay out.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import * as lsp from "vscode-languageserver-protocol/node";
import { DOCUMENTS } from "../src/documents";
import type { Explanation } from "../src/explanation";
import { toMarkdown } from "../src/explanation";
import { findServer } from "../src/server";

const files = {
  "main.py": "from shop import discount\n\n\ndef bill(order):\n    return discount(order)\n",
  "shop/__init__.py": "from .tools import *\n",
  "shop/tools.py": '__all__ = ["discount"]\n\n\ndef discount(order):\n    """Take the discount off."""\n    return order\n',
};
const call = { line: 4, character: 13 };

let root: string;
let server: ChildProcess;
let connection: lsp.ProtocolConnection;
let capabilities: lsp.ServerCapabilities;
const published = new Map<string, lsp.PublishDiagnosticsParams>();
const waiting = new Set<() => void>();

const uri = (file: keyof typeof files): string => pathToFileURL(join(root, file)).toString();

/** The diagnostics of one version of a document: asked for if the server can be asked, else as they arrive. */
async function diagnostics(file: keyof typeof files, version: number): Promise<readonly lsp.Diagnostic[]> {
  if (capabilities.diagnosticProvider) {
    const report = await connection.sendRequest(lsp.DocumentDiagnosticRequest.type, { textDocument: { uri: uri(file) } });
    assert.equal(report.kind, "full");
    return report.kind === "full" ? report.items : [];
  }
  for (;;) {
    const latest = published.get(uri(file));
    if (latest && (latest.version ?? 0) >= version) return latest.diagnostics;
    await new Promise<void>((resolve) => waiting.add(resolve));
  }
}

async function change(version: number, text: string): Promise<void> {
  await connection.sendNotification(lsp.DidChangeTextDocumentNotification.type, {
    textDocument: { uri: uri("main.py"), version },
    contentChanges: [{ range: { start: { line: 4, character: 0 }, end: { line: 5, character: 0 } }, text }],
  });
}

before(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "codeanatomy-")));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  const found = findServer({
    setting: process.env["CODEANATOMY_SERVER"] ?? "",
    folders: [join(process.cwd(), "..", "..")],
    trusted: true,
    extension: process.cwd(),
    searchPath: process.env["PATH"] ?? "",
    windows: process.platform === "win32",
    isProgram: (file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    },
  });
  if (found.kind === "missing") throw new Error(`${found.reason} (\`make setup\` builds one)`);

  server = spawn(found.command, ["lsp", "--stdio"], { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  assert.ok(server.stdin && server.stdout);
  connection = lsp.createProtocolConnection(new lsp.StreamMessageReader(server.stdout), new lsp.StreamMessageWriter(server.stdin));
  connection.onNotification(lsp.PublishDiagnosticsNotification.type, (sent) => {
    published.set(sent.uri, sent);
    for (const resolve of waiting) resolve();
    waiting.clear();
  });
  connection.onRequest(lsp.ConfigurationRequest.type, ({ items }) => items.map(() => null));
  connection.onRequest(lsp.RegistrationRequest.type, () => undefined);
  connection.onRequest(lsp.WorkDoneProgressCreateRequest.type, () => undefined);
  connection.onRequest(lsp.DiagnosticRefreshRequest.type, () => undefined);
  connection.listen();

  const initialized = await connection.sendRequest(lsp.InitializeRequest.type, {
    processId: process.pid,
    clientInfo: { name: "Visual Studio Code", version: "1.91.0" },
    rootUri: pathToFileURL(root).toString(),
    workspaceFolders: [{ uri: pathToFileURL(root).toString(), name: "shop" }],
    capabilities: {
      general: { positionEncodings: ["utf-16"] },
      window: { workDoneProgress: true },
      workspace: { configuration: true, workspaceFolders: true, diagnostics: { refreshSupport: true } },
      textDocument: {
        synchronization: { dynamicRegistration: true, didSave: true },
        definition: { dynamicRegistration: true, linkSupport: true },
        diagnostic: { dynamicRegistration: false },
        publishDiagnostics: { versionSupport: true, relatedInformation: true },
      },
      experimental: { commands: { commands: ["codeanatomy.showReferences"] } },
    },
  });
  capabilities = initialized.capabilities;
  await connection.sendNotification(lsp.InitializedNotification.type, {});
  await connection.sendNotification(lsp.DidOpenTextDocumentNotification.type, {
    textDocument: { uri: uri("main.py"), languageId: "python", version: 1, text: files["main.py"] },
  });
});

after(() => {
  connection?.dispose();
  server?.kill();
  rmSync(root, { recursive: true, force: true });
});

test("a file without mistakes has no diagnostics", async () => {
  assert.deepEqual(await diagnostics("main.py", 1), []);
});

test("a definition goes through the re-export to the function", async () => {
  const answer = await connection.sendRequest(lsp.DefinitionRequest.type, { textDocument: { uri: uri("main.py") }, position: call });
  const [first, ...others] = Array.isArray(answer) ? answer : [];
  assert.ok(first && others.length === 0, `one target, not ${JSON.stringify(answer)}`);
  const place = "targetUri" in first ? { uri: first.targetUri, range: first.targetSelectionRange } : first;
  assert.equal(place.uri, uri("shop/tools.py"));
  assert.deepEqual(place.range.start, { line: 3, character: 4 });
});

test("the custom request says why, and the page shows it", async () => {
  const explanation = await connection.sendRequest<Explanation | null>("codeanatomy/explain", {
    textDocument: { uri: uri("main.py") },
    position: call,
  });
  assert.ok(explanation);
  assert.equal(explanation.word, "discount");
  assert.equal(explanation.targets[0]?.path, "shop/tools.py");
  assert.ok(explanation.targets[0].rule !== "" && explanation.targets[0].why !== "");
  const page = toMarkdown(explanation, uri("main.py"));
  assert.ok(page.includes(`[shop/tools.py:4](${uri("shop/tools.py")}#L4)`), page);
});

test("a lens comes with the places that the extension shows", async () => {
  const lenses = await connection.sendRequest(lsp.CodeLensRequest.type, { textDocument: { uri: uri("shop/tools.py") } });
  const [lens] = lenses ?? [];
  assert.ok(lens && !lens.command, JSON.stringify(lenses));
  const { command } = await connection.sendRequest(lsp.CodeLensResolveRequest.type, lens);
  assert.equal(command?.command, "codeanatomy.showReferences");
  const [shown, at, places] = command?.arguments as [string, lsp.Position, lsp.Location[]];
  assert.deepEqual([shown, at], [uri("shop/tools.py"), { line: 3, character: 4 }]);
  assert.equal(command?.title, `${String(places.length)} references`);
  assert.ok(places.some((place) => place.uri === uri("main.py") && place.range.start.line === 4));
});

test("a place without a name is null, not an error", async () => {
  const blank = await connection.sendRequest("codeanatomy/explain", { textDocument: { uri: uri("main.py") }, position: { line: 1, character: 0 } });
  assert.equal(blank, null);
});

test("a syntax error appears with the edit that makes it and goes with the edit that mends it", async () => {
  await change(2, "    return discount(order\n");
  const broken = await diagnostics("main.py", 2);
  assert.ok(broken.length > 0, "no diagnostics for an unclosed bracket");
  assert.ok(broken.every(({ severity }) => severity === lsp.DiagnosticSeverity.Error));
  await change(3, "    return discount(order)\n");
  assert.deepEqual(await diagnostics("main.py", 3), []);
});

test("cells of a notebook are answered by their own URIs", async () => {
  const selector = (capabilities.notebookDocumentSync as lsp.NotebookDocumentSyncOptions).notebookSelector;
  assert.deepEqual(selector, [{ notebook: "jupyter-notebook", cells: [{ language: "python" }] }]);
  assert.ok(DOCUMENTS.some((each) => each.notebook === "jupyter-notebook" && each.language === "python"));
  const notebook = pathToFileURL(join(root, "bills.ipynb")).toString();
  const cell = (handle: number): string => notebook.replace("file://", "vscode-notebook-cell:") + `#W${handle}sZmlsZQ==`;
  const texts = ["%matplotlib inline\nfrom shop import discount", "def twice(order):\n    return discount(discount(order))", "twice(1)"];
  await connection.sendNotification(lsp.DidOpenNotebookDocumentNotification.type, {
    notebookDocument: {
      uri: notebook,
      notebookType: "jupyter-notebook",
      version: 1,
      cells: texts.map((_, at) => ({ kind: lsp.NotebookCellKind.Code, document: cell(at) })),
    },
    cellTextDocuments: texts.map((text, at) => ({ uri: cell(at), languageId: "python", version: 1, text })),
  });
  const at = (handle: number, line: number, character: number) => ({ textDocument: { uri: cell(handle) }, position: { line, character } });
  const [link] = (await connection.sendRequest(lsp.DefinitionRequest.type, at(2, 0, 1))) as lsp.LocationLink[];
  assert.equal(link?.targetUri, cell(1));
  assert.deepEqual(link?.targetSelectionRange.start, { line: 0, character: 4 });
  const context = { includeDeclaration: false };
  const uses = await connection.sendRequest(lsp.ReferencesRequest.type, { ...at(1, 1, 12), context });
  assert.equal(uses?.filter((each) => each.uri === cell(1)).length, 2);
  await connection.sendNotification(lsp.DidCloseNotebookDocumentNotification.type, { notebookDocument: { uri: notebook }, cellTextDocuments: [] });
});

test("a folder that is added is answered beside the first", async () => {
  const other = realpathSync(mkdtempSync(join(tmpdir(), "codeanatomy-")));
  writeFileSync(join(other, "more.py"), "def surcharge(order):\n    return order\n");
  const folder = { uri: pathToFileURL(other).toString(), name: "other" };
  await connection.sendNotification(lsp.DidChangeWorkspaceFoldersNotification.type, { event: { added: [folder], removed: [] } });
  const found = (await connection.sendRequest(lsp.WorkspaceSymbolRequest.type, { query: "surcharge" })) as lsp.WorkspaceSymbol[];
  assert.deepEqual(found.map((each) => each.location.uri), [pathToFileURL(join(other, "more.py")).toString()]);
  await connection.sendNotification(lsp.DidChangeWorkspaceFoldersNotification.type, { event: { added: [], removed: [folder] } });
  assert.deepEqual(await connection.sendRequest(lsp.WorkspaceSymbolRequest.type, { query: "surcharge" }), []);
  rmSync(other, { recursive: true, force: true });
});

test("the server leaves with 0 when it is told to", async () => {
  const exit = new Promise<number | null>((resolve) => server.once("exit", resolve));
  await connection.sendRequest(lsp.ShutdownRequest.type);
  await connection.sendNotification(lsp.ExitNotification.type);
  assert.equal(await exit, 0);
});
