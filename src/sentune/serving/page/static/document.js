// One passage as a whole, in a dialog.

import {post} from "./api.js";
import {byId, element, fill, ownText} from "./dom.js";
import {MODES, marked, titles} from "./columns.js";
import {figure, fileOf, headings, nameOf} from "./reading.js";

const APART = new Set(["page", "headings", "title"]);

export class PassageDialog {
  constructor() {
    this.dialog = byId("document");
    byId("close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close(); // beside it
    });
  }

  get isOpen() { return this.dialog.open; }

  // When it closes, the browser gives the focus back to what had it.
  open(hit, found, query) {
    const fields = hit.fields ?? {};
    const title = typeof fields.title === "string" && fields.title ? fields.title : hit.id;
    fill(byId("document-title"), ownText("own-text", title));
    fill(byId("document-place"), ownText("own-text", placeOf(hit)));
    fill(byId("document-text"),
      ownText("own-text", ...marked(hit, 0, hit.text.length, {withPiece: true})));
    fill(byId("document-fields"), ...rows({id: hit.id, source: hit.source, ...others(fields)}));
    fill(byId("document-ranks"), ranks(hit, found));
    fill(byId("document-tokens"));
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.scrollTop = 0;
    byId("document-text").scrollTop = 0;
    byId("document-text").querySelector(".piece")?.scrollIntoView({block: "nearest"});
    byId("close").focus();
    const late = found?.results.late?.find((each) => nameOf(each) === nameOf(hit));
    if (late) this.#explain(query, late);
  }

  // What the late stage compared, which the server computes anew.
  async #explain(query, hit) {
    this.explained = hit;
    try {
      const told = await post("/explain", {query, source: hit.source, id: hit.id});
      if (this.explained === hit) fill(byId("document-tokens"), tokens(told));
    } catch {
      fill(byId("document-tokens"), "Why the late stage gave its score could not be asked.");
    }
  }
}

function placeOf(hit) {
  const {page} = hit.fields ?? {};
  return [
    fileOf(hit.source), page === undefined || page === null ? "" : `page ${page}`,
    headings(hit.fields).join(" › "),
    hit.pieces > 1 && hit.piece_number ? `found by piece ${hit.piece_number} of ${hit.pieces}` : "",
  ].filter(Boolean).join(" · ");
}

const others = (fields) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !APART.has(name)));

const rows = (values) => Object.entries(values)
  .filter(([, value]) => value !== null && value !== "")
  .flatMap(([name, value]) => [
    element("dt", {}, ownText("own-text", name)), element("dd", {}, ownText("own-text", value)),
  ]);

// Rank, score and similarity in each column, and the words that BM25 matched.
function ranks(hit, found) {
  if (!found) return null;
  const known = titles(found.modes);
  const lines = MODES.filter((mode) => found.modes.includes(mode)).map((mode) => {
    const here = found.results[mode].find((each) => nameOf(each) === nameOf(hit));
    return element("tr", {},
      element("th", {scope: "row"}, known[mode]),
      ...[here?.rank ?? "–", figure(here?.score), figure(here?.similarity)].map(
        (value) => element("td", {}, value)),
    );
  });
  const heads = ["Column", "Rank", "Score", "Similarity"];
  return element("div", {class: "scroll"},
    table("Where it stands", heads, lines),
    element("p", {class: "small"}, words(hit)),
  );
}

const table = (caption, heads, lines) => element("table", {},
  element("caption", {}, caption),
  element("thead", {}, element("tr", {},
    ...heads.map((name) => element("th", {scope: "col"}, name)))),
  element("tbody", {}, ...lines),
);

// The tokens of the question by their weight, each with the nearest one of the passage.
function tokens(told) {
  const what = told.pieces > 1
    ? `Late stage, piece ${told.piece_number} of ${told.pieces}` : "Late stage";
  const sorted = [...told.tokens].sort((a, b) => b.weight - a.weight);
  const lines = sorted.map((each) => element("tr", {},
    element("th", {scope: "row"}, ownText("own-text", each.token)),
    ...[figure(each.weight), ownText("own-text", each.nearest), figure(each.similarity)].map(
      (value) => element("td", {}, value)),
  ));
  return element("div", {class: "scroll"}, table(
    `${what}: mean of weight × similarity ${figure(told.score)}`,
    ["Token asked", "Weight", "Nearest token", "Similarity"], lines,
  ));
}

function words(hit) {
  const characters = Array.from(hit.text);
  const all = (hit.marks ?? []).map(([a, b]) => characters.slice(a, b).join("").toLowerCase());
  const each = [...new Set(all)];
  return each.length ? `Words that BM25 matches: ${each.join(", ")}.` : "BM25 matches no word of it.";
}
