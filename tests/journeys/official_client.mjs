// The official socket.io-client as a phone would use it: hears, folds, and asks over HTTP for what is missing.
// Started by test_official_client.py; tells one JSON line for everything that happens to it.
//
// node official_client.mjs <folder with node_modules> <origin> <session cookie> <group id>
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, origin, cookie, groupId] = process.argv.slice(2);
const { io } = createRequire(join(folder, "package.json"))("socket.io-client");

const held = [];
let catching = null;

const tell = (event, facts = {}) => console.log(JSON.stringify({ event, ...facts }));

function fold(rows, way) {
  for (const row of [...rows].sort((a, b) => a.sequence - b.sequence)) {
    if (row.sequence !== held.length + 1) continue;
    held.push(row.sequence);
    tell("row", { way, sequence: row.sequence, text: row.text });
  }
}

function catchUp() {
  catching ??= ask().finally(() => (catching = null));
  return catching;
}

async function ask() {
  for (;;) {
    const address = `${origin}/api/v1/groups/${groupId}/posts?after=${held.length}&limit=200`;
    const answer = await fetch(address, { headers: { Cookie: cookie } }).catch(() => null);
    if (!answer?.ok) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      continue;
    }
    const page = await answer.json();
    fold(page.revisions, "rest");
    if (!page.has_more) return tell("level", { sequence: page.last_sequence });
  }
}

const socket = io(origin, {
  transports: ["websocket"],
  extraHeaders: { Cookie: cookie, Origin: origin },
  reconnectionDelay: 200,
  reconnectionDelayMax: 1000,
});
socket.on("connect", () => {
  tell("connect");
  void catchUp();
});
socket.on("disconnect", (reason) => tell("disconnect", { reason }));
socket.on("connect_error", (error) => tell("refused", { reason: error.message }));
socket.on("changes", (changes) => {
  if (changes.group_id !== groupId) return;
  fold(changes.revisions, "live");
  if (changes.last_sequence > held.length) void catchUp();
});
process.stdin.on("end", () => process.exit(0)).resume();
