// The page: what people do → what is asked of the server → what is shown.

import {Refused, blob, get, hasKey, search as asked, useKey} from "./api.js";
import {Columns, MODES} from "./columns.js";
import {byId, element, fill, show} from "./dom.js";
import {PassageDialog} from "./document.js";
import {PassageMap} from "./map.js";

const AGAIN = 2000; // milliseconds until a server that loads its model is asked again

const state = {info: null, found: null, query: "", search: null, mapLoaded: false};
const passages = new PassageDialog();
const columns = new Columns({
  open: (hit) => passages.open(hit, state.found, state.query),
  point: (hit) => map.look(hit),
});
const map = new PassageMap({
  open: (hit) => passages.open(hit, state.found, state.query),
  failed: (error) => failed(error),
});

function say(...told) { fill(byId("status"), ...told); }

function trouble(told) {
  show(byId("trouble"), told !== "");
  fill(byId("trouble"), told);
}

function failed(error) {
  if (error.name === "AbortError") return;
  if (error instanceof Refused && error.status === 401) return askKey();
  say("");
  trouble(error instanceof Refused ? error.message : "The page has failed. Load it again.");
  if (!(error instanceof Refused)) throw error;
}

function askKey() {
  say(hasKey() ? "The server does not take this key." : "This server asks for a key.");
  trouble("");
  show(byId("key-form"));
  show(byId("search-form"), false);
  byId("key").focus();
}

async function start() {
  try {
    state.info = await get("/info");
  } catch (error) {
    if (error.status === 503 || error.status === 0) {
      say(error.message);
      setTimeout(start, AGAIN);
      return;
    }
    failed(error);
    return;
  }
  begin();
}

function begin() {
  const {info} = state;
  fill(byId("model"), info.model_id);
  document.title = `${info.model_id}: search`;
  show(byId("key-form"), false);
  show(byId("report"), info.report);
  if (!info.index) {
    say("");
    trouble("This server has no index to search. Build one, and start the server with it:\n"
      + "sentune index build MODEL DATA --out INDEX\nsentune serve MODEL --index INDEX");
    return;
  }
  trouble("");
  say("Write a question.");
  show(byId("search-form"));
  show(byId("show-map"));
  byId("query").focus();
}

async function search() {
  const query = byId("query").value;
  if (!query.trim()) return say("Write a question first.");
  state.search?.abort();
  const mine = new AbortController();
  state.search = mine;
  say("Searching…");
  trouble("");
  const modes = MODES.filter((mode) => state.info.index.modes.includes(mode));
  const where = byId("where").value.trim() || null;
  try {
    const found = await asked({
      query, modes, where, top: Number(byId("top").value), marks: true,
    }, mine.signal);
    Object.assign(state, {found, query});
    shown(found);
  } catch (error) {
    if (mine !== state.search) return undefined;
    columns.clear();
    map.dim();
    failed(error);
  }
  return undefined;
}

function shown(found) {
  const every = found.modes.flatMap((mode) => found.results[mode]);
  if (every.length) {
    columns.draw(found);
  } else {
    columns.clear();
  }
  say(every.length ? told(found) : empty(), tooLong(found.cut));
  fields(every);
  if (state.mapLoaded) map.light(state.query, found).catch(failed);
}

function told(found) {
  const different = new Set(found.modes.flatMap(
    (mode) => found.results[mode].map((hit) => `${hit.source}\u0000${hit.id}`))).size;
  const passages = different === 1 ? "1 passage" : `${different} passages`;
  return found.modes.length > 1
    ? `${passages} in ${found.modes.length} columns. Ranks that moved are marked against the first.`
    : passages;
}

const tooLong = (cut) => (cut === 0 ? "" : " The question is too long: the model did not read its "
  + (cut === 1 ? "last token." : `last ${cut.toLocaleString("en")} tokens.`));

const empty = () => (byId("where").value.trim()
  ? "No passage fits. Look at the condition: it may let none through."
  : "No passage was found. The index may be empty.");

// Names of fields that the hits have, for conditions.
function fields(hits) {
  const names = [...new Set(hits.flatMap((hit) => Object.keys(hit.fields)))].sort();
  fill(byId("fields"), names.length ? `Fields: ${names.join(", ")}` : "");
}

async function toggleMap() {
  const button = byId("show-map");
  const opens = byId("map").hidden;
  button.setAttribute("aria-expanded", opens);
  show(byId("map"), opens);
  if (!opens || state.mapLoaded) return map.draw();
  try {
    await map.load();
    state.mapLoaded = true;
    if (state.found) await map.light(state.query, state.found);
  } catch (error) {
    button.setAttribute("aria-expanded", false);
    show(byId("map"), false);
    failed(error);
  }
  return undefined;
}

// A link cannot send the key: with one, the report is fetched and saved.
async function report(event) {
  if (!hasKey()) return;
  event.preventDefault();
  try {
    const address = URL.createObjectURL(await blob("/report.html"));
    element("a", {href: address, download: "report.html"}).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  } catch (error) {
    failed(error);
  }
}

function keys(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || passages.isOpen) return;
  const writes = event.target.closest?.("input, select, textarea");
  if (event.key === "/" && !writes && !byId("search-form").hidden) {
    event.preventDefault();
    byId("query").focus();
    byId("query").select();
  } else if (event.key === "ArrowDown" && event.target === byId("query")) {
    event.preventDefault();
    columns.focusFirst();
  } else if (event.key === "Escape" && event.target.closest?.(".hit")) {
    byId("query").focus();
  }
}

const submitted = (id, act) => byId(id).addEventListener("submit", (event) => {
  event.preventDefault();
  act();
});

submitted("search-form", search);
submitted("key-form", () => {
  const given = byId("key").value.trim();
  byId("key").value = "";
  if (!/^[ -~]+$/.test(given)) return say("A key has letters, digits and signs of ASCII only.");
  useKey(given);
  return start();
});
byId("show-map").addEventListener("click", toggleMap);
byId("report").addEventListener("click", report);
document.addEventListener("keydown", keys);
start();
