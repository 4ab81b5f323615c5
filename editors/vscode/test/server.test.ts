import assert from "node:assert/strict";
import { test } from "node:test";
import { type Surroundings, findServer } from "../src/server";

/** A trusted workspace on Linux in which these files are programs. */
function around(programs: readonly string[], changes: Partial<Surroundings> = {}): Surroundings {
  return {
    setting: "",
    folders: ["/home/me/shop"],
    trusted: true,
    extension: "/ext",
    searchPath: "/usr/local/bin:/usr/bin",
    windows: false,
    isProgram: (file) => programs.includes(file),
    ...changes,
  };
}

const everywhere = [
  "/opt/own/codeanatomy",
  "/envs/selected/bin/codeanatomy",
  "/home/me/shop/.venv/bin/codeanatomy",
  "/ext/bundled/codeanatomy",
  "/usr/bin/codeanatomy",
];

function command(surroundings: Surroundings): string {
  const found = findServer(surroundings);
  return found.kind === "found" ? found.command : `missing: ${found.reason}`;
}

test("the setting comes first, then the selected environment, the workspace's, the bundled server, PATH", () => {
  const set = { setting: "/opt/own/codeanatomy", environment: "/envs/selected" };
  const order = everywhere.map((_, gone) => command(around(everywhere.slice(gone), gone === 0 ? set : { environment: "/envs/selected" })));
  assert.deepEqual(order, everywhere);
});

test("a setting that names no program is an error, not a reason to start another server", () => {
  const found = findServer(around(everywhere.slice(1), { setting: "/opt/own/codeanatomy" }));
  assert.equal(found.kind, "missing");
  assert.match(found.kind === "missing" ? found.reason : "", /codeanatomy\.path names \/opt\/own\/codeanatomy/);
});

test("a relative setting and ${workspaceFolder} start at the first folder", () => {
  const inTools = around(["/home/me/shop/tools/codeanatomy"], { folders: ["/home/me/shop", "/home/me/other"] });
  assert.equal(command({ ...inTools, setting: "tools/codeanatomy" }), "/home/me/shop/tools/codeanatomy");
  assert.equal(command({ ...inTools, setting: "${workspaceFolder}/tools/codeanatomy" }), "/home/me/shop/tools/codeanatomy");
});

test("the selected environment may be given as its interpreter", () => {
  const surroundings = around(everywhere, { environment: "/envs/selected/bin/python3" });
  assert.equal(command(surroundings), "/envs/selected/bin/codeanatomy");
});

test("every folder of a workspace is looked into, .venv before venv", () => {
  const second = ["/home/me/other/venv/bin/codeanatomy", "/home/me/other/.venv/bin/codeanatomy"];
  assert.equal(command(around(second, { folders: ["/home/me/shop", "/home/me/other"] })), second[1]);
});

test("without trust the workspace can neither name nor hold the server", () => {
  const untrusted = { trusted: false, setting: "/opt/own/codeanatomy", environment: "/envs/selected" };
  assert.equal(command(around(everywhere, untrusted)), "/ext/bundled/codeanatomy");
  assert.equal(command(around(everywhere.slice(4), untrusted)), "/usr/bin/codeanatomy");
  assert.match(command(around(everywhere.slice(0, 3), untrusted)), /^missing: .*Trust the workspace/);
});

test("without trust an entry of PATH inside the workspace does not count; a folder with a similar name does", () => {
  const planted = ["/home/me/shop/bin/codeanatomy", "/home/me/shop2/bin/codeanatomy"];
  const searchPath = "/home/me/shop/bin:/home/me/shop2/bin";
  assert.equal(command(around(planted, { searchPath, trusted: false })), planted[1]);
  assert.equal(command(around(planted, { searchPath })), planted[0]);
});

test("a relative or empty entry of PATH never counts: it would mean the current folder", () => {
  const anywhere = around([], { searchPath: ":.:bin", isProgram: (file) => !file.startsWith("/") });
  assert.match(command(anywhere), /^missing: /);
  assert.match(command({ ...anywhere, trusted: false }), /^missing: /);
});

test("on Windows the program is an .exe in Scripts", () => {
  const windows = { windows: true, folders: ["C:\\shop"], searchPath: "C:\\bin;D:\\tools" };
  assert.equal(command(around(["C:\\shop\\.venv\\Scripts\\codeanatomy.exe"], windows)), "C:\\shop\\.venv\\Scripts\\codeanatomy.exe");
  assert.equal(command(around(["D:\\tools\\codeanatomy.exe"], windows)), "D:\\tools\\codeanatomy.exe");
  const planted = { ...windows, trusted: false, searchPath: "C:\\shop\\bin;D:\\tools" };
  assert.equal(command(around(["C:\\shop\\bin\\codeanatomy.exe", "D:\\tools\\codeanatomy.exe"], planted)), "D:\\tools\\codeanatomy.exe");
});
