// The hits of each way to search, side by side; on a narrow screen one at a time.

import {byId, element, fill, ownText, show} from "./dom.js";
import {beginning, figure, fileOf, headings, nameOf, parts} from "./reading.js";

export const MODES = ["base", "dense", "words", "hybrid", "late"];
const SCORES = {
  base: "similarity", dense: "similarity", words: "BM25", hybrid: "fused", late: "with late stage",
};
const SHORT = {base: "Base", dense: "Tuned", words: "BM25", hybrid: "Fusion", late: "Late"};
const SHOWN = 700; // characters of a text in a column

export const titles = (modes) => ({
  base: "Base model",
  dense: modes.includes("base") ? "Tuned model" : "Model",
  words: "BM25 (words)",
  hybrid: "Fusion",
  late: "Late stage",
});

export class Columns {
  constructor({open, point}) {
    this.open = open; // a hit was chosen
    this.point = point; // a hit is looked at, or none
    this.place = byId("columns");
    this.tabs = byId("tabs");
    this.place.addEventListener("keydown", (event) => this.#key(event));
    for (const kind of ["focusin", "mouseover"]) {
      this.place.addEventListener(kind, (event) => this.#look(event));
    }
    this.place.addEventListener("mouseleave", () => this.#same(null));
  }

  clear() {
    fill(this.place);
    show(this.tabs, false);
  }

  draw(found) {
    const known = titles(found.modes);
    const first = ranks(found.results[found.modes[0]]);
    const columns = found.modes.map((mode, number) => this.#column(
      mode, known[mode], found.results[mode], number ? first : null, known[found.modes[0]],
    ));
    fill(this.place, ...columns);
    fill(this.tabs, ...found.modes.map((mode) => this.#tab(mode, found.modes)));
    show(this.tabs, found.modes.length > 1);
    this.choose(found.modes.includes(this.mode) ? this.mode : usual(found.modes));
  }

  // The column that a narrow screen shows.
  choose(mode) {
    this.mode = mode;
    for (const each of this.place.children) each.classList.toggle("shown", each.dataset.mode === mode);
    for (const each of this.tabs.children) each.setAttribute("aria-pressed", each.dataset.mode === mode);
  }

  focusFirst() {
    const columns = [...this.place.children].filter((each) => each.offsetParent !== null);
    columns.map((each) => each.querySelector(".hit")).find((each) => each)?.focus();
  }

  #tab(mode, modes) {
    const short = mode === "dense" && !modes.includes("base") ? "Model" : SHORT[mode];
    const made = element("button", {type: "button", "data-mode": mode}, short);
    made.addEventListener("click", () => this.choose(mode));
    return made;
  }

  #column(mode, title, hits, first, against) {
    const id = `column-${mode}`;
    const moved = first === null
      ? "" : `${count(hits, (hit) => movement(hit, first) !== null)} of ${hits.length} moved`;
    return element("section", {class: `column ${mode}`, "aria-labelledby": id, "data-mode": mode},
      element("h2", {id}, title),
      element("p", {class: "soft small"}, hits.length ? moved : "No hit here."),
      element("ol", {}, ...hits.map((hit) => element("li", {}, this.#hit(mode, hit, first, against)))),
    );
  }

  #hit(mode, hit, first, against) {
    const made = element("button", {type: "button", class: "hit", "aria-haspopup": "dialog"},
      element("span", {class: "head"},
        element("span", {class: "rank"}, hit.rank),
        first === null ? null : move(movement(hit, first), against),
        element("span", {class: "score"}, `${SCORES[mode]} ${figure(hit.score)}`),
      ),
      ownText("name own-text", nameLine(hit)),
      ownText("text own-text", ...shortened(hit)),
    );
    made.hit = hit;
    made.addEventListener("click", () => this.open(hit));
    return made;
  }

  #key(event) {
    const at = document.activeElement?.closest(".column");
    if (!at || event.ctrlKey || event.altKey || event.metaKey) return;
    const hits = [...at.querySelectorAll(".hit")];
    const number = hits.indexOf(document.activeElement);
    const goal = {
      ArrowDown: () => hits[number + 1],
      ArrowUp: () => hits[number - 1] ?? byId("query"),
      ArrowRight: () => this.#beside(at, number, "nextElementSibling"),
      ArrowLeft: () => this.#beside(at, number, "previousElementSibling"),
    }[event.key];
    if (!goal) return;
    event.preventDefault();
    goal()?.focus();
  }

  #beside(column, number, side) {
    let next = column[side];
    while (next && !next.querySelector(".hit")) next = next[side];
    if (!next) return null;
    if (!this.tabs.hidden) this.choose(next.dataset.mode);
    const hits = next.querySelectorAll(".hit");
    return hits[Math.min(number, hits.length - 1)];
  }

  #look(event) {
    const made = event.target.closest?.(".hit");
    if (made) this.#same(made.hit);
  }

  // Mark a passage in every column.
  #same(hit) {
    const name = hit && nameOf(hit);
    if (name === this.looked) return;
    this.looked = name;
    for (const each of this.place.querySelectorAll(".hit")) {
      each.classList.toggle("same", nameOf(each.hit) === name);
    }
    this.point(hit);
  }
}

const usual = (modes) => (modes.includes("dense") ? "dense" : modes[0]);
const ranks = (hits) => new Map(hits.map((hit) => [nameOf(hit), hit.rank]));
const count = (hits, test) => hits.filter(test).length;

// How many ranks higher than in the first column: null for the same, "new" if it is not there.
function movement(hit, first) {
  const before = first.get(nameOf(hit));
  if (before === undefined) return "new";
  return before === hit.rank ? null : before - hit.rank;
}

function move(by, against) {
  if (by === null) return null;
  if (by === "new") {
    return element("span", {class: "moved new", title: `Not among the hits of ${against}`}, "new");
  }
  const steps = Math.abs(by);
  const told = `${steps} ${steps === 1 ? "rank" : "ranks"} ${by > 0 ? "higher" : "lower"} than in ${against}`;
  return element("span", {class: `moved ${by > 0 ? "up" : "down"}`, title: told},
    element("span", {"aria-hidden": "true"}, `${by > 0 ? "▲" : "▼"} ${steps}`),
    element("span", {class: "unseen"}, told),
  );
}

export function nameLine(hit) {
  const above = headings(hit.fields);
  return [
    fileOf(hit.source), hit.id, hit.fields?.page === undefined ? "" : `page ${hit.fields.page}`,
    ...above.slice(-1),
  ].filter(Boolean).join(" · ");
}

function shortened(hit) {
  const start = beginning(hit);
  const end = Math.min(hit.text.length, start + SHOWN);
  return [start ? "…" : null, ...marked(hit, start, end), end < hit.text.length ? "…" : null];
}

// The parts of a text, those that match in <mark>, and in the whole text the piece that was found.
export function marked(hit, start, end, {withPiece = false} = {}) {
  return parts(hit, start, end).map((part) => {
    const inner = part.marked ? element("mark", {}, part.text) : part.text;
    return withPiece && part.inPiece ? element("span", {class: "piece"}, inner) : inner;
  });
}
