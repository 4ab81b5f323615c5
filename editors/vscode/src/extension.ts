/** Finds, starts, restarts, configures and shows. What an answer is, the server says. */
import { Connection, SHOW_REFERENCES } from "./client";
import { toMarkdown } from "./explanation";
import { type ExtensionContext, Pages, StatusItem, activeEditor, onCommand, onServerMayDiffer, outputChannel, showReferences, tell } from "./vscodeapi";

let connection: Connection | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const output = outputChannel();
  const status = new StatusItem("codeanatomy.showOutput");
  const pages = new Pages();
  const current = new Connection(context.extensionPath, output, status);
  connection = current;
  context.subscriptions.push(
    output,
    status,
    pages,
    onCommand("codeanatomy.showOutput", () => output.show()),
    onCommand("codeanatomy.restart", () => current.restart()),
    onCommand(SHOW_REFERENCES, showReferences),
    onCommand("codeanatomy.explain", () => explainWord(current, pages)),
    await onServerMayDiffer(() => void current.restart()),
  );
  await current.restart();
}

export async function deactivate(): Promise<void> {
  await connection?.stop();
}

async function explainWord(current: Connection, pages: Pages): Promise<void> {
  const editor = activeEditor();
  if (!editor) return;
  const explanation = await current.explain(editor);
  if (explanation === null) {
    tell("CodeAnatomy knows no name at the cursor.");
    return;
  }
  await pages.show(explanation.word, toMarkdown(explanation, editor.document.uri.toString()));
}
